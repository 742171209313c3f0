"""The way out: acknowledge what became durable, then hand it to live sessions and to the event consumers.

Acknowledgements leave first. Fan-out follows two turns of the event loop later, when their bytes are on their way,
so that publishing to thousands of sessions is accepted as fast as a private message.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Final

from balefire.bounded import contained
from balefire_hookspecs import Appended, Audience, Conversation, Event, Message

if TYPE_CHECKING:
    from balefire.message_log import Entry
    from balefire.message_path import PathServices
    from balefire_hookspecs import ConversationKind

log = logging.getLogger(__name__)

AUDIENCE_SECONDS: Final = 30.0
"""What a conversation kind may take to say who gets a message."""

Delivery = tuple[Message, str]
"""A message, and the session it came through ("" if none), which gets it as an acknowledgement instead."""

Rooms = dict[Conversation, tuple[list[Message], list[str]]]


class FanOut:
    """Hands messages out. Everything runs on the event loop; nothing waits."""

    def __init__(self, services: PathServices) -> None:
        self._on = services
        self._kinds: dict[str, ConversationKind] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def refresh(self) -> None:
        """Plugins changed: look the providers up again."""
        self._kinds = dict(self._on.providers().conversation_kinds)

    def on_appended(self, batch: Sequence[Entry], appended: Sequence[Appended]) -> None:
        """A batch is durable: acknowledge it, fan it out, show it to the event consumers."""
        events: list[Event] = []
        deliveries: list[Delivery] = []
        for (draft, done), outcome in zip(batch, appended, strict=True):
            message = outcome.message
            try:
                done(message, None)
            except Exception:  # the caller's fault; everybody else's messages must go on
                log.exception("an acknowledgement failed", extra={"message_id": message.id})
            if not outcome.is_new:
                continue
            if message.seq == 1 and draft.initial_members:
                self._enter_initial_members(message.conversation, draft.initial_members)
            events.append(_stored(message))
            deliveries.append((message, draft.submission.session_id))
        if deliveries:
            self._after_acknowledgements(self._hand_out, deliveries, events)

    def on_events(self, events: Sequence[Event]) -> None:
        """Events other than messages are durable: show them to the consumers, behind the messages before them."""
        self._after_acknowledgements(self._on.events.publish, events)

    def on_missed(self, events: Sequence[Event]) -> None:
        """These became durable although their writer was told otherwise: hand them out as any other."""
        messages = [event.message for event in events if event.message is not None]
        for message in messages:
            kind = self._kinds.get(message.conversation.kind)
            if message.seq == 1 and kind is not None:
                self._enter_initial_members(message.conversation, kind.initial_members(message.conversation))
        self._after_acknowledgements(self._hand_out, [(message, "") for message in messages], events)

    def _after_acknowledgements(self, work: Callable[..., None], *arguments: Any) -> None:
        """In the next turn the acknowledgements are written, in the one after this runs; calls keep their order."""
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, work, *arguments)

    def _hand_out(self, deliveries: Sequence[Delivery], events: Sequence[Event]) -> None:
        self.deliver(deliveries)
        self._on.events.publish(events)
        if not self._on.hooks().on_message_stored.is_empty:
            self._spawn(self._tell_hooks([message for message, _ in deliveries]))

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Hand messages to the live sessions of their audience, keeping their order in each conversation."""
        rooms: Rooms = {}
        for message, skip in deliveries:
            try:
                self._route(message, skip, rooms)
            except (Exception, SystemExit):
                _not_handed_out(message)
        self._deliver(rooms)

    def _enter_initial_members(self, conversation: Conversation, users: Sequence[str]) -> None:
        """The store entered them with the first message; cache and live sessions follow."""
        self._on.members.forget(conversation, users)
        kind = self._kinds.get(conversation.kind)
        if kind is not None and kind.attaches_members:
            for user in users:
                self._on.sessions.attach(conversation, user)

    def _route(self, message: Message, skip: str, rooms: Rooms) -> None:
        """Deliver to named users at once; gather what goes to a whole room, so it is handed over in one piece."""
        kind = self._kinds.get(message.conversation.kind)
        if kind is None:  # its plugin was switched off while the message was being stored
            return
        audience = kind.audience(message)
        if isinstance(audience, Audience):
            self._send(message, audience, skip, rooms)
        else:
            self._spawn(self._route_later(message, audience, skip))

    async def _route_later(self, message: Message, audience: Awaitable[Audience], skip: str) -> None:
        rooms: Rooms = {}
        try:
            async with asyncio.timeout(AUDIENCE_SECONDS):
                found = await contained(audience)
            self._send(message, found, skip, rooms)
        except Exception:
            _not_handed_out(message)
        self._deliver(rooms)

    def _send(self, message: Message, audience: Audience, skip: str, rooms: Rooms) -> None:
        sessions = self._on.sessions
        if message.to:
            self._deliver_room(message.conversation, rooms)  # what came before must arrive before
            listed = audience.users if audience.scope == "users" else dict.fromkeys((message.sender, *message.to))
            sessions.deliver_to_users(message, listed, skip)
            if message.seq and self._kinds[message.conversation.kind].attaches_members:
                sessions.deliver_hole(message, listed)
        elif audience.scope == "members":
            messages, skips = rooms.setdefault(message.conversation, ([], []))
            messages.append(message)
            skips.append(skip)
        elif audience.scope == "users":
            sessions.deliver_to_users(message, audience.users, skip)
        else:
            sessions.deliver_to_everyone(message, skip)

    def _deliver(self, rooms: Rooms) -> None:
        for conversation, (messages, skips) in rooms.items():
            try:
                self._on.sessions.deliver_to_room(conversation, messages, skips)
            except Exception:
                log.exception("messages could not be handed out", extra={"conversation": conversation.key})

    def _deliver_room(self, conversation: Conversation, rooms: Rooms) -> None:
        gathered = rooms.pop(conversation, None)
        if gathered is not None:
            self._on.sessions.deliver_to_room(conversation, *gathered)

    async def _tell_hooks(self, messages: Sequence[Message]) -> None:
        for message in messages:
            await self._on.hooks().on_message_stored(message)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Let what is under way finish."""
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)


def _not_handed_out(message: Message) -> None:
    """A kind or a gateway failed; its clients catch up from their cursors."""
    log.exception(
        "a message of kind %r could not be handed out", message.conversation.kind, extra={"message_id": message.id}
    )


def _stored(message: Message) -> Event:
    return Event(
        id=message.id,
        kind="message.stored",
        at=message.at,
        conversation=message.conversation,
        user=message.sender,
        message=message,
    )
