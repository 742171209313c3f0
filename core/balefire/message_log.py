"""The one writer: collects drafts and events, commits them in groups, and tells what became durable.

A batch is whatever arrived while the last commit ran, so an idle server answers at once and a busy one commits
hundreds of messages with one sync. Everything that enters the log passes through one task in one order; that is why
consumers can be fed from memory without ever seeing a gap that fills later.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from balefire_hookspecs import Acknowledgement, Appended, BalefireError, Draft, Event, Overloaded, StorageUnavailable

if TYPE_CHECKING:
    from balefire_hookspecs import MessageStore

log = logging.getLogger(__name__)

MAX_BATCH = 1000
MAX_PENDING = 20_000
"""Drafts waiting for the store. Beyond it senders are told to come back: memory stays bounded when the disk hangs."""

Entry = tuple[Draft, Acknowledgement]
Committed = tuple[list[Entry], Sequence[Appended] | BalefireError]
"""A batch, and what became of it."""


class MessageLog:
    """Group commit over a message store.

    ``on_appended`` is called once per committed batch, on the event loop, before the acknowledgements of its
    drafts' senders; ``on_events`` likewise for other events. Neither may raise or block.
    """

    def __init__(
        self,
        store: Callable[[], MessageStore],
        on_appended: Callable[[Sequence[Entry], Sequence[Appended]], None],
        on_events: Callable[[Sequence[Event]], None],
    ) -> None:
        self._store = store
        self._on_appended = on_appended
        self._on_events = on_events
        self._drafts: list[Entry] = []
        self._events: list[tuple[Event, asyncio.Future[Event]]] = []
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin committing. Call once, from the running loop."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="message-log")

    async def stop(self) -> None:
        """Commit what is waiting, then end."""
        if self._task is None:
            return
        while self._drafts or self._events or not self._idle.is_set():
            await self._idle.wait()
            await asyncio.sleep(0)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    def append(self, draft: Draft, done: Acknowledgement) -> None:
        """Queue a draft; ``done`` is called when it is durable or has failed.

        :raises Overloaded: the queue is full.
        """
        if len(self._drafts) >= MAX_PENDING:
            raise Overloaded("the message log is behind; send again with the same id", retry_after_seconds=1)
        self._drafts.append((draft, done))
        self._wake.set()

    async def append_event(self, event: Event) -> Event:
        """Queue an event; returns it with its id when it is durable.

        :raises Overloaded: the queue is full.
        :raises StorageUnavailable: it could not be written.
        """
        if len(self._events) >= MAX_PENDING:
            raise Overloaded("the event log is behind; try again", retry_after_seconds=1)
        future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._events.append((event, future))
        self._wake.set()
        return await future

    @property
    def pending(self) -> int:
        """Drafts and events not yet durable."""
        return len(self._drafts) + len(self._events)

    async def _run(self) -> None:
        committed: Committed | None = None
        while True:
            if not self._drafts and not self._events:
                self._tell(committed)
                committed = None
                self._idle.set()
                self._wake.clear()
                await self._wake.wait()
                self._idle.clear()
            if self._drafts:
                appending = asyncio.get_running_loop().create_task(self._append(self._take()))
                await asyncio.sleep(0)  # the store begins …
                self._tell(committed)  # … while we tell the senders of the batch before
                committed = await appending
            if self._events:
                self._tell(committed)
                committed = None
                await self._commit_events()

    def _take(self) -> list[Entry]:
        batch, self._drafts = self._drafts[:MAX_BATCH], self._drafts[MAX_BATCH:]
        return batch

    async def _append(self, batch: list[Entry]) -> Committed:
        try:
            return batch, await self._store().append([draft for draft, _ in batch])
        except Exception as error:
            return batch, _as_storage_error(error)

    def _tell(self, committed: Committed | None) -> None:
        if committed is None:
            return
        batch, outcome = committed
        if not isinstance(outcome, Exception):
            self._on_appended(batch, outcome)
            return
        for _, done in batch:
            done(None, outcome)

    async def _commit_events(self) -> None:
        batch, self._events = self._events[:MAX_BATCH], self._events[MAX_BATCH:]
        try:
            stored = await self._store().append_events([event for event, _ in batch])
        except Exception as error:
            failure = _as_storage_error(error)
            for _, future in batch:
                if not future.done():
                    future.set_exception(failure)
            return
        for event, (_, future) in zip(stored, batch, strict=True):
            if not future.done():
                future.set_result(event)
        self._on_events(stored)


def _as_storage_error(error: Exception) -> BalefireError:
    if isinstance(error, BalefireError):
        return error
    log.error("the message store failed", exc_info=error)
    return StorageUnavailable("the message store failed; send again with the same id", retry_after_seconds=1)
