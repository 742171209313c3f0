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

from balefire_hookspecs import Conversation, Event, EventConsumer, StorageUnavailable

if TYPE_CHECKING:
    from balefire.message_log import MessageLog
    from balefire_hookspecs import Clock, MessageStore

log = logging.getLogger(__name__)

RECENT = 10_000
PAGE = 1000
SAVE_EVERY_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 60.0


@dataclass(slots=True, eq=False)
class _Reader:
    """One consumer and where it stands. ``trouble`` is why it does not advance, for ``/readyz``."""

    plugin: str
    consumer: EventConsumer
    position: int
    task: asyncio.Task[None] | None = None
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    trouble: str = ""


class EventLog:
    """Appends events and runs the consumers."""

    def __init__(self, store: Callable[[], MessageStore], clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._recent: deque[Event] = deque(maxlen=RECENT)
        self._readers: dict[str, _Reader] = {}
        self._unsaved: dict[str, int] = {}
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
        for name in [name for name, r in self._readers.items() if wanted.get(name, ("", None))[1] is not r.consumer]:
            await self._end(self._readers.pop(name))
        await self._save()
        for name, (plugin, consumer) in wanted.items():
            if name not in self._readers:
                reader = _Reader(plugin, consumer, await self._first_position(name))
                reader.task = asyncio.get_running_loop().create_task(self._run(reader), name=f"consumer:{name}")
                self._readers[name] = reader
        if self._saver is None:
            self._saver = asyncio.get_running_loop().create_task(self._keep_saving(), name="cursors")

    async def stop(self) -> None:
        """End every consumer after the batch it is working on, and save the cursors."""
        for reader in list(self._readers.values()):
            await self._end(reader)
        self._readers.clear()
        if self._saver is not None:
            self._saver.cancel()
            await asyncio.gather(self._saver, return_exceptions=True)
            self._saver = None
        await self._save()

    def troubles(self) -> dict[str, str]:
        """Consumers that do not advance, and why."""
        return {name: r.trouble for name, r in self._readers.items() if r.trouble}

    def positions(self) -> dict[str, int]:
        """Where each consumer stands: the id of the last event it finished."""
        return {name: r.position for name, r in self._readers.items()}

    async def _first_position(self, name: str) -> int:
        position = await self._store().load_cursor(name)
        if position is None:  # never seen: history is not its business
            position = await self._store().last_event_id()
            await self._store().save_cursors({name: position})
        return position

    async def _end(self, reader: _Reader) -> None:
        if reader.task is not None:
            reader.task.cancel()
            await asyncio.gather(reader.task, return_exceptions=True)

    async def _run(self, reader: _Reader) -> None:
        pause = 0.25
        while True:
            try:
                reader.wake.clear()
                events = await self._after(reader.position)
                if not events:
                    await reader.wake.wait()
                    continue
                await reader.consumer.consume(events)
            except (Exception, SystemExit) as error:
                if not reader.trouble:
                    log.error(
                        "consumer %r of plugin %r cannot go on", reader.consumer.name, reader.plugin, exc_info=error
                    )
                reader.trouble = f"plugin {reader.plugin!r}: {error or type(error).__name__}"
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                continue
            if reader.trouble:
                log.info("consumer %r of plugin %r goes on", reader.consumer.name, reader.plugin)
                reader.trouble, pause = "", 0.25
            reader.position = events[-1].id
            self._unsaved[reader.consumer.name] = reader.position

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
        except StorageUnavailable:
            self._unsaved = positions | self._unsaved
