"""What the dispatcher promises: order, isolation, deadlines, muting, and a task left as it was."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pluggy import HookimplMarker, HookspecMarker, PluginManager

from balefire.dispatcher import Amend, Ask, Dispatcher, Health, HookFailed, Limits, Notify, run_now
from balefire.watchdog import LoopWatch, Watchdog

spec = HookspecMarker("balefire")
impl = HookimplMarker("balefire")


class Specs:
    """A contract of three hooks, one of each shape."""

    @staticmethod
    @spec
    async def on_rung(bell: str, loudness: int) -> None: ...

    @staticmethod
    @spec
    async def choose(thing: str, default: str) -> str | None:
        return None

    @staticmethod
    @spec
    async def amend(text: str, by: str) -> str | None:
        return None


def manager_of(*plugins: object) -> PluginManager:
    """Plugins in the order in which they are to be asked, named p0, p1, …"""
    manager = PluginManager("balefire")
    manager.add_hookspecs(Specs)
    for number, plugin in reversed(list(enumerate(plugins))):
        manager.register(plugin, name=f"p{number}")
    return manager


def notify(shared: Dispatcher, *plugins: object) -> Notify[[str, int]]:
    return shared.notify(manager_of(*plugins), Specs.on_rung)


def ask(shared: Dispatcher, *plugins: object, is_strict: bool = False) -> Ask[[str, str], str]:
    return shared.ask(manager_of(*plugins), Specs.choose, is_strict=is_strict)


def amend(shared: Dispatcher, *plugins: object) -> Amend[str, [str]]:
    return shared.amend(manager_of(*plugins), Specs.amend)


def hears(function: Callable[..., Any]) -> object:
    """A plugin whose on_rung is this function."""
    return type("Hears", (), {"on_rung": staticmethod(impl(function))})()


def chooses(function: Callable[..., Any]) -> object:
    return type("Chooses", (), {"choose": staticmethod(impl(function))})()


def amends(function: Callable[..., Any]) -> object:
    return type("Amends", (), {"amend": staticmethod(impl(function))})()


@pytest.fixture
async def calls() -> AsyncIterator[Dispatcher]:
    """A dispatcher with a short deadline and a running watchdog."""
    shared = Dispatcher(Watchdog(every_seconds=0.005, grace_seconds=0.02), Limits(timeout=0.03, slow_sync=0.02))
    watching = asyncio.create_task(shared.watchdog.run())
    yield shared
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


def cancelling() -> int:
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


# -- order and arguments -----------------------------------------------------------------------------------------------


async def test_plugins_hear_in_order_whether_plain_or_async(calls: Dispatcher) -> None:
    heard: list[str] = []

    def plain(bell: str) -> None:
        heard.append(f"plain {bell}")

    async def patient(bell: str) -> None:
        await asyncio.sleep(0)
        heard.append(f"async {bell}")

    def returns_awaitable(bell: str) -> asyncio.Future[None]:
        heard.append(f"future {bell}")
        future = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    await notify(calls, hears(plain), hears(patient), hears(returns_awaitable))("church", 3)

    assert heard == ["plain church", "async church", "future church"]


async def test_an_implementation_names_only_what_it_uses_in_any_order(calls: Dispatcher) -> None:
    heard: list[object] = []

    def swapped(loudness: int, bell: str) -> None:
        heard.append((loudness, bell))

    def nothing() -> None:
        heard.append("nothing")

    chain = calls.notify(manager_of(hears(swapped), hears(nothing)), Specs.on_rung)
    await chain(bell="church", loudness=3)
    await chain("school", loudness=1)

    assert heard == [(3, "church"), "nothing", (1, "school"), "nothing"]


async def test_a_plain_function_may_return_something_to_wait_for_outside_of_any_task(calls: Dispatcher) -> None:
    async def later() -> str:
        await asyncio.sleep(0)
        return "yes"

    chain = ask(calls, chooses(lambda: None), chooses(lambda: later()))
    answers: list[Any] = []
    asyncio.get_running_loop().call_soon(lambda: answers.append(run_now(chain("tea", "coffee"))))
    await asyncio.sleep(0)

    assert chain.is_immediate
    assert await answers[0] == "yes"
    assert run_now(ask(calls, chooses(lambda: "at once"))("tea", "coffee")) == "at once"


async def test_a_chain_without_plugins_says_so_and_can_be_called(calls: Dispatcher) -> None:
    assert notify(calls).is_empty
    assert not notify(calls, hears(lambda: None)).is_empty
    await notify(calls)("church", 1)
    assert await ask(calls)("tea", "coffee") is None
    assert await amend(calls)("text", "me") == "text"


async def test_the_first_answer_decides(calls: Dispatcher) -> None:
    async def undecided() -> None:
        await asyncio.sleep(0)

    never: list[str] = []
    chain = ask(calls, chooses(undecided), chooses(lambda thing: f"{thing}!"), chooses(lambda: never.append("asked")))

    assert await chain("tea", "coffee") == "tea!"
    assert never == []


async def test_each_plugin_amends_what_the_one_before_made_of_it(calls: Dispatcher) -> None:
    async def louder(text: str) -> str:
        return text.upper()

    def broken(text: str) -> str:
        raise ValueError(text)

    chain = amend(
        calls, amends(louder), amends(broken), amends(lambda: None), amends(lambda text, by: f"{text} ({by})")
    )

    assert await chain("hello", "ada") == "HELLO (ada)"


# -- misbehaviour ------------------------------------------------------------------------------------------------------


async def raises() -> None:
    raise ValueError("broken")


def raises_at_once() -> None:
    raise ValueError("broken")


async def exits() -> None:
    raise SystemExit(3)


async def claims_to_be_cancelled() -> None:
    raise asyncio.CancelledError


async def hangs() -> None:
    await asyncio.Event().wait()


async def swallows_its_cancellation() -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.sleep(0)


async def cleans_up_for_ever() -> None:
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.Event().wait()


async def retries_whatever_comes() -> None:
    for _ in range(3):  # for ever, but for the end of the test
        try:
            await asyncio.Event().wait()
        except BaseException:  # as a bare "except:" does
            continue


async def takes_its_cancellation_for_an_error() -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        raise ValueError("interrupted") from None


async def awaits_a_task_it_cancelled() -> None:
    task = asyncio.create_task(asyncio.Event().wait())
    task.cancel()
    await task


MISBEHAVIOUR = [
    raises,
    raises_at_once,
    exits,
    claims_to_be_cancelled,
    hangs,
    swallows_its_cancellation,
    cleans_up_for_ever,
    retries_whatever_comes,
    takes_its_cancellation_for_an_error,
    awaits_a_task_it_cancelled,
]


@pytest.mark.parametrize("misbehave", MISBEHAVIOUR)
async def test_the_next_plugin_is_called_whatever_the_one_before_does(
    calls: Dispatcher, misbehave: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    await notify(calls, hears(misbehave), hears(lambda bell: heard.append(bell)))("church", 1)

    assert heard == ["church"]
    assert cancelling() == 0
    assert calls.health["p0", "on_rung"].failures == 1
    assert [r.getMessage().split(" failed")[0].split(" gave")[0] for r in caplog.records] == ["on_rung: plugin 'p0'"]


@pytest.mark.parametrize("misbehave", MISBEHAVIOUR)
async def test_a_strict_question_fails_closed_and_names_the_plugin(
    calls: Dispatcher, misbehave: Callable[[], Any]
) -> None:
    chain = ask(calls, chooses(misbehave), chooses(lambda: "yes"), is_strict=True)

    with pytest.raises(HookFailed, match="choose: plugin 'p0' could not answer"):
        await chain("tea", "coffee")

    assert cancelling() == 0


async def test_a_lenient_question_passes_a_failing_plugin_over(calls: Dispatcher) -> None:
    assert await ask(calls, chooses(raises), chooses(lambda: "yes"))("tea", "coffee") == "yes"


async def test_ctrl_c_is_no_failure_of_a_plugin(calls: Dispatcher) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await notify(calls, hears(interrupted))("church", 1)

    assert calls.health["p0", "on_rung"].failures == 0


async def test_a_caller_that_is_cancelled_is_cancelled_and_nobody_is_blamed(calls: Dispatcher) -> None:
    entered = asyncio.Event()

    async def waits() -> None:
        entered.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(notify(calls, hears(waits))("church", 1))
    await entered.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert calls.health["p0", "on_rung"].failures == 0


async def test_an_outer_timeout_that_is_shorter_wins() -> None:
    patient = Dispatcher(Watchdog(), Limits(timeout=60.0))

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await notify(patient, hears(hangs))("church", 1)

    assert cancelling() == 0
    assert patient.health["p0", "on_rung"].failures == 0


async def test_nested_hooks_whose_deadlines_pass_together_both_end(calls: Dispatcher) -> None:
    heard: list[str] = []
    inner = ask(calls, chooses(hangs))

    async def asks_again() -> None:
        await inner("tea", "coffee")
        await asyncio.Event().wait()

    await notify(calls, hears(asks_again), hears(lambda bell: heard.append(bell)))("church", 1)

    assert heard == ["church"]
    assert cancelling() == 0


async def test_a_thousand_events_in_flight_share_one_watchdog(calls: Dispatcher) -> None:
    heard: list[str] = []
    chain = notify(calls, hears(hangs), hears(lambda bell: heard.append(bell)))
    generous = Limits(timeout=0.03, mute_after=10_000)
    chain._limits = generous

    await asyncio.gather(*(chain(f"bell {number}", number) for number in range(1000)))

    assert len(heard) == 1000
    assert calls.health["p0", "on_rung"].failures == 1000
    assert not calls.watchdog._calls


async def test_a_wrapper_is_refused_with_the_reason(calls: Dispatcher) -> None:
    class Wraps:
        @impl(wrapper=True)
        def on_rung(self) -> Any:
            return (yield)

    with pytest.raises(TypeError, match="plugin 'p0': on_rung is a wrapper, but this hook is async"):
        notify(calls, Wraps())


# -- muting ------------------------------------------------------------------------------------------------------------


async def test_a_plugin_that_keeps_failing_is_muted_told_once_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    now, told, attempts, is_broken = [0.0], [], [], [True]

    def on_health(health: Health, *, is_muted: bool) -> None:
        told.append((health.plugin, health.hook, is_muted))

    def sometimes() -> None:
        attempts.append(now[0])
        if is_broken[0]:
            raise ValueError("broken")

    shared = Dispatcher(limits=Limits(mute_after=3, mute_for=30), on_health=on_health, now=lambda: now[0])
    chain = notify(shared, hears(sometimes))
    for _ in range(10):
        await chain("church", 1)
    assert attempts == [0.0] * 3
    assert told == [("p0", "on_rung", True)]

    now[0] = 31.0
    await chain("church", 1)
    await chain("church", 1)
    assert attempts[3:] == [31.0], "after the pause it gets one try; failing again mutes it again"

    now[0], is_broken[0] = 62.0, False
    await chain("church", 1)
    await chain("church", 1)
    assert attempts[4:] == [62.0, 62.0]
    assert told == [("p0", "on_rung", True), ("p0", "on_rung", False)]
    assert [r.levelname for r in caplog.records if r.levelno >= logging.ERROR] == ["ERROR"] * 3


async def test_one_success_clears_the_count(calls: Dispatcher) -> None:
    answers = iter([ValueError, ValueError, None, ValueError])

    def uneven() -> None:
        if error := next(answers):
            raise error

    chain = notify(calls, hears(uneven))
    for _ in range(4):
        await chain("church", 1)

    health = calls.health["p0", "on_rung"]
    assert (health.failures, health.total_failures) == (1, 3)


async def test_health_outlives_a_recompiled_chain_until_the_plugin_is_reloaded(calls: Dispatcher) -> None:
    await notify(calls, hears(raises))("church", 1)
    await notify(calls, hears(raises))("church", 1)
    assert calls.health["p0", "on_rung"].failures == 2

    calls.forget("p0")

    assert ("p0", "on_rung") not in calls.health


# -- tracing, swapping, blocking ---------------------------------------------------------------------------------------


async def test_the_tracer_sees_each_plugin(calls: Dispatcher) -> None:
    seen: list[tuple[str, str, str]] = []

    def trace(hook: str, plugin: str, seconds: float, error: BaseException | None) -> None:
        seen.append((hook, plugin, type(error).__name__))

    traced = Dispatcher(calls.watchdog, calls.limits, trace)
    await notify(traced, hears(lambda: None), hears(raises))("church", 1)

    assert seen == [("on_rung", "p0", "NoneType"), ("on_rung", "p1", "ValueError")]


async def test_an_event_in_flight_finishes_on_the_chain_it_began_with(calls: Dispatcher) -> None:
    heard: list[str] = []
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        entered.set()
        await go_on.wait()

    current = notify(calls, hears(slow), hears(lambda: heard.append("old")))
    flight = asyncio.create_task(current("church", 1))
    await entered.wait()
    current = notify(calls, hears(lambda: heard.append("new")))
    await current("church", 2)
    go_on.set()
    await flight

    assert heard == ["new", "old"]


async def test_a_plain_function_that_blocks_is_named(caplog: pytest.LogCaptureFixture) -> None:
    calls = Dispatcher(limits=Limits(timeout=60, slow_sync=0.02))

    def blocks() -> None:
        _spin(0.025)

    await notify(calls, hears(blocks))("church", 1)

    assert "on_rung: plugin 'p0' blocked the event loop" in caplog.text
    assert calls.health["p0", "on_rung"].failures == 0, "slow is not failed"


async def test_a_plain_function_that_blocks_beyond_the_deadline_has_failed(calls: Dispatcher) -> None:
    def blocks() -> None:
        _spin(0.05)

    await notify(calls, hears(blocks))("church", 1)

    assert calls.health["p0", "on_rung"].failures == 1


async def test_the_loop_watch_names_plugin_file_and_line_while_the_loop_stands_still() -> None:
    from pathlib import Path

    blocks: list[tuple[str, str]] = []
    folders = {"culprit": Path(__file__)}
    watch = LoopWatch(
        lambda: folders, limit_seconds=0.02, on_block=lambda plugin, place: blocks.append((plugin, place))
    )
    watch.start()

    deadline = time.monotonic() + 10
    while not blocks and time.monotonic() < deadline:
        time.sleep(0.01)  # noqa: ASYNC251 - blocking the loop is the point
    watch.stop()

    plugin, place = blocks[0]
    assert plugin == "culprit"
    assert Path(__file__).name in place


async def test_the_loop_watch_blames_nobody_for_a_loop_that_is_merely_busy() -> None:
    from pathlib import Path

    blocks: list[tuple[str, str]] = []
    watch = LoopWatch(
        lambda: {"innocent": Path(__file__)},
        limit_seconds=0.1,
        on_block=lambda plugin, place: blocks.append((plugin, place)),
    )
    watch.start()

    for _ in range(200):  # all in one turn of the loop
        asyncio.get_running_loop().call_soon(_spin, 0.003)
    await asyncio.sleep(0.01)
    watch.stop()

    assert blocks == []


def _spin(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
