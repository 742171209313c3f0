"""The one writer: collects drafts and events, commits them in groups, and tells what became durable.

A batch is whatever arrived while the last commit ran, so an idle server answers at once and a busy one commits
hundreds of messages with one sync. Everything that enters the log passes through one task in one order; that is why
consumers can be fed from memory without ever seeing a gap that fills later.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from balefire_hookspecs import (
    Acknowledgement,
    Appended,
    BalefireError,
    Draft,
    Event,
    InvalidInput,
    Overloaded,
    StorageUnavailable,
)

if TYPE_CHECKING:
    from balefire_hookspecs import MessageStore

log = logging.getLogger(__name__)

MAX_BATCH = 1000
MAX_PENDING = 20_000
"""Drafts waiting for the store. Beyond it senders are told to come back: memory stays bounded when the disk hangs."""

PAGE = 1000

Entry = tuple[Draft, Acknowledgement]
Done = tuple[Event, asyncio.Future[Event]]
T = TypeVar("T", Entry, Done)


@dataclass(frozen=True, slots=True)
class Committed:
    """A batch, what became of it, and what was found in the log that an earlier, failed batch left there."""

    batch: list[Entry]
    outcome: Sequence[Appended] | BalefireError
    missed: Sequence[Event] = ()


class _Queue(Generic[T]):
    """What waits for the store. After ``put_back`` the entries put back are taken one by one."""

    def __init__(self) -> None:
        self.entries: list[T] = []
        self._alone = 0

    def take(self) -> list[T]:
        size = MAX_BATCH
        if self._alone:
            self._alone -= 1
            size = 1
        batch, self.entries = self.entries[:size], self.entries[size:]
        return batch

    def put_back(self, batch: list[T]) -> None:
        """One of these cannot be stored: let it fail by itself."""
        self.entries[:0] = batch
        self._alone = len(batch)


class MessageLog:
    """Group commit over a message store.

    ``on_appended`` is called once per committed batch, on the event loop, before the acknowledgements of its
    drafts' senders; ``on_events`` likewise for other events. A write that failed may have been committed all the same,
    as when a connection breaks before the answer: so after the next one the log is read, and what nobody was told of
    goes to ``on_missed``, first. None of them may block.
    """

    def __init__(
        self,
        store: Callable[[], MessageStore],
        on_appended: Callable[[Sequence[Entry], Sequence[Appended]], None],
        on_events: Callable[[Sequence[Event]], None],
        on_missed: Callable[[Sequence[Event]], None],
    ) -> None:
        self._store = store
        self._on_appended = on_appended
        self._on_events = on_events
        self._on_missed = on_missed
        self._drafts: _Queue[Entry] = _Queue()
        self._events: _Queue[Done] = _Queue()
        self._last_id = -1
        """The highest id that was told of; -1 before the first write."""
        self._is_unsure = False
        """A write failed since ``_last_id``."""
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
        while self.pending or not self._idle.is_set():
            await self._idle.wait()
            await asyncio.sleep(0)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    def append(self, draft: Draft, done: Acknowledgement) -> None:
        """Queue a draft; ``done`` is called when it is durable or has failed.

        :raises Overloaded: the queue is full.
        """
        if len(self._drafts.entries) >= MAX_PENDING:
            raise Overloaded("the message log is behind; send again with the same id", retry_after_seconds=1)
        self._drafts.entries.append((draft, done))
        self._wake.set()

    async def append_event(self, event: Event) -> Event:
        """Queue an event; returns it with its id when it is durable.

        :raises Overloaded: the queue is full.
        :raises StorageUnavailable: it could not be written.
        """
        if len(self._events.entries) >= MAX_PENDING:
            raise Overloaded("the event log is behind; try again", retry_after_seconds=1)
        future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._events.entries.append((event, future))
        self._wake.set()
        return await future

    @property
    def pending(self) -> int:
        """Drafts and events not yet durable."""
        return len(self._drafts.entries) + len(self._events.entries)

    async def _run(self) -> None:
        committed: Committed | None = None
        while True:
            if not self.pending:
                self._tell(committed)
                committed = None
                self._idle.set()
                self._wake.clear()
                await self._wake.wait()
                self._idle.clear()
            if self._drafts.entries:
                appending = asyncio.get_running_loop().create_task(self._append(self._drafts.take()))
                await asyncio.sleep(0)  # the store begins …
                self._tell(committed)  # … while we tell the senders of the batch before
                committed = await appending
            if self._events.entries:
                self._tell(committed)
                committed = None
                await self._commit_events(self._events.take())

    # -- writing ---------------------------------------------------------------------------------------------------

    async def _append(self, batch: list[Entry]) -> Committed | None:
        try:
            await self._learn_last_id()
            appended = await self._store().append([draft for draft, _ in batch])
            _demand_answers(batch, appended)
            missed = await self._after([one.message.id for one in appended if one.is_new])
        except Exception as error:
            self._is_unsure = True
            if _may_fail_alone(batch, error):
                self._drafts.put_back(batch)
                return None
            return Committed(batch, _as_storage_error(error))
        return Committed(batch, appended, missed)

    async def _commit_events(self, batch: list[Done]) -> None:
        try:
            await self._learn_last_id()
            stored = await self._store().append_events([event for event, _ in batch])
            _demand_answers(batch, stored)
            missed = await self._after([event.id for event in stored])
        except Exception as error:
            self._is_unsure = True
            if _may_fail_alone(batch, error):
                self._events.put_back(batch)
                return
            failure = _as_storage_error(error)
            for _, future in batch:
                if not future.done():
                    future.set_exception(failure)
            return
        for event, (_, future) in zip(stored, batch, strict=True):
            if not future.done():
                future.set_result(event)
        if missed:
            self._on_missed(missed)
        self._on_events(stored)

    async def _learn_last_id(self) -> None:
        if self._last_id < 0:
            self._last_id = await self._store().last_event_id()

    async def _after(self, ids: Sequence[int]) -> Sequence[Event]:
        """These ids are durable; what else is since the last that were, if a write failed in between."""
        missed: list[Event] = []
        if self._is_unsure:
            told = set(ids)
            position = self._last_id
            while page := await self._store().read_log(after=position, limit=PAGE):
                missed += [event for event in page if event.id not in told]
                position = page[-1].id
            self._last_id, self._is_unsure = position, False
        elif ids:
            self._last_id = ids[-1]
        return missed

    # -- telling ---------------------------------------------------------------------------------------------------

    def _tell(self, committed: Committed | None) -> None:
        if committed is None:
            return
        if committed.missed:
            self._on_missed(committed.missed)
        if not isinstance(committed.outcome, Exception):
            self._on_appended(committed.batch, committed.outcome)
            return
        for _, done in committed.batch:
            try:
                done(None, committed.outcome)
            except Exception:  # the caller's fault; the others wait for theirs
                log.exception("a refusal could not be told")


def _demand_answers(batch: Sequence[object], answers: Sequence[object]) -> None:
    if len(answers) != len(batch):
        raise StorageUnavailable(f"the message store answered {len(answers)} times for {len(batch)} entries")


def _may_fail_alone(batch: Sequence[object], error: Exception) -> bool:
    """Whether one entry may be why none of the others was stored, and not the store's condition."""
    return len(batch) > 1 and (isinstance(error, InvalidInput) or not isinstance(error, BalefireError))


def _as_storage_error(error: Exception) -> BalefireError:
    if isinstance(error, BalefireError):
        return error
    log.error("the message store failed", exc_info=error)
    return StorageUnavailable("the message store failed; send again with the same id", retry_after_seconds=1)
