"""Membership: a bounded cache over the store's member records, with exact invalidation.

A change is durable first, then visible: cache, attached sessions, event log and the members' clients follow in that
order, so the next message sees it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from balefire_hookspecs import Conversation, InvalidInput, Joined, Left, Marked, Member, NotFound, Role

if TYPE_CHECKING:
    from balefire.event_log import EventLog
    from balefire.sessions import SessionTable
    from balefire_hookspecs import Clock, ConversationKind, MessageStore, Signal

MAX_CACHED = 200_000
MAX_USERS_A_CALL = 10_000

Key = tuple[Conversation, str]


class _Unknown:
    """Not in the cache; ``None`` means known to be no member."""


UNKNOWN: Final = _Unknown()


class MemberTable:
    """Implements ``Members``."""

    def __init__(
        self,
        store: Callable[[], MessageStore],
        kinds: Callable[[], Mapping[str, ConversationKind]],
        sessions: SessionTable,
        events: EventLog,
        clock: Clock,
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._sessions = sessions
        self._events = events
        self._clock = clock
        self._cache: OrderedDict[Key, Member | None] = OrderedDict()

    def get(self, conversation: Conversation, user: str) -> Member | Awaitable[Member | None] | None:
        cached = self._cache.get((conversation, user), UNKNOWN)
        return self._load(conversation, user) if isinstance(cached, _Unknown) else cached

    async def _load(self, conversation: Conversation, user: str) -> Member | None:
        member = await self._store().get_member(conversation, user)
        return self._remember(conversation, user, member)

    def _remember(self, conversation: Conversation, user: str, member: Member | None) -> Member | None:
        self._cache[(conversation, user)] = member
        if len(self._cache) > MAX_CACHED:
            self._cache.popitem(last=False)
        return member

    async def add(
        self,
        conversation: Conversation,
        users: Sequence[str],
        *,
        role: Role = "member",
        visible_from_seq: int = 0,
        by: str = "",
    ) -> Sequence[Member]:
        if len(users) > MAX_USERS_A_CALL:
            raise InvalidInput(
                f"at most {MAX_USERS_A_CALL} users can be added at once, got {len(users)}", where="users"
            )
        now = self._clock.now_ms()
        present = await self._present(conversation, users)
        new = [
            Member(conversation=conversation, user=user, role=role, visible_from_seq=visible_from_seq, joined_at=now)
            for user in dict.fromkeys(users)
            if user not in present
        ]
        if not new:
            return ()
        await self._store().put_members(new)
        for member in new:
            self._remember(conversation, member.user, member)
            self._sessions.attach(conversation, member.user)
        await self._events.emit(
            "member.added",
            conversation=conversation,
            user=by,
            data={"users": [m.user for m in new], "role": role},
        )
        self._announce(new)
        return new

    async def _present(self, conversation: Conversation, users: Sequence[str]) -> set[str]:
        """Which of the users are in."""
        return {member.user for member in await self._records(conversation, users) if member.role != "removed"}

    async def _records(self, conversation: Conversation, users: Sequence[str]) -> Sequence[Member]:
        """What the store says about these users, in the order they were named."""
        listed = list(dict.fromkeys(users))
        found = {member.user: member for member in await self._store().get_members(conversation, listed)}
        return [found[user] for user in listed if user in found]

    def _announce(self, members: Sequence[Member]) -> None:
        """Members hear of each other; subscribers of a channel only of themselves."""
        for member in members:
            if member.role == "subscriber":
                self._sessions.signal(Joined(member), users=(member.user,))
            else:
                self._sessions.signal(Joined(member), conversation=member.conversation)

    async def update(
        self,
        conversation: Conversation,
        user: str,
        *,
        role: Role | None = None,
        alias: str | None = None,
        settings: dict[str, Any] | None = None,
        by: str = "",
    ) -> Member:
        member = await self._load(conversation, user)
        if member is None or member.role == "removed":
            raise NotFound(f"{user} is not a member of {conversation.key}")
        merged = {k: v for k, v in (member.settings | (settings or {})).items() if v is not None}
        changed = msgspec.structs.replace(
            member,
            role=role if role is not None else member.role,
            alias=alias if alias is not None else member.alias,
            settings=merged,
        )
        await self._store().put_members([changed])
        self._remember(conversation, user, changed)
        await self._events.emit(
            "member.updated", conversation=conversation, user=by or user, data={"user": user, "role": changed.role}
        )
        if role is None and alias is None:  # settings are the member's own business
            self._sessions.signal(Joined(changed), users=(user,))
        else:
            self._announce([changed])
        return changed

    async def remove(self, conversation: Conversation, users: Sequence[str], *, by: str = "") -> Sequence[str]:
        last_seq = await self._store().last_seq(conversation)
        gone = [member for member in await self._records(conversation, users) if member.role != "removed"]
        if not gone:
            return ()
        removed = [msgspec.structs.replace(member, role="removed", left_at_seq=last_seq) for member in gone]
        await self._store().put_members(removed)
        for member in removed:
            self._remember(conversation, member.user, member)
        for member in gone:
            left = Left(conversation, member.user)
            if member.role == "subscriber":
                self._sessions.signal(left, users=(member.user,))
            else:
                self._sessions.signal(left, conversation=conversation)
            self._sessions.detach(conversation, member.user)
        names = [member.user for member in gone]
        await self._events.emit("member.removed", conversation=conversation, user=by, data={"users": names})
        return names

    async def list(self, conversation: Conversation, *, after: str = "", limit: int = 1000) -> Sequence[Member]:
        return await self._store().members(conversation, after=after, limit=limit)

    async def count(self, conversation: Conversation) -> int:
        return await self._store().count_members(conversation)

    async def mark(self, conversation: Conversation, user: str, *, read_seq: int = 0, delivered_seq: int = 0) -> Member:
        delivered_seq = max(read_seq, delivered_seq)  # what was read has arrived
        member = await self._store().mark(conversation, user, read_seq=read_seq, delivered_seq=delivered_seq)
        if member is None:
            raise NotFound(f"{user} is not a member of {conversation.key}")
        self._remember(conversation, user, member)
        marked = Marked(conversation, user, member.read_seq, member.delivered_seq)
        if member.role == "subscriber":
            self._sessions.signal(marked, users=(user,))
        else:
            self.tell(marked, conversation)
        return member

    def tell(self, signal: Signal, conversation: Conversation) -> None:
        """Send a signal live to the members of a conversation, whichever way its kind reaches them."""
        kind = self._kinds().get(conversation.kind)
        if kind is None:
            return
        if kind.attaches_members:
            self._sessions.signal(signal, conversation=conversation)
        else:
            self._sessions.signal(signal, users=dict.fromkeys(kind.initial_members(conversation)))

    def forget(self, conversation: Conversation, users: Sequence[str]) -> None:
        """Drop cached records that the store changed by itself: the members a first message entered."""
        if self._cache:
            for user in users:
                self._cache.pop((conversation, user), None)
