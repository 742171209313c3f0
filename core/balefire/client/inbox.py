"""Turns the server's frames into an ordered, bounded stream of events, and knows what is missing.

Per conversation the inbox keeps how far everything was received. A number that is not the next one, or a message for
which there is no room, puts the conversation on the ``behind`` list; whoever owns the inbox then syncs it.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from typing import Final

from balefire.client.cursors import Cursors
from balefire.client.frames import (
    ChatMessage,
    Event,
    Hole,
    Joined,
    Left,
    Marked,
    Page,
    Presence,
    Replaced,
    Resync,
    Sent,
    ServerFrame,
    Signal,
    Typing,
)

REMEMBERED_SENDS: Final = 10_000


class Inbox:
    """The receiving half of a client. Runs on the event loop and never waits, except in ``take``.

    :param size: how many events may wait to be taken; a sync page may exceed it once.
    :param starts_now: a conversation never seen starts with its next message instead of its first.
    """

    def __init__(self, cursors: Cursors, *, size: int, starts_now: bool = False) -> None:
        self.cursors = cursors
        self.user = ""
        """Whose inbox it is; known with the welcome."""
        self._starts_now = starts_now
        self.behind: dict[str, int] = {}
        self.missing = asyncio.Event()
        self.room = asyncio.Event()
        self.room.set()
        self._size = size
        self._received: dict[str, int] = {}
        self._events: deque[Event] = deque()
        self._untaken: Counter[str] = Counter()
        self._something = asyncio.Event()
        self._own: OrderedDict[str, None] = OrderedDict()
        self._lost_signals = False
        self._ended: Exception | None = None

    # -- receiving -----------------------------------------------------------------------------------------------

    def receive(self, frame: ServerFrame) -> None:
        """Take a live frame in; answers other than ``sent`` are of no interest here."""
        if isinstance(frame, ChatMessage) and not isinstance(frame, Replaced):
            self._message(frame)
        elif isinstance(frame, Hole | Sent):
            if frame.seq and self._is_next(frame.conversation, frame.seq):
                self._advance(frame.conversation, frame.seq)
        elif isinstance(frame, Replaced | Typing | Presence | Marked | Joined | Left | Signal | Resync):
            self._offer(frame)

    def position(self, conversation: str) -> int | None:
        """How far this conversation was received; ``None`` if it was never seen."""
        received = self._received.get(conversation)
        return self.cursors.get(conversation) if received is None else received

    def start_at(self, conversation: str, seq: int) -> None:
        """Count everything up to ``seq`` as known, unless a cursor says otherwise."""
        if self.position(conversation) is None:
            self._advance(conversation, seq)

    def expect(self, conversation: str, seq: int) -> None:
        """Note that the conversation reaches up to ``seq``, so that what lies between is fetched."""
        if seq > (self.position(conversation) or 0):
            self.behind[conversation] = max(seq, self.behind.get(conversation, 0))
            self.missing.set()

    def add_page(self, page: Page, asked: Mapping[str, int]) -> None:
        """Take a sync page in: its messages, then the cursors it vouches for.

        :param asked: the cursors that were asked with.
        """
        for item in page.messages:
            if item.seq > (self.position(item.conversation) or 0):
                self._put_message(item.in_conversation())
        for conversation, cursor in asked.items():
            upto = page.upto.get(conversation, cursor)
            if upto > (self.position(conversation) or 0):
                self._advance(conversation, upto)
            # No progress means that the rest is not ours to see; asking on would never end.
            if conversation not in page.more and (upto >= self.behind.get(conversation, 0) or upto <= cursor):
                self.behind.pop(conversation, None)

    def sent_by_us(self, client_message_id: str) -> None:
        """Remember a message of ours, so that catching up does not show it as news."""
        self._own[client_message_id] = None
        if len(self._own) > REMEMBERED_SENDS:
            self._own.popitem(last=False)

    # -- handing out ---------------------------------------------------------------------------------------------

    async def take(self) -> Event:
        """The next event; waits for one. Call ``done`` with it when it has been dealt with.

        :raises Exception: what ``end`` was called with, once nothing is left.
        """
        while not self._events:
            if self._lost_signals:
                self._lost_signals = False
                return Resync(reason="slow_consumer")
            if self._ended is not None:
                raise self._ended
            self._something.clear()
            await self._something.wait()
        event = self._events.popleft()
        if len(self._events) <= self._size // 2:
            self.room.set()
        return event

    def done(self, event: Event) -> None:
        """The event was dealt with: its number need not come again after a restart."""
        if not isinstance(event, ChatMessage) or isinstance(event, Replaced) or not event.seq:
            return
        conversation = event.conversation
        self._untaken[conversation] -= 1
        if self._untaken[conversation] > 0:
            self.cursors.advance(conversation, event.seq)
        else:  # holes and own messages that came meanwhile are dealt with too
            del self._untaken[conversation]
            self.cursors.advance(conversation, self._received[conversation])

    def end(self, error: Exception) -> None:
        """No more will come: ``take`` raises this when the queue is empty."""
        self._ended = error
        self._something.set()

    # -- inside --------------------------------------------------------------------------------------------------

    def _message(self, message: ChatMessage) -> None:
        if message.seq == 0:
            self._offer(message)
        elif self._is_next(message.conversation, message.seq):
            if self._is_full():
                self.expect(message.conversation, message.seq)
            else:
                self._put_message(message)

    def _is_next(self, conversation: str, seq: int) -> bool:
        """Whether this is the number we wait for; a higher one puts the conversation on the list."""
        if self._starts_now:
            self.start_at(conversation, seq - 1)
        if seq == (self.position(conversation) or 0) + 1 and conversation not in self.behind:
            return True
        self.expect(conversation, seq)
        return False

    def _put_message(self, message: ChatMessage) -> None:
        if message.sender == self.user and message.id in self._own:  # others may use the same ids
            self._advance(message.conversation, message.seq)
            return
        self._received[message.conversation] = message.seq
        self._untaken[message.conversation] += 1
        self._put(message)

    def _advance(self, conversation: str, seq: int) -> None:
        self._received[conversation] = seq
        if conversation not in self._untaken:
            self.cursors.advance(conversation, seq)

    def _offer(self, event: Event) -> None:
        if self._is_full():
            self._lost_signals = True
        else:
            self._put(event)

    def _is_full(self) -> bool:
        if len(self._events) >= self._size:
            self.room.clear()
        return not self.room.is_set()

    def _put(self, event: Event) -> None:
        self._events.append(event)
        self._something.set()
