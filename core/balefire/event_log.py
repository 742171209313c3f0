"""Feeds the event log to its consumers, each at its own pace from its own durable cursor (I7).

The newest events are kept in memory, so a consumer that keeps up never reads the store; one that fell behind, or
was just started, reads pages from the store until it has caught up.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from balefire.bounded import contained
from balefire.plugin_life import GRACE_SECONDS
from balefire.plugin_record import summarize
from balefire_hookspecs import Conversation, Event, EventConsumer

if TYPE_CHECKING:
    from balefire.message_log import MessageLog
    from balefire_hookspecs import Clock, MessageStore

log = logging.getLogger(__name__)

RECENT = 10_000
PAGE = 1000
SAVE_EVERY_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 60.0
LONGEST_BATCH_SECONDS = 60.0
"""A consumer may take longer, but then it is worth knowing."""


@dataclass(slots=True, eq=False)
class _Reader:
    """One consumer and where it stands. ``trouble`` is why it does not advance, ``busy_since`` when it was handed the
    batch it is working on, if it is."""

    plugin: str
    consumer: EventConsumer
    position: int
    task: asyncio.Task[None] | None = None
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    trouble: str = ""
    busy_since: float | None = None
    is_ended: bool = False


class EventLog:
    """Appends events and runs the consumers."""

    def __init__(self, store: Callable[[], MessageStore], clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._recent: deque[Event] = deque(maxlen=RECENT)
        self._readers: dict[str, _Reader] = {}
        self._unsaved: dict[str, int] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._starting = asyncio.Lock()
        self._saver: asyncio.Task[None] | None = None
        self.log: MessageLog

    async def emit(
        self,
        kind: str,
        *,
        conversation: Conversation | None = None,
        user: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> Event:
        """Append an event; durable when it returns."""
        event = Event(
            id=0, kind=kind, at=self._clock.now_ms(), conversation=conversation, user=user, data=dict(data or {})
        )
        return await self.log.append_event(event)

    def publish(self, events: Sequence[Event]) -> None:
        """Show newly durable events, in log order, to the consumers. Quick; never raises."""
        self._recent.extend(events)
        self._forget_what_was_read()
        for reader in self._readers.values():
            reader.wake.set()

    def _forget_what_was_read(self) -> None:
        """Ten thousand long messages are half a gigabyte: keep what some reader has yet to see, and the one before."""
        recent = self._recent
        slowest = min((reader.position for reader in self._readers.values()), default=recent[-1].id if recent else 0)
        while len(recent) > 1 and recent[1].id <= slowest:
            recent.popleft()

    async def start(self, consumers: Sequence[tuple[str, EventConsumer]]) -> None:
        """Run these consumers (plugin name, consumer), and end those that are no longer among them."""
        wanted = {consumer.name: (plugin, consumer) for plugin, consumer in consumers}
        self.retain(consumers)
        async with self._starting:
            await self._see_off()
            await self._save()
            for name, (plugin, consumer) in wanted.items():
                if name not in self._readers:
                    reader = _Reader(plugin, consumer, await self._first_position(name))
                    reader.task = asyncio.get_running_loop().create_task(self._run(reader), name=f"consumer:{name}")
                    self._readers[name] = reader
        if self._saver is None:
            self._saver = asyncio.get_running_loop().create_task(self._keep_saving(), name="cursors")

    def retain(self, consumers: Sequence[tuple[str, EventConsumer]]) -> None:
        """Plugins changed: end consumers that are not among these, before what they work with is closed."""
        wanted = [consumer for _, consumer in consumers]
        for name, reader in list(self._readers.items()):
            if not any(reader.consumer is consumer for consumer in wanted):
                del self._readers[name]
                self._end(reader)

    async def stop(self) -> None:
        """End every consumer, and save the cursors. A batch that is cut short comes again after the next start."""
        self.retain(())
        await self._see_off()
        if self._saver is not None:
            self._saver.cancel()
            await asyncio.gather(self._saver, return_exceptions=True)
            self._saver = None
        await self._save()

    def troubles(self) -> dict[str, str]:
        """Consumers that do not advance, and why."""
        found = {name: _trouble(reader, self._clock.monotonic()) for name, reader in self._readers.items()}
        return {name: trouble for name, trouble in found.items() if trouble}

    def positions(self) -> dict[str, int]:
        """Where each consumer stands: the id of the last event it finished."""
        return {name: r.position for name, r in self._readers.items()}

    async def _first_position(self, name: str) -> int:
        position = await self._store().load_cursor(name)
        if position is None:  # never seen: history is not its business
            position = await self._store().last_event_id()
            await self._store().save_cursors({name: position})
        return position

    def _end(self, reader: _Reader) -> None:
        reader.is_ended = True
        if reader.task is not None:
            reader.task.cancel()
            self._ending.add(reader.task)
            reader.task.add_done_callback(self._ending.discard)

    async def _see_off(self) -> None:
        """Wait for consumers that were told to end; one that ignores it is named and left behind."""
        if self._ending:
            _, stuck = await asyncio.wait(set(self._ending), timeout=GRACE_SECONDS)
            for task in stuck:
                log.error("%s ignores that it was cancelled; left behind", task.get_name())
                self._ending.discard(task)

    async def _run(self, reader: _Reader) -> None:
        pause = 0.25
        while not reader.is_ended:
            try:
                reader.wake.clear()
                events = await self._after(reader.position)
                if not events:
                    await reader.wake.wait()
                    continue
                await self._consume(reader, events)
            except (Exception, SystemExit) as error:
                if not reader.trouble:
                    log.error(
                        "consumer %r of plugin %r cannot go on", reader.consumer.name, reader.plugin, exc_info=error
                    )
                reader.trouble = f"plugin {reader.plugin!r}: {summarize(error)}"
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                continue
            if reader.is_ended:  # it ignored that it was cancelled; another may have taken its place
                return
            if reader.trouble:
                log.info("consumer %r of plugin %r goes on", reader.consumer.name, reader.plugin)
                reader.trouble, pause = "", 0.25
            reader.position = events[-1].id
            self._unsaved[reader.consumer.name] = reader.position

    async def _consume(self, reader: _Reader, events: Sequence[Event]) -> None:
        reader.busy_since = self._clock.monotonic()
        try:
            await contained(reader.consumer.consume(events))
        finally:
            reader.busy_since = None

    async def _after(self, position: int) -> Sequence[Event]:
        recent = self._recent
        if recent and recent[-1].id <= position:
            return ()
        if recent and recent[0].id <= position:
            # Walk back from the newest: a consumer that keeps up is a few events behind at most.
            newer: list[Event] = []
            for event in reversed(recent):
                if event.id <= position:
                    break
                newer.append(event)
            newer.reverse()
            return newer[:PAGE]
        return await self._store().read_log(after=position, limit=PAGE)

    async def _keep_saving(self) -> None:
        while True:
            await asyncio.sleep(SAVE_EVERY_SECONDS)
            await self._save()

    async def _save(self) -> None:
        """A cursor that could not be saved is saved later; the worst case is a repeat under the same key."""
        if not self._unsaved:
            return
        positions, self._unsaved = self._unsaved, {}
        try:
            await self._store().save_cursors(positions)
        except Exception as error:  # a store is a plugin too
            log.warning("the consumers' cursors could not be saved, and will be: %s", summarize(error))
            self._unsaved = positions | self._unsaved


def _trouble(reader: _Reader, now: float) -> str:
    if reader.trouble or reader.busy_since is None or now - reader.busy_since < LONGEST_BATCH_SECONDS:
        return reader.trouble
    return f"plugin {reader.plugin!r}: has been at the same batch for {now - reader.busy_since:.0f} seconds"
