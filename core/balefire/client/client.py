"""The client: stays connected, sends each message once, misses none."""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from balefire.client import frames
from balefire.client.backoff import Backoff
from balefire.client.callbacks import Callback, Callbacks
from balefire.client.catch_up import CatchUp, Start
from balefire.client.codec import Codec, Encoding
from balefire.client.connection import ConnectionLost
from balefire.client.cursors import Cursors
from balefire.client.errors import ConnectionEnded, CursorsFailed, NoAnswer, RequestFailed
from balefire.client.frames import Answer, ChatMessage, ConversationSummary, Event, Ok, Page, Sent
from balefire.client.inbox import Inbox
from balefire.client.link import Link, Token, socket_url

log = logging.getLogger(__name__)

A = TypeVar("A", bound=Answer)

SAVE_EVERY_SECONDS: Final = 1.0


class Client:
    """A user's connection to a Balefire server, for programs.

    Use it as an async context manager: entering waits until the server has welcomed the client, leaving closes it.
    In between it reconnects by itself (full jitter), repeats unanswered requests, and fetches what it missed, so that
    ``events`` yields every message in the order of its conversation. One client belongs to one event loop; its
    methods may be called concurrently from many tasks.

    :param url: the server, ``http://127.0.0.1:8450`` (``https``, ``ws`` and ``wss`` are understood as well).
    :param token: a user token, or an async function that gets one whenever it is needed.
    :param device: names this installation, 1 to 64 characters; random when left out.
    :param cursors: a file that remembers what was taken over, across restarts; in memory only when left out.
    :param start: where a conversation without a local cursor starts: with its history ("all"), after what the server
        knows as delivered or read, or with what comes from now on.
    :param queue_size: how many events may wait; more are left on the server until there is room.
    :param deadline_seconds: how long a request may take over all reconnects, unless it says otherwise.
    """

    def __init__(
        self,
        url: str,
        token: Token,
        *,
        device: str = "",
        platform: str = "python",
        encoding: Encoding = "json",
        cursors: Path | None = None,
        start: Start = "delivered",
        queue_size: int = 10_000,
        deadline_seconds: float = 30.0,
        backoff: Backoff | None = None,
    ) -> None:
        self._url = socket_url(url)
        self._token = token
        self._hello = {"device": device or uuid.uuid4().hex, "platform": platform}
        self._codec = Codec(encoding)
        self._deadline = deadline_seconds
        self._backoff = backoff or Backoff()
        self._inbox = Inbox(Cursors(cursors), size=queue_size, starts_now=start == "now")
        self._catch_up = CatchUp(self._inbox, start, summaries=self.conversations, sync=self._sync)
        self._link: Link | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._callbacks = Callbacks()
        self._is_iterated = False
        self._taken: Event | None = None
        self._watched: tuple[str, ...] = ()
        self._requests = 0
        self._prefix = uuid.uuid4().hex[:8]
        self.user = ""
        """Who the server says we are; known once connected."""

    # -- life ----------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def is_connected(self) -> bool:
        return self._link is not None and self._link.connection is not None

    async def open(self) -> None:
        """Start, and wait for the first welcome.

        :raises NotAuthenticated: the token is refused.
        :raises NoAnswer: no server answered within the deadline.
        :raises CursorsFailed: the file of cursors cannot be read.
        """
        self._link = Link(
            self._url,
            self._token,
            self._codec,
            **self._hello,
            backoff=self._backoff,
            receive=self._receive,
            welcomed=self._welcomed,
            attend=self._attend,
        )
        self._tasks.append(asyncio.create_task(self._run(self._link), name="balefire client"))
        self._tasks.append(asyncio.create_task(self._save_cursors(), name="balefire client cursors"))
        try:
            async with asyncio.timeout(self._deadline):
                await self._link.connected()
        except TimeoutError:
            await self.close()
            raise NoAnswer(f"no welcome from {self._url} within {self._deadline:g} s") from None
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the connection, save the cursors, end ``events``. Closing twice is no error.

        :raises CursorsFailed: everything is closed, but what was taken over last could not be saved.
        """
        closed = ConnectionEnded("closed", "the client was closed")
        if self._link is not None:
            self._link.end(closed)
            if self._link.connection is not None:
                await self._link.connection.close()
        self._inbox.end(closed)
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._inbox.cursors.flush()

    # -- receiving -----------------------------------------------------------------------------------------------

    async def events(self) -> AsyncIterator[Event]:
        """Everything that happens, until the client is closed.

        Messages come in the order of their conversation, at least once; own messages only when another device sent
        them. A message counts as taken over when the next event is asked for.

        :raises NotAuthenticated, ConnectionEnded: the server ended the session for good.
        """
        if not self._callbacks.is_empty:
            raise RuntimeError("events() and on() read the same stream; use one of them")
        self._is_iterated = True
        while True:
            self._settle()
            try:
                self._taken = await self._inbox.take()
            except ConnectionEnded as ended:
                if ended.code == "closed":
                    return
                raise
            yield self._taken

    def on(self, kind: type[Event], call: Callback) -> None:
        """Call a function, plain or async, with every event of this kind, one at a time. Not together with ``events``.

        A function that raises is logged, and the event counts as taken over.
        """
        if self._is_iterated:
            raise RuntimeError("events() and on() read the same stream; use one of them")
        if self._callbacks.is_empty:
            self._tasks.append(asyncio.create_task(self._callbacks.run(self._inbox), name="balefire client callbacks"))
        self._callbacks.add(kind, call)

    # -- asking --------------------------------------------------------------------------------------------------

    async def send(
        self,
        to: str,
        text: str = "",
        *,
        type: str = "text",  # the protocol's word
        fields: dict[str, Any] | None = None,
        mentions: Sequence[str] = (),
        only: Sequence[str] = (),
        push_text: str = "",
        expires_after_ms: int = 0,
        id: str = "",  # the protocol's word
        deadline_seconds: float | None = None,
    ) -> Sent:
        """Send a message and wait until it is on the server's disk.

        It is repeated under the same id after reconnects and temporary refusals until it is answered.

        :param to: ``private/bob``, ``group/team``, ``channel/news``.
        :param fields: the payload of a content type other than text; ``text`` is added to it when given.
        :param id: the client message id; repeat a ``NoAnswer`` with the same one and it is stored once.
        :raises RequestFailed: the server refused it.
        :raises NoAnswer: the deadline passed.
        """
        body = {**(fields or {}), **({"text": text} if text or fields is None else {})}
        client_message_id = id or uuid.uuid4().hex
        self._inbox.sent_by_us(client_message_id)
        frame = frames.Send(
            id=client_message_id,
            to=to,
            type=type,
            fields=body,
            mentions=tuple(mentions),
            only=tuple(only),
            push_text=push_text,
            expires_after_ms=expires_after_ms,
        )
        return await self._ask(frame, Sent, deadline_seconds)

    async def conversations(self) -> list[ConversationSummary]:
        """The whole conversation list, in key order."""
        found: list[ConversationSummary] = []
        after = ""
        while True:
            answer = await self._ask(frames.List(id=self._new_id(), after=after), frames.Conversations)
            found.extend(answer.items)
            if not (after := answer.next):
                return found

    async def history(self, conversation: str, *, before: int = 0, limit: int = 50) -> list[ChatMessage]:
        """Messages below ``before`` (0 = the newest), newest first, at most 200; empty only at the beginning.

        Moves no cursor.
        """
        while True:
            answer = await self._ask(
                frames.History(id=self._new_id(), conversation=conversation, before=before, limit=limit), Page
            )
            if answer.messages or not answer.more:
                return [item.in_conversation(conversation) for item in answer.messages]
            before = answer.upto[conversation]  # everything there was directed at others, or has expired

    async def mark(self, conversation: str, *, read: int = 0, delivered: int = 0) -> Ok:
        """Advance this user's cursors on the server; they never go back."""
        return await self._ask(
            frames.Mark(id=self._new_id(), conversation=conversation, read=read, delivered=delivered), Ok
        )

    async def typing(self, conversation: str, *, on: bool = True) -> None:
        """Show or stop showing that the user types; lost when not connected."""
        if self._link is not None and self._link.connection is not None:
            with contextlib.suppress(ConnectionLost):
                await self._link.connection.write(frames.SetTyping(conversation=conversation, on=on))

    async def watch(self, users: Sequence[str]) -> None:
        """Hear when these users come and go, also after reconnects; replaces the previous list."""
        self._watched = tuple(users)
        await self._ask(frames.Watch(id=self._new_id(), users=self._watched), Ok)

    async def device(self, vendor: str, token: str, **about: str) -> None:
        """Register where to push to when this user is away: ``app``, ``environment``, ``language``, ``timezone``,
        ``voip_token`` as in the protocol."""
        await self._ask(frames.RegisterDevice(id=self._new_id(), vendor=vendor, token=token, **about), Ok)

    async def recall(self, message: str) -> None:
        """Take a message back, by the server's message id."""
        await self._ask(frames.Recall(id=self._new_id(), message=message), Ok)

    # -- inside --------------------------------------------------------------------------------------------------

    async def _ask(self, frame: frames.Request, kind: type[A], deadline_seconds: float | None = None) -> A:
        if self._link is None:
            raise ConnectionEnded("closed", "the client is not open")
        deadline = self._deadline if deadline_seconds is None else deadline_seconds
        return await self._link.ask(frame, kind, deadline_seconds=deadline)

    async def _sync(self, cursors: dict[str, int]) -> Page:
        return await self._ask(frames.Sync(id=self._new_id(), cursors=cursors), Page)

    def _settle(self) -> None:
        """The event handed out last was dealt with, since another is asked for."""
        if self._taken is not None:
            self._inbox.done(self._taken)
            self._taken = None

    def _new_id(self) -> str:
        self._requests += 1
        return f"{self._prefix}-{self._requests}"  # unlike any message id of the caller's

    def _receive(self, frame: frames.ServerFrame) -> None:
        if isinstance(frame, frames.Resync):
            self._catch_up.restart()
        self._inbox.receive(frame)

    async def _welcomed(self, welcome: frames.Welcome) -> None:
        if self.user != welcome.user:
            self.user = self._inbox.user = welcome.user
            await self._inbox.cursors.load(welcome.user)

    async def _attend(self) -> None:
        await asyncio.gather(self._watch_again(), self._catch_up.run())

    async def _watch_again(self) -> None:
        """What was watched on the connection before; a refusal costs presence, nothing else."""
        if self._watched:
            try:
                await self.watch(self._watched)
            except (RequestFailed, NoAnswer) as error:
                log.warning("presence is not watched any more: %s", error)

    async def _run(self, link: Link) -> None:
        try:
            await link.run()
        finally:
            self._inbox.end(link.ended or ConnectionEnded("closed", "the link ended"))

    async def _save_cursors(self) -> None:
        while True:
            await asyncio.sleep(SAVE_EVERY_SECONDS)
            try:
                await self._inbox.cursors.flush()
            except CursorsFailed as error:
                log.warning("cursors are not saved, and tried again: %s", error)
