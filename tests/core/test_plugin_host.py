"""What the plugin host promises: whatever one plugin does, the others run and the operator is told which and why."""

import asyncio
import logging
import sys
import warnings
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from balefire import Conversation, Job, Manifest, Message, Payload, RemovedInBalefire1, Settings, hookimpl
from balefire.clock import SystemClock
from balefire.dispatcher import Limits
from balefire.plugin_host import PluginHost
from balefire.plugin_life import LifeLimits
from balefire.plugin_record import PluginFailed, PluginRecord
from balefire_hookspecs import ConfigError, hooks

QUICK = LifeLimits(start_seconds=0.05, stop_seconds=0.05)


class Context:
    """What these plugins need of a context: their record, and a task that ends with them."""

    def __init__(self, record: PluginRecord) -> None:
        self.record = record
        self.name = record.name
        self.config: Any = record.config
        self.is_closed = False

    async def close(self) -> None:
        self.is_closed = True


class Vendor:
    def __init__(self, name: str) -> None:
        self.name = name

    async def send(self, note: Any) -> str | None:
        return None


class Good:
    """A plugin that does everything right, and notes what happens to it."""

    def __init__(self, *, vendor: str = "good", requires: tuple[str, ...] = (), provides: tuple[str, ...] = ()) -> None:
        self.vendor = vendor
        self.manifest = Manifest("Does everything right", requires=requires, provides=provides)
        self.happened: list[str] = []
        self.heard: list[Message] = []

    @hookimpl
    def describe(self) -> Manifest:
        return self.manifest

    @hookimpl
    async def lifespan(self, ctx: Context) -> AsyncIterator[None]:
        self.happened.append("opened")
        yield
        self.happened.append("closed")

    @hookimpl
    def register_push_vendors(self, ctx: Context) -> list[Vendor]:
        return [Vendor(self.vendor)]

    @hookimpl
    def on_message_stored(self, message: Message) -> None:
        self.heard.append(message)


def host_of(
    plugins: Mapping[str, object], *, tables: Mapping[str, Any] | None = None, files: tuple[Path, ...] = ()
) -> PluginHost:
    configured = {**{name: {} for name in plugins}, **(tables or {})}
    return PluginHost(
        configured, files, Context, SystemClock(), extra=plugins, limits=QUICK, hook_limits=Limits(mute_after=2)
    )


@asynccontextmanager
async def running(plugins: Mapping[str, object], **options: Any) -> AsyncIterator[PluginHost]:
    host = host_of(plugins, **options)
    host.load()
    await host.start()
    try:
        yield host
    finally:
        await host.stop()


def message() -> Message:
    return Message(
        id=1,
        conversation=Conversation("group", "team"),
        seq=1,
        sender="ada",
        client_message_id="c-1",
        payload=Payload("text", {"text": "hello"}),
        at=0,
    )


# -- what goes well ----------------------------------------------------------------------------------------------------


async def test_a_plugin_is_opened_registered_called_and_closed() -> None:
    good = Good()

    async with running({"good": good}) as host:
        record = host.records["good"]
        await host.hooks.on_message_stored(message())
        assert (record.state, record.reason) == ("running", "")
        assert sorted(record.hooks) == ["describe", "lifespan", "on_message_stored", "register_push_vendors"]
        assert [name for name, _ in host.registered("register_push_vendors")] == ["good"]
        assert list(host.providers.push_vendors) == ["good"]

    assert good.happened == ["opened", "closed"]
    assert len(good.heard) == 1
    assert host.providers.push_vendors == {}
    assert host.hooks.on_message_stored.is_empty


async def test_the_table_that_stands_first_is_asked_first() -> None:
    order: list[str] = []

    def listener(name: str) -> object:
        class Listener:
            @hookimpl
            async def on_presence_changed(self, user: str) -> None:
                order.append(name)

        return Listener()

    async with running({name: listener(name) for name in ("zebra", "ant", "mole")}) as host:
        await host.hooks.on_presence_changed("ada", True)

    assert order == ["zebra", "ant", "mole"]


async def test_plugins_start_after_what_they_require_and_stop_before_it() -> None:
    happened: list[str] = []

    def plugin(name: str, requires: tuple[str, ...] = (), provides: tuple[str, ...] = ()) -> object:
        class Noting(Good):
            @hookimpl
            async def lifespan(self, ctx: Context) -> AsyncIterator[None]:
                happened.append(f"+{name}")
                yield
                happened.append(f"-{name}")

        return Noting(vendor=name, requires=requires, provides=provides)

    plugins = {"roof": plugin("roof", ("walls",)), "house": plugin("house", ("ground",), ("walls",))}
    async with running({**plugins, "plot": plugin("plot", provides=("ground",))}) as host:
        assert [name for name, _ in host.registered("register_push_vendors")] == ["roof", "house", "plot"]

    assert happened == ["+plot", "+house", "+roof", "-roof", "-house", "-plot"]


async def test_a_class_a_module_and_an_object_are_all_plugins(tmp_path: Path) -> None:
    (tmp_path / "plain_functions.py").write_text(MODULE_PLUGIN)

    async with running({"given": Good}, files=(tmp_path / "plain_functions.py",)) as host:
        assert {name: record.state for name, record in host.records.items()} == {
            "given": "running",
            "plain-functions": "running",
        }
        assert list(host.providers.push_vendors) == ["good", "from-a-module"]


async def test_a_task_group_may_stay_open_across_the_yield() -> None:
    done: list[str] = []

    class Grouped:
        @hookimpl
        async def lifespan(self, ctx: Context) -> AsyncIterator[None]:
            async with asyncio.TaskGroup() as group, asyncio.timeout(60):
                group.create_task(asyncio.sleep(0))
                yield
            done.append("left in the task it was entered in")

    async with running({"grouped": Grouped()}) as host:
        assert host.records["grouped"].state == "running"

    assert done == ["left in the task it was entered in"]


# -- faulty plugins ----------------------------------------------------------------------------------------------------


def failing_in(hook: str, act: Callable[[], Any]) -> object:
    """A plugin that does this in that hook, and is good otherwise."""
    if hook == "lifespan":

        class FailsToStart(Good):
            @hookimpl
            async def lifespan(self, ctx: Context) -> AsyncIterator[None]:
                await _maybe(act())
                yield

        return FailsToStart(vendor="bad")

    class FailsToRegister(Good):
        @hookimpl
        def describe(self) -> Manifest:
            return Manifest("bad") if hook != "describe" else act()

        @hookimpl
        def register_push_vendors(self, ctx: Context) -> list[Vendor]:
            return [Vendor("bad")] if hook != "register_push_vendors" else act()

    return FailsToRegister()


async def _maybe(value: Any) -> None:
    if asyncio.iscoroutine(value):
        await value


def raises() -> Any:
    raise RuntimeError("out of order")


def exits() -> Any:
    raise SystemExit(1)


async def hangs() -> None:
    await asyncio.Event().wait()


async def hangs_and_ignores_its_cancellation() -> None:
    for _ in range(2):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue


async def cancels_itself() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("hook", "act", "reason"),
    [
        ("describe", raises, "describe failed: RuntimeError: out of order"),
        ("describe", exits, "describe failed: SystemExit: 1"),
        ("describe", lambda: "a text", "describe must return a Manifest, got str"),
        ("lifespan", raises, "its lifespan failed: RuntimeError: out of order"),
        ("lifespan", exits, "its lifespan failed: SystemExit: 1"),
        ("lifespan", hangs, "its lifespan did not get to its yield within 0.05 s"),
        ("lifespan", hangs_and_ignores_its_cancellation, "its lifespan did not get to its yield within 0.05 s"),
        ("lifespan", cancels_itself, "its lifespan failed: it was cancelled"),
        ("register_push_vendors", raises, "register_push_vendors failed: RuntimeError: out of order"),
        ("register_push_vendors", exits, "register_push_vendors failed: SystemExit: 1"),
        ("register_push_vendors", lambda: "abc", "register_push_vendors must return a list, got str"),
        ("register_push_vendors", lambda: [object()], "returned object, which is no push vendor: it lacks 'name'"),
    ],
)
async def test_a_plugin_that_fails_is_named_and_the_others_run(hook: str, act: Callable[[], Any], reason: str) -> None:
    good = Good()

    async with running({"bad": failing_in(hook, act), "good": good}) as host:
        assert host.records["bad"].state == "failed"
        assert reason in host.records["bad"].reason
        assert host.records["good"].state == "running"
        assert list(host.providers.push_vendors) == ["good"]
        await host.hooks.on_message_stored(message())
        assert good.heard, "hooks of the others are called"


async def test_what_a_failing_plugin_opened_is_closed_again() -> None:
    class Broken(Good):
        @hookimpl
        def register_push_vendors(self, ctx: Context) -> list[Vendor]:
            raise RuntimeError("half-way")

    broken = Broken()
    async with running({"broken": broken}):
        assert broken.happened == ["opened", "closed"]


@pytest.mark.parametrize("at_stop", [raises, exits, hangs, hangs_and_ignores_its_cancellation])
async def test_a_plugin_that_fails_to_stop_does_not_keep_others_from_stopping(
    at_stop: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    class StopsBadly:
        @hookimpl
        async def lifespan(self, ctx: Context) -> AsyncIterator[None]:
            yield
            await _maybe(at_stop())

    good = Good()
    async with running({"good": good, "bad": StopsBadly()}) as host:
        assert host.records["bad"].state == "running"

    assert good.happened == ["opened", "closed"]
    assert "plugin 'bad'" in caplog.text


async def test_a_lifespan_that_ends_by_itself_switches_its_plugin_off() -> None:
    async def breaks() -> None:
        raise RuntimeError("the connection is gone")

    class Dies(Good):
        @hookimpl
        async def lifespan(self, ctx: Context) -> AsyncIterator[None]:
            async with asyncio.TaskGroup() as group:
                group.create_task(breaks())
                yield

    changed = asyncio.Event()
    host = host_of({"dies": Dies()})
    host.load()
    host.on_changed.append(changed.set)
    await host.start()
    changed.clear()

    async with asyncio.timeout(10):
        await changed.wait()

    assert host.records["dies"].state == "failed"
    assert "its lifespan ended while it was running" in host.records["dies"].reason
    assert host.providers.push_vendors == {}
    await host.stop()


async def test_a_plugin_whose_hook_keeps_failing_shows_as_muted() -> None:
    class Fails:
        @hookimpl
        async def on_presence_changed(self) -> None:
            raise ValueError("no")

    async with running({"fails": Fails()}) as host:
        for _ in range(3):
            await host.hooks.on_presence_changed("ada", True)

        assert host.records["fails"].state == "muted"
        assert host.records["fails"].reason == "on_presence_changed failed: ValueError: no"


# -- contract checks ---------------------------------------------------------------------------------------------------


def with_hook(name: str, function: Callable[..., Any]) -> object:
    return type("WithHook", (), {name: staticmethod(hookimpl(function))})()


async def _async_hook(ctx: Any) -> Any: ...


def _sync_lifespan(ctx: Any) -> Any: ...


@pytest.mark.parametrize(
    ("plugin", "reason"),
    [
        (with_hook("on_mesage_stored", lambda message: None), "is no hook; did you mean 'on_message_stored'?"),
        (with_hook("on_message_stored", lambda mesage: None), "its hooks do not fit the contract"),
        (with_hook("register_routes", _async_hook), "register_routes must be a plain function"),
        (with_hook("lifespan", _sync_lifespan), "lifespan must be an async generator"),
        (with_hook("describe", lambda: Manifest("new", api=(0, 99))), "upgrade balefire"),
        (
            with_hook("describe", lambda: Manifest("later", api=(7, 0))),
            "for version 7.0 of the plugin contract",
        ),
        (with_hook("describe", lambda: Manifest("odd", config=dict)), "config must be a subclass of balefire.Settings"),  # type: ignore[arg-type]  # the mistake under test
        (object(), "it brings no hooks"),
    ],
)
def test_a_plugin_that_does_not_fit_the_contract_is_told_how(plugin: object, reason: str) -> None:
    host = host_of({"odd": plugin})
    host.load()

    assert host.records["odd"].state == "failed"
    assert reason in host.records["odd"].reason


def test_a_wrapper_is_refused() -> None:
    class Wraps:
        @hookimpl(wrapper=True)
        def on_message_stored(self, message: Message) -> Iterator[None]:
            yield

    host = host_of({"wraps": Wraps()})
    host.load()

    assert "on_message_stored is a hook wrapper" in host.records["wraps"].reason


def test_who_uses_what_goes_away_is_named(caplog: pytest.LogCaptureFixture) -> None:
    def describe() -> Manifest:
        warnings.warn("Manifest(old=…) becomes Manifest(new=…)", RemovedInBalefire1, stacklevel=1)
        return Manifest("old-fashioned")

    host = host_of({"old": with_hook("describe", describe)})
    host.load()

    assert host.records["old"].state == "loaded"
    assert host.records["old"].deprecations == ["Manifest(old=…) becomes Manifest(new=…)"]
    assert "plugin 'old' uses what balefire 1.0 removes" in caplog.text


async def test_who_implements_a_hook_that_goes_away_is_named_and_runs_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    goes = RemovedInBalefire1("on_presence_changed becomes on_presence")
    monkeypatch.setitem(hooks.on_presence_changed.balefire_spec, "warn_on_impl", goes)  # type: ignore[attr-defined]
    heard: list[str] = []
    plugin = with_hook("on_presence_changed", lambda user: heard.append(user))

    async with running({"old": plugin}) as host:
        await host.hooks.on_presence_changed("alice", True)
        await host.reload("old")

        assert host.records["old"].deprecations == ["on_presence_changed becomes on_presence"]
    assert "plugin 'old' uses what balefire 1.0 removes: on_presence_changed becomes on_presence" in caplog.text
    assert heard == ["alice"]


async def test_a_name_that_is_taken_names_both_plugins() -> None:
    second = Good(vendor="beacon")

    async with running({"first": Good(vendor="beacon"), "second": second}) as host:
        assert host.records["first"].state == "running"
        assert host.records["second"].reason == "push vendor 'beacon' is already provided by plugin 'first'"
        assert second.happened == ["opened", "closed"]


async def test_job_names_are_each_plugins_own() -> None:
    async def run() -> None: ...

    def with_job() -> object:
        return with_hook("register_jobs", lambda ctx: [Job("clean", run, every_seconds=60)])

    async with running({"one": with_job(), "two": with_job()}) as host:
        assert [name for name, _ in host.registered("register_jobs")] == ["one", "two"]


# -- requirements ------------------------------------------------------------------------------------------------------


async def test_a_missing_requirement_skips_the_plugin_with_the_reason() -> None:
    async with running({"needy": Good(requires=("ground",))}) as host:
        assert host.records["needy"].state == "skipped"
        assert host.records["needy"].reason == "it requires 'ground', which no enabled plugin provides"


async def test_dependants_of_a_failing_plugin_are_skipped_and_told_why() -> None:
    class Broken(Good):
        @hookimpl
        async def lifespan(self, ctx: Context) -> AsyncIterator[None]:
            raise RuntimeError("unable to open the file")
            yield

    plugins = {
        "far": Good(vendor="far", requires=("walls",)),
        "near": Good(vendor="near", requires=("ground",), provides=("walls",)),
        "broken": Broken(provides=("ground",)),
        "other": Good(vendor="other"),
    }
    async with running(plugins) as host:
        states = {name: record.state for name, record in host.records.items()}
        assert states == {"far": "skipped", "near": "skipped", "broken": "failed", "other": "running"}
        assert "unable to open the file" in host.records["near"].reason
        assert "near" in host.records["far"].reason


async def test_a_circle_of_requirements_is_printed_and_costs_only_its_members() -> None:
    plugins = {
        "hen": Good(vendor="hen", requires=("egg",)),
        "egg": Good(vendor="egg", requires=("hen",)),
        "fox": Good(vendor="fox"),
    }
    async with running(plugins) as host:
        assert host.records["hen"].state == host.records["egg"].state == "failed"
        assert "circle of requirements: " in host.records["hen"].reason
        assert "hen → egg" in host.records["hen"].reason or "egg → hen" in host.records["hen"].reason
        assert host.records["fox"].state == "running"


async def test_an_alternative_provider_satisfies_a_requirement() -> None:
    class Broken(Good):
        @hookimpl
        async def lifespan(self, ctx: Context) -> AsyncIterator[None]:
            raise RuntimeError("no")
            yield

    plugins = {
        "needy": Good(vendor="needy", requires=("ground",)),
        "broken": Broken(provides=("ground",)),
        "spare": Good(vendor="spare", provides=("ground",)),
    }
    async with running(plugins) as host:
        assert host.records["needy"].state == "running"


async def test_a_critical_plugin_that_fails_stops_the_start_and_closes_the_others() -> None:
    good = Good()
    host = host_of({"good": good, "vital": failing_in("lifespan", raises)}, tables={"vital": {"critical": True}})
    host.load()

    with pytest.raises(PluginFailed, match="plugin 'vital' is marked critical and is not running: its lifespan failed"):
        await host.start()

    assert good.happened == ["opened", "closed"]


# -- configuration -----------------------------------------------------------------------------------------------------


class Strict(Settings):
    app_id: str
    ttl_seconds: int = 60


def test_every_problem_of_every_plugin_is_reported_together() -> None:
    plugins = {name: with_hook("describe", lambda: Manifest("strict", config=Strict)) for name in ("one", "two")}
    tables = {"one": {"ap_id": "x"}, "two": {"app_id": "x", "ttl_seconds": "soon", "enabled": "maybe"}, "gost": {}}
    host = host_of(plugins, tables=tables)

    with pytest.raises(ConfigError) as caught:
        host.load()

    told = "\n".join(caught.value.problems)
    assert "plugins.one.app_id: is required and missing" in told
    assert "plugins.one.ap_id: no such setting; did you mean 'app_id'? settings are app_id, ttl_seconds" in told
    assert "plugins.two.ttl_seconds: must be a valid integer" in told
    assert "plugins.two.enabled: must be true or false" in told
    assert "plugins.gost: no such installed plugin; " in told


async def test_a_plugin_that_is_switched_off_is_not_even_imported(tmp_path: Path) -> None:
    file = tmp_path / "sleeper.py"
    file.write_text("raise RuntimeError('imported')")

    async with running({}, tables={"sleeper": {"enabled": False}}, files=(file,)) as host:
        assert (host.records["sleeper"].state, host.records["sleeper"].reason) == (
            "off",
            "plugins.sleeper.enabled is false",
        )


# -- files -------------------------------------------------------------------------------------------------------------

MODULE_PLUGIN = """
from balefire import Manifest, hookimpl

class Vendor:
    name = "from-a-module"
    async def send(self, note): return None

@hookimpl
def describe():
    return Manifest("plain functions in a file")

@hookimpl
def register_push_vendors():
    return [Vendor()]
"""

PROJECT = """
[project]
name = "balefire-push-acme"
version = "2.5"
[project.entry-points.balefire]
push-acme = "{module}"
"""


@pytest.fixture(autouse=True)
def forget_modules() -> Iterator[None]:
    known = set(sys.modules)
    yield
    for name in set(sys.modules) - known:
        if name.startswith(("balefire_file_", "acme_for_tests")):
            del sys.modules[name]


@pytest.mark.parametrize("layout", ["module", "package", "src"])
async def test_a_project_folder_is_a_plugin_without_being_installed(tmp_path: Path, layout: str) -> None:
    module = f"acme_for_tests_{layout}"
    (tmp_path / "pyproject.toml").write_text(PROJECT.format(module=module))
    if layout == "module":
        (tmp_path / f"{module}.py").write_text(MODULE_PLUGIN)
    else:
        package = (tmp_path / "src" if layout == "src" else tmp_path) / module
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("from .inner import *\n")
        (package / "inner.py").write_text(MODULE_PLUGIN)

    async with running({}, files=(tmp_path,)) as host:
        record = host.records["push-acme"]
        assert (record.state, record.version, record.reason) == ("running", "2.5", "")


async def test_a_file_that_cannot_be_imported_costs_only_itself(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import a_module_that_is_not_there")
    (tmp_path / "quits.py").write_text("raise SystemExit('bye')")

    async with running({"good": Good()}, files=(tmp_path / "broken.py", tmp_path / "quits.py")) as host:
        assert "No module named 'a_module_that_is_not_there'" in host.records["broken"].reason
        assert "it cannot be imported: SystemExit: bye" in host.records["quits"].reason
        assert host.records["good"].state == "running"


async def test_a_file_whose_code_never_returns_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("balefire.plugin_loading.LOAD_SECONDS", 0.2)
    endless = "import threading\nthreading.Event().wait()"
    (tmp_path / "endless.py").write_text(endless)
    (tmp_path / "mute.py").write_text(
        f"from balefire import hookimpl\n@hookimpl\ndef describe():\n    {endless.replace(chr(10), chr(10) + '    ')}"
    )

    async with running({"good": Good()}, files=(tmp_path / "endless.py", tmp_path / "mute.py")) as host:
        assert host.records["endless"].reason == "its import did not end within 0.2 seconds; left behind"
        assert host.records["mute"].reason == "describe did not end within 0.2 seconds; left behind"
        assert host.records["good"].state == "running"


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("nothing_here.py", None, "there is no Python file, package or plugin project of this name"),
        ("pyproject.toml", "[project]\nname = 'x'", "has no [project.entry-points.balefire]"),
        ("pyproject.toml", PROJECT.format(module="absent"), "names module 'absent', which is not there"),
    ],
)
def test_a_file_that_is_no_plugin_is_a_problem_of_the_configuration(
    tmp_path: Path, name: str, content: str | None, problem: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    file = tmp_path if name == "pyproject.toml" else tmp_path / name

    with pytest.raises(ConfigError, match="the configuration has 1 problem") as caught:
        host_of({}, files=(file,)).load()

    assert problem in caught.value.problems[0]


# -- reload ------------------------------------------------------------------------------------------------------------

COUNTING = """
import asyncio
from balefire import Manifest, hookimpl

HEARD = []
LIFE = []

class Vendor:
    name = "vendor-{version}"
    async def send(self, note): return None

class Plugin:
    @hookimpl
    def describe(self):
        return Manifest("counts", version="{version}")

    @hookimpl
    async def lifespan(self, ctx):
        {start}
        LIFE.append("opened")
        yield
        LIFE.append("closed")

    @hookimpl
    def register_push_vendors(self, ctx):
        return [Vendor()]

    @hookimpl
    async def on_message_stored(self, message):
        await asyncio.sleep(0)
        HEARD.append(message.seq)
"""


def write_version(file: Path, version: str, start: str = "pass") -> None:
    file.write_text(COUNTING.format(version=version, start=start))


async def test_a_reload_swaps_the_code_and_loses_no_event(tmp_path: Path) -> None:
    file = tmp_path / "counts.py"
    write_version(file, "1")
    async with running({"other": Good(vendor="other")}, files=(file,)) as host:
        old = sys.modules["balefire_file_counts"]
        events = [asyncio.create_task(host.hooks.on_message_stored(message())) for _ in range(500)]
        write_version(file, "2")
        reloading = asyncio.create_task(host.reload("counts"))
        while not reloading.done():
            events.append(asyncio.create_task(host.hooks.on_message_stored(message())))
            await asyncio.sleep(0)
        await asyncio.gather(*events)
        after = host.hooks.on_message_stored(message())
        await after

        new = sys.modules["balefire_file_counts"]
        assert new is not old
        assert len(old.HEARD) + len(new.HEARD) == len(events) + 1, "each event was heard exactly once"
        assert len(new.HEARD) >= 1
        assert old.LIFE == ["opened", "closed"]
        assert new.LIFE == ["opened"]
        assert host.records["counts"].version == "2"
        assert sorted(host.providers.push_vendors) == ["other", "vendor-2"]
        assert list(host.records) == ["other", "counts"], "the order of the configuration stays"


@pytest.mark.parametrize("start", ["raise RuntimeError('not yet')", "await asyncio.Event().wait()", "import nowhere"])
async def test_a_reload_that_fails_leaves_the_old_one_running(tmp_path: Path, start: str) -> None:
    file = tmp_path / "counts.py"
    write_version(file, "1")
    async with running({}, files=(file,)) as host:
        old = sys.modules["balefire_file_counts"]
        write_version(file, "2", start)

        with pytest.raises(PluginFailed, match="lifespan"):
            await host.reload("counts")

        assert sys.modules["balefire_file_counts"] is old
        assert host.records["counts"].state == "running"
        assert list(host.providers.push_vendors) == ["vendor-1"]
        await host.hooks.on_message_stored(message())
        assert old.HEARD == [1]
        assert old.LIFE == ["opened"]


async def test_a_reload_that_cannot_be_imported_leaves_the_old_one_running(tmp_path: Path) -> None:
    file = tmp_path / "counts.py"
    write_version(file, "1")
    async with running({}, files=(file,)) as host:
        file.write_text("def")

        with pytest.raises(PluginFailed, match="it cannot be imported: SyntaxError"):
            await host.reload("counts")

        assert host.records["counts"].state == "running"


async def test_mending_a_failed_plugin_starts_it_and_those_that_waited_for_it(tmp_path: Path) -> None:
    file = tmp_path / "counts.py"
    write_version(file, "1", "raise RuntimeError('not yet')")
    needy = Good(requires=("counts",))
    async with running({"needy": needy}, files=(file,)) as host:
        assert host.records["needy"].state == "skipped"

        write_version(file, "2")
        await host.reload("counts")

        assert [record.state for record in host.records.values()] == ["running", "running"]
        assert needy.happened == ["opened"]


async def test_a_reload_can_bring_new_settings() -> None:
    plugin = with_hook("describe", lambda: Manifest("strict", config=Strict))
    async with running({"strict": plugin}, tables={"strict": {"app_id": "one"}}) as host:
        with pytest.raises(ConfigError, match="app_id: is required and missing"):
            await host.reload("strict", {})
        await host.reload("strict", {"app_id": "two"})

        config = host.records["strict"].config
        assert isinstance(config, Strict)
        assert config.app_id == "two"


async def test_reloading_what_is_not_there_names_what_is() -> None:
    async with running({"good": Good()}) as host:
        with pytest.raises(PluginFailed, match="did you mean 'good'"):
            await host.reload("god")


async def test_listeners_hear_of_every_change() -> None:
    changes: list[int] = []
    host = host_of({"good": Good()})
    host.load()
    host.on_changed.append(lambda: changes.append(len(host.providers.push_vendors)))

    await host.start()
    await host.reload("good")
    await host.stop()

    assert changes == [1, 1, 0]


async def test_stopping_twice_or_before_starting_is_no_error() -> None:
    host = host_of({"good": Good()})
    await host.stop()
    host.load()
    await host.start()
    await host.stop()
    await host.stop()


async def test_a_migration_that_fails_costs_its_plugin_only(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)

    async def migrate(record: PluginRecord) -> None:
        if record.name == "bad":
            raise RuntimeError("table exists")

    bad, good = Good(vendor="bad"), Good()
    host = host_of({"bad": bad, "good": good})
    host.load()
    await host.start(migrate)

    assert host.records["bad"].reason == "RuntimeError: table exists"
    assert bad.happened == []
    assert host.records["good"].state == "running"
    await host.stop()
