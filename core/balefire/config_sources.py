"""Where settings come from: a TOML file, the environment, overrides, and what values refer to."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

Tables = dict[str, Any]

PREFIX: Final = "BALEFIRE_"
SEPARATOR: Final = "__"


def gather(
    path: Path | None,
    overrides: Mapping[str, Any],
    environ: Mapping[str, str],
    *,
    home: Path,
    sections: Mapping[str, Iterable[str]],
    plugins: Iterable[str],
) -> tuple[Tables, list[str], dict[str, str]]:
    """Merge every source into one tree of tables.

    :returns: the tables; what could not be read, as problems; and by path the variables that settings came from.
    """
    problems: list[str] = []
    tables = _read_toml(path, problems) if path else {}
    _drop_misshapen(tables, sections, problems)
    origins: dict[str, str] = {}
    _merge(tables, _from_environment(environ, sections, [*tables.get("plugins", ()), *plugins], problems, origins))
    _merge(tables, overrides)
    origins = {where: variable for where, variable in origins.items() if not _holds(overrides, where)}
    _drop_misshapen(tables, sections, problems)
    return {name: _resolve(table, name, home, environ, problems) for name, table in tables.items()}, problems, origins


def _read_toml(path: Path, problems: list[str]) -> Tables:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        problems.append(f"{path}: there is no such file; run without it for the defaults, or create it")
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{path}: cannot be read: {_reason(error)}")
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{path}: is not valid TOML: {str(error)[:1].lower()}{str(error)[1:]}")
    return {}


def _from_environment(
    environ: Mapping[str, str],
    sections: Mapping[str, Iterable[str]],
    plugins: Iterable[str],
    problems: list[str],
    origins: dict[str, str],
) -> Tables:
    """``BALEFIRE_PLUGINS__PUSH_APNS__KEY_ID`` is ``plugins.push-apns.key_id``.

    Variables without a double underscore (``BALEFIRE_CONFIG``) are not settings; one that looks as if it was meant to
    be is a problem.
    """
    names = {_shouted(name): name for name in plugins}
    tables: Tables = {}
    for variable in sorted(environ):
        if not variable.startswith(PREFIX):
            continue
        if SEPARATOR not in variable:
            if (meant := _meant(variable, sections, names)) and not _is_service_link(environ[variable]):
                problems.append(f"{variable}: names no setting; did you mean {meant}? (two underscores)")
            continue
        section, *keys = variable.removeprefix(PREFIX).split(SEPARATOR)
        where = [section.lower()]
        if section == "PLUGINS" and keys:
            where.append(names.get(keys[0], keys[0].lower().replace("_", "-")))
            keys = keys[1:]
        where += [key.lower() for key in keys]
        if not all(where) or len(where) < 2 + (section == "PLUGINS"):
            problems.append(f"{variable}: names no setting; a setting is BALEFIRE_SECTION__KEY")
        else:
            _put(tables, where, _value(environ[variable]))
            origins[".".join(where)] = variable
    return tables


def _meant(variable: str, sections: Mapping[str, Iterable[str]], plugins: Iterable[str]) -> str:
    """``BALEFIRE_SERVER__PORT`` for ``BALEFIRE_SERVER_PORT``; "" for what looks like no setting."""
    name = variable.removeprefix(PREFIX)
    for section, keys in sections.items():
        if name in (f"{section}_{key}".upper() for key in keys):
            return variable.replace(f"_{section.upper()}_", f"_{section.upper()}{SEPARATOR}", 1)
    for plugin in sorted(plugins, key=len, reverse=True):
        if name.startswith(f"PLUGINS_{plugin}_"):
            return f"{PREFIX}PLUGINS{SEPARATOR}{plugin}{SEPARATOR}{name.removeprefix(f'PLUGINS_{plugin}_')}"
    return ""


def _is_service_link(value: str) -> bool:
    """Kubernetes sets ``BALEFIRE_SERVER_PORT=tcp://10.0.0.1:80`` for a service of that name."""
    return value.startswith(("tcp://", "udp://"))


def _shouted(name: str) -> str:
    return name.upper().replace("-", "_")


def _value(text: str) -> Any:
    """Lists and tables are written as in the file; everything else stays text, which settings classes convert."""
    if text[:1] not in ("[", "{"):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _put(tables: Tables, where: list[str], value: Any) -> None:
    *path, key = where
    for name in path:
        below = tables.setdefault(name, {})
        if not isinstance(below, dict):
            below = tables[name] = {}
        tables = below
    tables[key] = value


def _merge(tables: Tables, more: Mapping[str, Any], where: str = "") -> None:
    for key, value in more.items():
        path = f"{where}.{key}" if where else key
        if not isinstance(value, Mapping):
            tables[key] = value
            continue
        present = tables.get(key)
        if not isinstance(present, dict) or _is_reference(present, path):
            tables[key] = {}
        _merge(tables[key], value, path)


def _holds(tables: Any, path: str) -> bool:
    for key in path.split("."):
        if not isinstance(tables, Mapping) or key not in tables:
            return False
        tables = tables[key]
    return True


def _drop_misshapen(tables: Tables, sections: Iterable[str], problems: list[str]) -> None:
    """Say which sections and plugin tables are no tables, and go on without them."""
    for section in [name for name in (*sections, "plugins") if not isinstance(tables.get(name, {}), dict)]:
        problems.append(f"{section}: must be a table, written [{section}]")
        del tables[section]
    plugins = tables.get("plugins", {})
    for name in [name for name, table in plugins.items() if not isinstance(table, dict)]:
        problems.append(f"plugins.{name}: must be a table, written [plugins.{name}]")
        del plugins[name]


def _resolve(value: Any, where: str, home: Path, environ: Mapping[str, str], problems: list[str]) -> Any:
    """Replace ``{ env = "NAME" }`` and ``{ file = "path" }`` by what they refer to."""
    if isinstance(value, list | tuple):
        return [_resolve(item, f"{where}.{i}", home, environ, problems) for i, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if _is_reference(value, where):
        return _look_up(value, where, home, environ, problems)
    return {key: _resolve(item, f"{where}.{key}", home, environ, problems) for key, item in value.items()}


def _is_reference(value: Mapping[str, Any], where: str) -> bool:
    """A whole section or plugin table is never one: a plugin may well have ``file`` as its only setting."""
    if where.count(".") < 1 + where.startswith("plugins."):
        return False
    return len(value) == 1 and all(key in ("env", "file") and isinstance(value[key], str) for key in value)


def _look_up(value: Mapping[str, str], where: str, home: Path, environ: Mapping[str, str], problems: list[str]) -> str:
    if "env" in value:
        if value["env"] not in environ:
            problems.append(f"{where}: refers to the environment variable {value['env']}, which is not set")
        return environ.get(value["env"], "")
    path = home / value["file"]
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        problems.append(f"{where}: refers to the file {path}, which cannot be read: {_reason(error)}")
        return ""


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    # A decoding error's text quotes bytes of the file, and the file may be a secret.
    return "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else "the path is not valid"
