"""Live sessions on this node: who is connected, who is attached to which conversation, and fan-out to them.

Deliveries cost what the people online cost, never what the members cost (I5): a session is attached to its user's
conversations when it opens, and membership changes move it exactly. A delivery is encoded once per representation,
and what a commit brought for one conversation is handed to each of its sessions in one piece.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from balefire_hookspecs import (
    Acknowledgement,
    Connection,
    Conversation,
    Delivery,
    Hole,
    Identity,
    InvalidInput,
    Message,
    Presence,
    Representation,
    Signal,
    Submission,
)

if TYPE_CHECKING:
    from balefire_hookspecs import MessageStore, Providers

log = logging.getLogger(__name__)

MAX_WATCHED = 500


class LiveSession:
    """One open session. ``rooms`` are the conversations it is attached to."""

    __slots__ = ("connection", "id", "identity", "is_open", "left_while_opening", "platform", "rooms", "watched")

    def __init__(self, session_id: str, identity: Identity, connection: Connection, platform: str) -> None:
        self.id = session_id
        self.identity = identity
        self.connection = connection
        self.platform = platform
        self.is_open = True
        self.rooms: set[Conversation] | None = None
        self.left_while_opening: set[Conversation] | None = set()
        self.watched: tuple[str, ...] = ()


Room = dict[LiveSession, None]


class SessionTable:
    """Implements ``Sessions``: plain dictionaries, touched from the event loop only.

    ``offer`` is the message path's; the kernel sets it once both exist.
    """

    offer: Callable[[Submission, Acknowledgement], None]

    def __init__(
        self,
        store: Callable[[], MessageStore],
        providers: Callable[[], Providers],
        on_presence: Callable[[str, bool], None],
    ) -> None:
        self._store = store
        self._providers = providers
        self._on_presence = on_presence
        self._by_user: dict[str, list[LiveSession]] = {}
        self._rooms: dict[Conversation, Room] = {}
        self._watchers: dict[str, Room] = {}
        self._count = 0
        self._opened = 0

    # -- opening and closing ---------------------------------------------------------------------------------------

    async def open(self, identity: Identity, connection: Connection, *, platform: str) -> LiveSession:
        self._opened += 1
        session = LiveSession(f"s{self._opened:x}", identity, connection, platform)
        siblings = self._by_user.setdefault(identity.user, [])
        is_new_platform = _is_none_of(siblings, platform)
        siblings.append(session)
        self._count += 1
        if is_new_platform:
            self._tell_watchers(identity.user)
        if len(siblings) == 1:
            self._on_presence(identity.user, True)
        try:
            await self._attach_all(session)
        except BaseException:  # nobody gets the session, so nobody could ever close it
            self.close(session)
            raise
        return session

    def close(self, session: object) -> None:
        if not isinstance(session, LiveSession) or not session.is_open:
            return
        session.is_open = False
        self._count -= 1
        for conversation in session.rooms or ():
            self._leave_room(session, conversation)
        session.rooms = None
        self._unwatch(session)
        user = session.identity.user
        siblings = self._by_user[user]
        siblings.remove(session)
        if not siblings:
            del self._by_user[user]
        if _is_none_of(siblings, session.platform):
            self._tell_watchers(user)
        if not siblings:
            self._on_presence(user, False)

    async def _attach_all(self, session: LiveSession) -> None:
        kinds = [name for name, kind in self._providers().conversation_kinds.items() if kind.attaches_members]
        found = await self._store().memberships(session.identity.user, kinds=kinds)
        left, session.left_while_opening = session.left_while_opening or set(), None
        if session.is_open:
            for conversation in found:
                if conversation not in left:
                    self._enter_room(session, conversation)

    def attach(self, conversation: Conversation, user: str) -> None:
        """The user became a member: their live sessions hear the conversation from now on."""
        for session in self._by_user.get(user, ()):
            self._enter_room(session, conversation)

    def detach(self, conversation: Conversation, user: str) -> None:
        """The user is no longer a member."""
        for session in self._by_user.get(user, ()):
            if session.left_while_opening is not None:
                session.left_while_opening.add(conversation)
            if session.rooms is not None and conversation in session.rooms:
                session.rooms.discard(conversation)
                self._leave_room(session, conversation)

    def _enter_room(self, session: LiveSession, conversation: Conversation) -> None:
        if session.rooms is None:
            session.rooms = set()
        session.rooms.add(conversation)
        self._rooms.setdefault(conversation, {})[session] = None

    def _leave_room(self, session: LiveSession, conversation: Conversation) -> None:
        room = self._rooms.get(conversation)
        if room is not None:
            room.pop(session, None)
            if not room:
                del self._rooms[conversation]

    # -- presence --------------------------------------------------------------------------------------------------

    def is_online(self, user: str) -> bool:
        return user in self._by_user

    def platforms(self, user: str) -> Sequence[str]:
        return sorted({session.platform for session in self._by_user.get(user, ())})

    def watch(self, session: object, users: Sequence[str]) -> None:
        if not isinstance(session, LiveSession) or not session.is_open:
            return
        if len(users) > MAX_WATCHED:
            raise InvalidInput(f"at most {MAX_WATCHED} users can be watched, got {len(users)}", where="users")
        self._unwatch(session)
        session.watched = tuple(dict.fromkeys(users))
        for user in session.watched:
            self._watchers.setdefault(user, {})[session] = None
            self._send((session,), self._presence(user))

    def _unwatch(self, session: LiveSession) -> None:
        for user in session.watched:
            watchers = self._watchers[user]
            watchers.pop(session, None)
            if not watchers:
                del self._watchers[user]
        session.watched = ()

    def _presence(self, user: str) -> Presence:
        return Presence(user, user in self._by_user, tuple(self.platforms(user)))

    def _tell_watchers(self, user: str) -> None:
        """Whether this user is online now, and on which platforms."""
        watchers = self._watchers.get(user)
        if watchers:
            self._send(watchers, self._presence(user))

    # -- delivering ------------------------------------------------------------------------------------------------

    def deliver_to_users(self, message: Message, users: Iterable[str], skip: str) -> None:
        """A message for exactly these users, except the session it came through."""
        frames: dict[Representation, bytes] = {}
        for user in users:
            for session in self._by_user.get(user, ()):
                if session.id != skip:
                    _write(session.connection, _encoded(frames, session.connection.representation, message))

    def deliver_to_room(self, conversation: Conversation, messages: Sequence[Message], skips: Sequence[str]) -> None:
        """Consecutive messages of one conversation for everybody attached to it.

        ``skips`` is aligned with ``messages``: the session each came through gets it as an acknowledgement instead.
        """
        room = self._rooms.get(conversation)
        if not room:
            return
        authors = set(skips)
        chunks: dict[Representation, bytes] = {}
        single: list[dict[Representation, bytes]] = [{} for _ in messages]
        for session in room:
            connection = session.connection
            representation = connection.representation
            if session.id in authors:
                for message, skip, frames in zip(messages, skips, single, strict=True):
                    if session.id != skip:
                        _write(connection, _encoded(frames, representation, message))
                continue
            chunk = chunks.get(representation)
            if chunk is None:
                chunk = b"".join(_encoded(f, representation, m) for m, f in zip(messages, single, strict=True))
                chunks[representation] = chunk
            try:  # as in _write, without the call: this line is what fan-out costs
                connection.write(chunk)
            except (Exception, SystemExit):
                _report(connection)

    def deliver_to_everyone(self, message: Message, skip: str) -> None:
        """A message for every session on this node."""
        self.deliver_to_users(message, tuple(self._by_user), skip)

    def deliver_hole(self, message: Message, listed: Iterable[str]) -> None:
        """Tell those a directed message is not for that its number exists, so they see no gap (I2)."""
        room = self._rooms.get(message.conversation)
        if room:
            may_see = set(listed)
            hole = Hole(message.conversation, message.seq)
            self._send((s for s in room if s.identity.user not in may_see), hole)

    def signal(self, signal: Signal, *, users: Iterable[str] = (), conversation: Conversation | None = None) -> None:
        if conversation is not None:
            self._send(self._rooms.get(conversation, {}), signal)
        for user in users:
            self._send(self._by_user.get(user, ()), signal)

    def _send(self, sessions: Iterable[LiveSession], signal: Signal) -> None:
        frames: dict[Representation, bytes] = {}
        for session in sessions:
            connection = session.connection
            representation = connection.representation
            _write(connection, _encoded(frames, representation, signal))

    # -- the rest --------------------------------------------------------------------------------------------------

    def disconnect(self, user: str, code: str, reason: str, *, credential_id: str = "") -> int:
        closing = [
            session
            for session in self._by_user.get(user, ())
            if not credential_id or session.identity.credential_id == credential_id
        ]
        for session in closing:
            session.connection.close(code, reason)
        return len(closing)

    def count(self) -> int:
        return self._count

    def online_users(self) -> int:
        """How many users have a session on this node."""
        return len(self._by_user)


def _is_none_of(sessions: Iterable[LiveSession], platform: str) -> bool:
    return all(session.platform != platform for session in sessions)


def _encoded(frames: dict[Representation, bytes], representation: Representation, delivery: Delivery) -> bytes:
    frame = frames.get(representation)
    if frame is None:
        try:
            frame = representation.encode(delivery)
        except (Exception, SystemExit):  # those who use it see a gap and synchronise; the others notice nothing
            log.exception("%s could not encode a delivery", type(representation).__qualname__)
            frame = b""
        frames[representation] = frame
    return frame


def _write(connection: Connection, frames: bytes) -> None:
    try:
        connection.write(frames)
    except (Exception, SystemExit):
        _report(connection)


def _report(connection: Connection) -> None:
    log.exception("%s could not take a delivery", type(connection).__qualname__)
