"""Membership: a bounded cache over the store's member records, with exact invalidation.

A change is durable first, then visible: cache, attached sessions, event log and the members' clients follow in that
order, so the next message sees it. Changes of one conversation take turns, because each begins with what the one
before it left; read marks do not, and touch nothing but the cursors.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

import msgspec

from balefire_hookspecs import Conversation, InvalidInput, Joined, Left, Marked, Member, NotFound, Role

if TYPE_CHECKING:
    from balefire.event_log import EventLog
    from balefire.sessions import SessionTable
    from balefire_hookspecs import Clock, ConversationKind, Event, MessageStore, Signal

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
        self._loading: dict[Key, object] = {}
        """A mark for each record that is being looked up; taken out when the record changes meanwhile."""
        self._turns: WeakValueDictionary[Conversation, asyncio.Lock] = WeakValueDictionary()

    def get(self, conversation: Conversation, user: str) -> Member | Awaitable[Member | None] | None:
        cached = self._cache.get((conversation, user), UNKNOWN)
        return self._load(conversation, user) if isinstance(cached, _Unknown) else cached

    async def _load(self, conversation: Conversation, user: str) -> Member | None:
        key = (conversation, user)
        while True:
            # Look-ups side by side share one mark: only a change may overtake them, never one another.
            mark = self._loading.setdefault(key, object())
            try:
                member = await self._store().get_member(conversation, user)
                if self._loading.get(key) is mark:
                    return self._remember(key, member)
            finally:
                if self._loading.get(key) is mark:
                    del self._loading[key]
            cached = self._cache.get(key, UNKNOWN)  # the record changed meanwhile, or another look-up was quicker
            if not isinstance(cached, _Unknown):
                return cached

    def _remember(self, key: Key, member: Member | None) -> Member | None:
        self._cache[key] = member
        if len(self._cache) > MAX_CACHED:
            self._cache.popitem(last=False)
        return member

    def _changed(self, member: Member) -> Member:
        """This is in the store now; as cached, with the cursors of marks that came between."""
        key = (member.conversation, member.user)
        self._loading.pop(key, None)
        cached = self._cache.get(key)
        if cached is not None:
            member = _furthest(member, cached)
        self._remember(key, member)
        return member

    def _turn(self, conversation: Conversation) -> asyncio.Lock:
        return self._turns.setdefault(conversation, asyncio.Lock())

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
        async with self._turn(conversation):
            before = {member.user: member for member in await self._records(conversation, users)}
            new = [
                _entering(conversation, user, role, visible_from_seq, self._clock.now_ms(), before.get(user))
                for user in dict.fromkeys(users)
                if user not in before or before[user].role == "removed"
            ]
            if not new:
                return ()
            await self._store().put_members(new)
            for member in new:
                self._changed(member)
                self._sessions.attach(conversation, member.user)
            told = self._emit("member.added", conversation, by, {"users": [m.user for m in new], "role": role})
        await told
        self._announce(new)
        return new

    def _emit(self, kind: str, conversation: Conversation, user: str, data: dict[str, Any]) -> asyncio.Task[Event]:
        """Queued before whose turn is next can queue theirs, so the log has changes in the order they were made."""
        return asyncio.get_running_loop().create_task(
            self._events.emit(kind, conversation=conversation, user=user, data=data)
        )

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
        async with self._turn(conversation):
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
            changed = self._changed(changed)
            told = self._emit("member.updated", conversation, by or user, {"user": user, "role": changed.role})
        await told
        if role is None and alias is None:  # settings are the member's own business
            self._sessions.signal(Joined(changed), users=(user,))
        else:
            self._announce([changed])
        return changed

    async def remove(self, conversation: Conversation, users: Sequence[str], *, by: str = "") -> Sequence[str]:
        async with self._turn(conversation):
            last_seq = await self._store().last_seq(conversation)
            gone = [member for member in await self._records(conversation, users) if member.role != "removed"]
            if not gone:
                return ()
            removed = [msgspec.structs.replace(member, role="removed", left_at_seq=last_seq) for member in gone]
            await self._store().put_members(removed)
            self.forget(conversation, [member.user for member in removed])
            for member in gone:
                left = Left(conversation, member.user)
                if member.role == "subscriber":
                    self._sessions.signal(left, users=(member.user,))
                else:
                    self._sessions.signal(left, conversation=conversation)
                self._sessions.detach(conversation, member.user)
            names = [member.user for member in gone]
            told = self._emit("member.removed", conversation, by, {"users": names})
        await told
        return names

    async def list(self, conversation: Conversation, *, after: str = "", limit: int = 1000) -> Sequence[Member]:
        return await self._store().members(conversation, after=after, limit=limit)

    async def count(self, conversation: Conversation) -> int:
        return await self._store().count_members(conversation)

    async def mark(self, conversation: Conversation, user: str, *, read_seq: int = 0, delivered_seq: int = 0) -> Member:
        delivered_seq = max(read_seq, delivered_seq)  # what was read has arrived
        known = self.get(conversation, user)
        if not isinstance(known, Member | None):
            await known  # only who knows the cursors can tell whether they advance
        member = await self._store().mark(conversation, user, read_seq=read_seq, delivered_seq=delivered_seq)
        if member is None:
            raise NotFound(f"{user} is not a member of {conversation.key}")
        if not self._marked(member):
            return member
        marked = Marked(conversation, user, member.read_seq, member.delivered_seq)
        if member.role == "subscriber":
            self._sessions.signal(marked, users=(user,))
        else:
            self.tell(marked, conversation)
        return member

    def _marked(self, member: Member) -> bool:
        """Cursors went forward, unless this is known already (then: ``False``).

        The rest of the record may be older than what is cached, so nothing else is taken.
        """
        key = (member.conversation, member.user)
        self._loading.pop(key, None)
        cached = self._cache.pop(key, None)
        if cached is None:
            return True
        self._cache[key] = furthest = _furthest(cached, member)
        return (furthest.read_seq, furthest.delivered_seq) != (cached.read_seq, cached.delivered_seq)

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
        """Drop cached records that changed: the next to ask for them asks the store."""
        for user in users:
            self._loading.pop((conversation, user), None)
            self._cache.pop((conversation, user), None)


def _entering(
    conversation: Conversation, user: str, role: Role, visible_from_seq: int, now: int, before: Member | None
) -> Member:
    """A new member; one who was here before goes on where they had read to, as in the store."""
    return Member(
        conversation=conversation,
        user=user,
        role=role,
        visible_from_seq=visible_from_seq,
        read_seq=before.read_seq if before is not None else 0,
        delivered_seq=before.delivered_seq if before is not None else 0,
        joined_at=now,
    )


def _furthest(member: Member, other: Member) -> Member:
    """The member, with the cursors that are further on."""
    if other.read_seq <= member.read_seq and other.delivered_seq <= member.delivered_seq:
        return member
    return msgspec.structs.replace(
        member,
        read_seq=max(member.read_seq, other.read_seq),
        delivered_seq=max(member.delivered_seq, other.delivered_seq),
    )
