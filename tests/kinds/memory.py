"""Stands for what a kind asks its surroundings: members and profiles, known at once or only after a wait."""

from collections.abc import Awaitable, Iterable
from typing import Any, cast

from balefire import Conversation, LoadingCache, Member, Members, Payload, Role, Submission
from balefire.testing import TestClock


class KnownMembers:
    """Answers ``Members.get`` from a table; with ``is_slow`` as an awaitable, as an empty cache does."""

    def __init__(self, *, is_slow: bool = False) -> None:
        self.is_slow = is_slow
        self._members: dict[tuple[Conversation, str], Member] = {}

    def enter(self, conversation: Conversation, user: str, role: Role = "member", visible_from_seq: int = 0) -> None:
        member = Member(conversation=conversation, user=user, role=role, visible_from_seq=visible_from_seq)
        self._members[conversation, user] = member

    def get(self, conversation: Conversation, user: str) -> Member | Awaitable[Member | None] | None:
        return self._later(conversation, user) if self.is_slow else self._members.get((conversation, user))

    async def _later(self, conversation: Conversation, user: str) -> Member | None:
        return self._members.get((conversation, user))

    def as_members(self) -> Members:
        """The same object for who wants the whole protocol; only ``get`` answers."""
        return cast(Members, self)


def cache(values: dict[str, Any], clock: TestClock | None = None, **options: Any) -> LoadingCache[str, Any]:
    """A cache over a dictionary that the test may go on changing."""

    async def load(key: str) -> Any:
        return values.get(key)

    return LoadingCache(load, clock or TestClock(), **options)


def text_of(sender: str, conversation: Conversation, *, to: Iterable[str] = (), origin: Any = "user") -> Submission:
    return Submission(
        sender=sender,
        conversation=conversation,
        payload=Payload("text", {"text": "hello"}),
        client_message_id="1",
        to=tuple(to),
        origin=origin,
    )
