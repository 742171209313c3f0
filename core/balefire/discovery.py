"""Finds plugins: what is installed offers them as entry points, the configuration names files and folders."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Protocol

from balefire_hookspecs import PROJECT

FILE_PREFIX: Final = "balefire_file_"
"""Goes before the name of a plugin file, so that ``calendar.py`` is not taken for the standard library's."""


class Source(Protocol):
    """Where a plugin comes from."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def place(self) -> str:
        """For people: which distribution, or which file."""

    @property
    def package(self) -> str:
        """Its top-level module, which a reload imports again; "" when it is no module."""

    def load(self) -> object:
        """Import it: a module, a class or an object with hooks. Raises whatever its code raises."""


@dataclass(frozen=True, slots=True)
class InstalledPlugin:
    """An entry point of an installed distribution."""

    entry: EntryPoint

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def version(self) -> str:
        return self.entry.dist.version if self.entry.dist else ""

    @property
    def place(self) -> str:
        return self.entry.dist.name if self.entry.dist else self.entry.value

    @property
    def package(self) -> str:
        return self.entry.module.partition(".")[0]

    def load(self) -> object:
        return self.entry.load()


@dataclass(frozen=True, slots=True)
class PluginFile:
    """A module or package somewhere on disk. ``attribute`` is the plugin in it; "" for the module itself."""

    name: str
    path: Path
    package: str
    attribute: str = ""
    version: str = ""

    @property
    def place(self) -> str:
        return str(self.path)

    def load(self) -> object:
        module = _import_file(self.package, self.path)
        if self.attribute:
            return getattr(module, self.attribute)
        return getattr(module, "Plugin", module)


@dataclass(frozen=True, slots=True)
class GivenPlugin:
    """An object handed to the kernel by the program that embeds it, or by a test."""

    name: str
    plugin: object
    version: str = ""
    place: str = "given"
    package: str = ""

    def load(self) -> object:
        return self.plugin


def find_plugins(
    files: Sequence[Path], given: Mapping[str, object], problems: list[str]
) -> tuple[dict[str, Source], list[str]]:
    """Every plugin there is, by name, and the names of those that come from files, in order.

    :param problems: gets a line for a file that holds no plugin and for a name that two distributions offer.
    """
    found: dict[str, Source] = {}
    for entry in entry_points(group=PROJECT):
        plugin = InstalledPlugin(entry)
        known = found.setdefault(entry.name, plugin)
        if known is not plugin and known.place != plugin.place:
            problems.append(f"plugins.{entry.name}: is offered by both {known.place} and {plugin.place}; uninstall one")
    names = []
    for path in files:
        for file in _in_file(path, problems):
            if isinstance(other := found.get(file.name), PluginFile):
                problems.append(f"kernel.plugins: {other.place} and {path} are both named {file.name!r}")
            found[file.name] = file  # what the operator wrote down goes before what happens to be installed
            names.append(file.name)
    found |= {name: GivenPlugin(name, plugin) for name, plugin in given.items()}
    return found, names


def _in_file(path: Path, problems: list[str]) -> list[PluginFile]:
    if (path / "pyproject.toml").is_file():
        return _in_project(path, problems)
    init = path / "__init__.py"
    source = init if init.is_file() else path
    if source.suffix != ".py" or not source.is_file():
        problems.append(f"kernel.plugins: {path}: there is no Python file, package or plugin project of this name")
        return []
    return [PluginFile(path.stem.replace("_", "-"), source, FILE_PREFIX + path.stem.replace("-", "_"))]


def _in_project(folder: Path, problems: list[str]) -> list[PluginFile]:
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        offered = project["entry-points"][PROJECT]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError):
        problems.append(f"kernel.plugins: {folder}: its pyproject.toml has no [project.entry-points.{PROJECT}]")
        return []
    plugins = []
    for name, target in offered.items():
        module, _, attribute = str(target).partition(":")
        source = _module_file(folder, module)
        if source is None:
            problems.append(
                f"kernel.plugins: {folder}: entry point {name!r} names module {module!r}, which is not there"
            )
        else:
            plugins.append(PluginFile(name, source, module, attribute, str(project.get("version", ""))))
    return plugins


def _module_file(folder: Path, module: str) -> Path | None:
    places = [root / end for root in (folder, folder / "src") for end in (f"{module}.py", f"{module}/__init__.py")]
    return next((place for place in places if place.is_file()), None)


def _import_file(name: str, path: Path) -> ModuleType:
    known = sys.modules.get(name)
    if known is not None:
        if Path(known.__file__ or "") == path:
            return known
        raise ImportError(f"its module name {name!r} is already taken by {known.__file__ or 'a built-in module'}")
    folders = [str(path.parent)] if path.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=folders)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


@contextmanager
def imported_afresh(package: str) -> Iterator[None]:
    """Inside, importing the package runs its code again; on an error the old modules are put back.

    Modules that define database tables stay: SQLAlchemy holds each table once, and a change to a table takes a
    migration and a restart anyway.
    """
    mine = {name: module for name, module in sys.modules.items() if name == package or name.startswith(package + ".")}
    stale = {name: module for name, module in mine.items() if not _defines_tables(module)} if package else {}
    for name, module in stale.items():
        del sys.modules[name]
        _forget_compiled(module)
    importlib.invalidate_caches()
    try:
        yield
    except BaseException:
        sys.modules.update(stale)
        raise


def _forget_compiled(module: ModuleType) -> None:
    """Compiled code is matched to its source by size and whole second; an edit may change neither."""
    if compiled := getattr(module, "__cached__", None):
        with suppress(OSError):
            Path(compiled).unlink()


def _defines_tables(module: ModuleType) -> bool:
    return any(map(partial(_is_table, module), vars(module).values()))


def _is_table(module: ModuleType, value: Any) -> bool:
    if isinstance(value, type):
        return value.__module__ == module.__name__ and "__table__" in vars(value)
    return type(value).__module__.startswith("sqlalchemy.") and type(value).__name__ == "Table"
