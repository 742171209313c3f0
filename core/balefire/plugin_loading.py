"""Loads and examines one plugin without starting it. Whatever it does, only this plugin is the worse for it."""

from __future__ import annotations

import difflib
import inspect
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from pluggy import HookImpl, PluginManager, PluginValidationError
from pydantic import ValidationError

from balefire.config_problems import describe_problems
from balefire.discovery import Source
from balefire.hooks import EVENT_HOOKS, hook_manager
from balefire.plugin_record import PluginFailed, PluginRecord, summarize
from balefire_hookspecs import API_VERSION, Manifest, RemovedInBalefire1, Settings, hooks

log = logging.getLogger(__name__)

T = TypeVar("T")

LOAD_SECONDS: Final = 30.0
"""How long a plugin may take to be imported, and to describe itself."""

RESERVED: Final = ("enabled", "critical")
"""Keys of a plugin's table that are the kernel's."""


def load_plugin(
    name: str, source: Source, table: Mapping[str, Any], problems: list[str], manager: PluginManager | None = None
) -> PluginRecord:
    """Import a plugin, check its hooks, have it describe itself, and validate its settings.

    :param problems: gets the lines about its settings; a plugin with wrong settings is not to be started.
    :param manager: knows the contract's hooks and is left as it was; made when not given.
    :returns: a record in state "loaded", "off" or "failed".
    """
    where = f"plugins.{name}"
    switches = {key: table[key] for key in RESERVED if key in table}
    wrong = [key for key, value in switches.items() if not isinstance(_as_bool(value), bool)]
    problems += [f"{where}.{key}: must be true or false" for key in wrong]
    record = PluginRecord(name, table, version=source.version, source=source.place)
    record.is_critical = _as_bool(switches.get("critical", False)) is True
    if _as_bool(switches.get("enabled", True)) is False:
        record.state, record.reason = "off", f"{where}.enabled is false"
        return record
    try:
        _examine(record, source, manager or hook_manager())
    except PluginFailed as error:
        record.fail(error.reason)
        log.error("plugin %r cannot be loaded: %s", name, error.reason, exc_info=error.__cause__)
        return record
    record.config = _settings(record, problems)
    return record


def _as_bool(value: Any) -> Any:
    """The environment has no booleans."""
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value


def _examine(record: PluginRecord, source: Source, manager: PluginManager) -> None:
    with _deprecations_of(record):
        record.plugin = _import(source)
        record.folder = _folder(source)
        record.hooks = _hooks(record.name, record.plugin, manager)
        record.manifest = _describe(record.hooks.get("describe"))
    record.version = record.manifest.version or record.version
    _check_api(record.manifest.api)


def _import(source: Source) -> object:
    def load() -> object:
        loaded = source.load()
        return loaded() if inspect.isclass(loaded) else loaded

    try:
        return _in_time(load)
    except _StillRunning as error:
        raise PluginFailed(f"its import did not end within {LOAD_SECONDS:g} seconds; left behind") from error
    except (Exception, SystemExit) as error:
        raise PluginFailed(f"it cannot be imported: {summarize(error)}") from error


class _StillRunning(Exception):
    """A plugin's code that should be quick is not."""


def _in_time(work: Callable[[], T]) -> T:
    """Run a plugin's code in a thread of its own: the only way to go on without it when it never returns.

    :raises _StillRunning: it did not end in time. The thread goes on, until the process ends.
    """
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, name="loading a plugin", daemon=True)
    thread.start()
    thread.join(LOAD_SECONDS)
    if failure:
        raise failure[0]
    if not outcome:
        raise _StillRunning
    return outcome[0]


def _folder(source: Source) -> Path | None:
    file = getattr(sys.modules.get(source.package), "__file__", None)
    if file is None:
        return None
    return Path(file).parent if Path(file).name == "__init__.py" else Path(file)


def _hooks(name: str, plugin: object, manager: PluginManager) -> dict[str, HookImpl]:
    """The plugin's hook implementations, checked against the contract before anything is called."""
    try:
        manager.register(plugin, name=name)
    except (PluginValidationError, ValueError) as error:
        raise PluginFailed(f"its hooks do not fit the contract: {_one_line(error)}") from error
    try:
        found = _implementations(plugin, manager)
    finally:
        manager.unregister(plugin)
    for hook, impl in found.items():
        _check_shape(hook, impl)
    return found


def _implementations(plugin: object, manager: PluginManager) -> dict[str, HookImpl]:
    found: dict[str, HookImpl] = {}
    for caller in manager.get_hookcallers(plugin) or ():
        (impl,) = (impl for impl in caller.get_hookimpls() if impl.plugin is plugin)
        if caller.spec is not None:
            found[caller.name] = impl
        elif not impl.optionalhook:
            raise PluginFailed(_unknown_hook(caller.name))
    if not found:
        raise PluginFailed("it brings no hooks; decorate its functions with @hookimpl")
    return found


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _unknown_hook(name: str) -> str:
    known = [hook for hook, spec in vars(hooks).items() if hasattr(spec, "balefire_spec")]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"it implements {name!r}, which is no hook; {hint}hooks are {', '.join(sorted(known))}"


def _check_shape(hook: str, impl: HookImpl) -> None:
    if impl.wrapper or impl.hookwrapper:
        raise PluginFailed(f"{hook} is a hook wrapper; wrappers cannot surround async hooks, so there are none")
    is_async = inspect.iscoroutinefunction(impl.function)
    if hook == "lifespan" and not inspect.isasyncgenfunction(impl.function):
        raise PluginFailed("lifespan must be an async generator: 'async def lifespan(...)' with one 'yield'")
    if hook != "lifespan" and hook not in EVENT_HOOKS and is_async:
        raise PluginFailed(f"{hook} must be a plain function; do what needs awaiting in lifespan")


def _describe(impl: HookImpl | None) -> Manifest:
    if impl is None:
        return Manifest(summary="")
    try:
        manifest = _in_time(impl.function)
    except _StillRunning as error:
        raise PluginFailed(f"describe did not end within {LOAD_SECONDS:g} seconds; left behind") from error
    except (Exception, SystemExit) as error:
        raise PluginFailed(f"describe failed: {summarize(error)}") from error
    if not isinstance(manifest, Manifest):
        raise PluginFailed(f"describe must return a Manifest, got {type(manifest).__name__}")
    if not (isinstance(manifest.config, type) and issubclass(manifest.config, Settings)):
        raise PluginFailed("the manifest's config must be a subclass of balefire.Settings")
    return manifest


def _check_api(wanted: tuple[int, int]) -> None:
    """A minor step only adds, so an older plugin fits; a newer one may use what is not there yet."""
    major, minor = wanted
    if major != API_VERSION[0] or minor > API_VERSION[1]:
        what = "upgrade balefire" if wanted > API_VERSION else "look for a newer version of this plugin"
        raise PluginFailed(
            f"it was written for version {major}.{minor} of the plugin contract, this is "
            f"{API_VERSION[0]}.{API_VERSION[1]}; {what}"
        )


def _settings(record: PluginRecord, problems: list[str]) -> Settings:
    model = record.manifest.config
    own = {key: value for key, value in record.table.items() if key not in RESERVED}
    try:
        return model.model_validate(own)
    except ValidationError as error:
        problems += describe_problems(error, model, f"plugins.{record.name}")
        return Settings()


@contextmanager
def _deprecations_of(record: PluginRecord) -> Iterator[None]:
    """Whoever still uses what goes away in 1.0 is named, once, with what replaces it."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always", RemovedInBalefire1)
        try:
            yield
        finally:
            mine = [str(warning.message) for warning in seen if issubclass(warning.category, RemovedInBalefire1)]
    record.deprecations = mine
    for text in mine:
        log.warning("plugin %r uses what balefire 1.0 removes: %s", record.name, text)
    for warning in seen:
        if not issubclass(warning.category, RemovedInBalefire1):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
