"""Event consumers: nothing lost, nothing out of order, each at its own pace from its own durable cursor (I7)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from balefire import Conversation, Event, EventConsumer, Payload, Submission, hookimpl
from balefire import event_log as log_module
from balefire.testing import Platform, start_platform
from balefire.testing.clock import TestClock


class Reader:
    """A consumer that remembers; fails as long as ``is_broken``, waits as long as the gate is closed."""

    def __init__(self, name: str = "reader") -> None:
        self.name = name
        self.seen: list[Event] = []
        self.failures = 0
        self.is_broken = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def consume(self, events: Sequence[Event]) -> None:
        await self.gate.wait()
        if self.is_broken:
            self.failures += 1
            raise RuntimeError("the reader is broken")
        self.seen += events

    @property
    def texts(self) -> list[str]:
        return [e.message.payload.fields["text"] for e in self.seen if e.message is not None]


class Plugin:
    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    @hookimpl
    def register_event_consumers(self) -> list[EventConsumer]:
        return [self.reader]


async def say(platform: Platform, *texts: str) -> None:
    for text in texts:
        await platform.kernel.path.submit(
            Submission(
                sender="alice",
                conversation=Conversation("private", "alice,bob"),
                payload=Payload("text", {"text": text}),
                client_message_id=f"id-{text}",
            )
        )


async def until(check: object, *wanted: object) -> None:
    assert callable(check)
    async with asyncio.timeout(10):
        while not check(*wanted):
            await asyncio.sleep(0.01)


async def people(platform: Platform) -> None:
    await platform.add_user("alice")
    await platform.add_user("bob")


async def test_a_new_consumer_starts_at_the_end_and_hears_everything_after(tmp_path: Path) -> None:
    async with start_platform(tmp_path) as platform:
        await people(platform)
        await say(platform, "before")

    reader = Reader()
    async with start_platform(tmp_path, extra={"reader": Plugin(reader)}) as platform:
        await say(platform, "one", "two")
        await until(lambda: len(reader.texts) == 2)

    assert reader.texts == ["one", "two"]


async def test_a_consumer_goes_on_after_a_restart_where_it_was(tmp_path: Path) -> None:
    first, second = Reader(), Reader()
    async with start_platform(tmp_path, extra={"reader": Plugin(first)}) as platform:
        await people(platform)
        await say(platform, "one")
        await until(lambda: first.texts == ["one"])
    async with start_platform(tmp_path) as platform:
        await say(platform, "while it was gone")
    async with start_platform(tmp_path, extra={"reader": Plugin(second)}) as platform:
        await say(platform, "three")
        await until(lambda: "three" in second.texts)

    assert second.texts == ["while it was gone", "three"]


async def test_a_failing_consumer_repeats_its_batch_and_says_so(tmp_path: Path) -> None:
    reader = Reader()
    async with start_platform(tmp_path, extra={"reader": Plugin(reader)}) as platform:
        await people(platform)
        reader.is_broken = True
        await say(platform, "one")
        await until(lambda: reader.failures >= 2)
        assert "the reader is broken" in platform.kernel.events.troubles()["reader"]
        line = (await platform.http.get("/readyz")).json()["checks"]["consumer reader"]
        assert line == {"state": "degraded", "reason": "plugin 'reader': RuntimeError: the reader is broken"}
        reader.is_broken = False
        await say(platform, "two")
        await until(lambda: len(reader.texts) == 2)

        assert reader.texts == ["one", "two"]
        assert platform.kernel.events.troubles() == {}


async def test_a_consumer_that_cancels_itself_or_exits_goes_on_afterwards(tmp_path: Path) -> None:
    ways: list[BaseException] = [asyncio.CancelledError(), SystemExit(1)]

    class Odd(Reader):
        async def consume(self, events: Sequence[Event]) -> None:
            if ways:
                raise ways.pop()
            await super().consume(events)

    reader = Odd()
    async with start_platform(tmp_path, extra={"reader": Plugin(reader)}) as platform:
        await people(platform)
        await say(platform, "one")
        await until(lambda: reader.texts == ["one"])


async def test_a_consumer_that_is_long_at_one_batch_is_told(tmp_path: Path) -> None:
    reader = Reader()
    clock = TestClock()
    async with start_platform(tmp_path, extra={"reader": Plugin(reader)}, clock=clock) as platform:
        await people(platform)
        reader.gate.clear()
        await say(platform, "one")
        await until(lambda: platform.kernel.events._readers["reader"].busy_since is not None)
        assert platform.kernel.events.troubles() == {}
        await clock.advance(75)

        trouble = platform.kernel.events.troubles()["reader"]
        reader.gate.set()
    assert trouble == "plugin 'reader': has been at the same batch for 75 seconds"


async def test_a_consumer_that_ignores_its_end_holds_up_neither_reload_nor_stop(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    release = asyncio.Event()

    class Stubborn(Reader):
        async def consume(self, events: Sequence[Event]) -> None:
            while not release.is_set():
                with contextlib.suppress(asyncio.CancelledError):
                    await release.wait()
            await super().consume(events)

    stubborn, meek = Stubborn(), Reader()
    plugin = Plugin(stubborn)
    async with start_platform(tmp_path, extra={"reader": plugin}) as platform:
        await people(platform)
        await say(platform, "one")
        await until(lambda: platform.kernel.events._readers["reader"].busy_since is not None)
        plugin.reader = meek
        await platform.kernel.reload_plugin("reader")
        await until(lambda: meek.texts == ["one"])
        release.set()
        await until(lambda: stubborn.texts == ["one"])
        await say(platform, "two")
        await until(lambda: meek.texts == ["one", "two"])

    assert stubborn.texts == ["one"]
    assert "consumer:reader ignores that it was cancelled; left behind" in caplog.text


class Lived(Plugin):
    """A plugin whose consumer needs what its lifespan opens."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self.diary: list[str] = []
        self.enough = asyncio.Event()

    @hookimpl
    async def lifespan(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._break())
            yield
            self.diary.append("closed")
            self.enough.set()

    async def _break(self) -> None:
        await self.enough.wait()
        if "closed" not in self.diary:
            raise RuntimeError("the connection broke")


class Diarist(Reader):
    """Writes into the plugin's diary when it is ended."""

    plugin: Lived

    async def consume(self, events: Sequence[Event]) -> None:
        try:
            await super().consume(events)
        except asyncio.CancelledError:
            self.plugin.diary.append("ended")
            raise


async def test_a_consumer_is_ended_before_what_it_works_with_is_closed(tmp_path: Path) -> None:
    reader = Diarist()
    plugin = reader.plugin = Lived(reader)
    async with start_platform(tmp_path, extra={"reader": plugin}) as platform:
        await people(platform)
        reader.gate.clear()
        await say(platform, "one")
        await until(lambda: platform.kernel.events._readers["reader"].busy_since is not None)
        plugin.reader = Reader()
        await platform.kernel.reload_plugin("reader")

        assert plugin.diary[:2] == ["ended", "closed"]


async def test_a_consumer_ends_with_its_plugin(tmp_path: Path) -> None:
    plugin = Lived(Reader())
    async with start_platform(tmp_path, extra={"reader": plugin}) as platform:
        plugin.enough.set()
        await until(lambda: platform.kernel.host.records["reader"].state == "failed")

        assert "reader" not in platform.kernel.events.positions()


async def test_a_slow_consumer_delays_nobody(tmp_path: Path) -> None:
    slow, quick = Reader("slow"), Reader("quick")
    async with start_platform(tmp_path, extra={"slow": Plugin(slow), "quick": Plugin(quick)}) as platform:
        await people(platform)
        slow.gate.clear()
        await say(platform, "one", "two")
        await until(lambda: quick.texts == ["one", "two"])
        assert slow.texts == []
        slow.gate.set()
        await until(lambda: slow.texts == ["one", "two"])


async def test_who_falls_behind_what_memory_holds_reads_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "RECENT", 10)
    monkeypatch.setattr(log_module, "PAGE", 7)
    reader = Reader()
    async with start_platform(tmp_path, extra={"reader": Plugin(reader)}) as platform:
        await people(platform)
        await say(platform, "first")
        await until(lambda: reader.texts == ["first"])
        reader.gate.clear()
        await say(platform, *(str(n) for n in range(60)))
        reader.gate.set()
        await say(platform, "last")
        await until(lambda: "last" in reader.texts)

    assert reader.texts == ["first", *(str(n) for n in range(60)), "last"]


async def test_messages_and_other_events_come_in_the_order_of_the_log(tmp_path: Path) -> None:
    reader = Reader()
    async with start_platform(tmp_path, extra={"reader": Plugin(reader)}) as platform:
        await people(platform)
        context = platform.kernel.events
        for n in range(50):
            await asyncio.gather(say(platform, str(n)), context.emit("test.happened", data={"n": n}))
        await until(lambda: sum(e.kind in ("message.stored", "test.happened") for e in reader.seen) == 100)

        ids = [e.id for e in reader.seen]
        assert ids == sorted(set(ids))
        logged = await platform.kernel.store.read_log(after=ids[0] - 1, limit=1000)
        assert [e.id for e in logged] == ids


async def test_a_cursor_that_cannot_be_saved_costs_a_repeat_at_most(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    from balefire import StorageUnavailable

    await people(platform)

    async def refuse(_: object) -> None:
        raise StorageUnavailable("locked")

    with monkeypatch.context() as patch:
        patch.setattr(platform.kernel.store, "save_cursors", refuse)
        await say(platform, "one")
        await asyncio.sleep(log_module.SAVE_EVERY_SECONDS * 2)
    last = await platform.kernel.store.last_event_id()

    async with asyncio.timeout(5):
        while await platform.kernel.store.load_cursor("push") != last:
            await asyncio.sleep(0.05)
