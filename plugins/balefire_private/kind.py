"""The rules of private conversations.

The canonical target is both user ids, sorted, joined by a comma; a person's notes to themselves are ``alice,alice``.
Everything the message path asks is answered from memory once both profiles have been seen.
"""

import re
from collections.abc import Awaitable
from typing import Final

from balefire import (
    USER_ID_PATTERN,
    Audience,
    Conversation,
    Denied,
    InvalidInput,
    LoadingCache,
    Message,
    Submission,
    User,
    Visibility,
)

_USER_ID: Final = re.compile(USER_ID_PATTERN)
_NOT_YOURS: Final = Denied("not_a_member", "this private conversation is between two other people")
_ALL: Final = Visibility()


class PrivateKind:
    """Implements ``ConversationKind``."""

    name = "private"
    is_stored = True
    is_listed = True
    attaches_members = False

    def __init__(self, users: LoadingCache[str, User], blocks: LoadingCache[str, frozenset[str]]) -> None:
        """:param blocks: by user id, whom they have blocked; users who block nobody have an empty set."""
        self._users = users
        self._blocks = blocks

    def resolve(self, target: str, speaker: str) -> str:
        first, comma, second = target.partition(",")
        if not comma:
            second = speaker
        if not _USER_ID.fullmatch(first) or (comma and not _USER_ID.fullmatch(second)):
            raise InvalidInput(
                f"{target!r} names no private conversation; write the other user's id, or both ids joined by a comma",
                where="to",
            )
        return f"{first},{second}" if first <= second else f"{second},{first}"

    def authorize(self, submission: Submission) -> Denied | None | Awaitable[Denied | None]:
        sender = submission.sender
        peer = _peer(submission.conversation.target, sender)
        if peer is None:
            return _NOT_YOURS
        if peer == sender:
            return None
        user, blocked = self._users.peek(peer), self._blocks.peek(peer)
        if user is None or blocked is None:
            return self._authorize_later(peer, submission)
        return _decide(user, blocked, submission)

    async def _authorize_later(self, peer: str, submission: Submission) -> Denied | None:
        user = await self._users.fetch(peer)
        if user is None:
            return Denied("unknown_user", f"there is no user {peer}")
        return _decide(user, await self._blocks.fetch(peer) or frozenset(), submission)

    def audience(self, message: Message) -> Audience:
        users = self.initial_members(message.conversation)
        if message.to:
            users = tuple(user for user in users if message.is_for(user))
        return Audience("users", users)

    async def visibility(self, conversation: Conversation, reader: str) -> Visibility | Denied:
        return _NOT_YOURS if _peer(conversation.target, reader) is None else _ALL

    def initial_members(self, conversation: Conversation) -> tuple[str, ...]:
        first, _, second = conversation.target.partition(",")
        return (first,) if first == second else (first, second)

    def may_recall(self, message: Message, by: str) -> bool:
        return False


def _peer(target: str, user: str) -> str | None:
    """Whom this user talks to there; ``None`` if it is not their conversation."""
    first, _, second = target.partition(",")
    if user == first:
        return second
    return first if user == second else None


def _decide(peer: User, blocked: frozenset[str], submission: Submission) -> Denied | None:
    if submission.origin == "admin":
        return None
    if submission.sender in blocked:
        return Denied("blocked", f"{peer.id} does not take messages from you")
    if peer.is_banned:
        return Denied("user_banned", f"{peer.id} is banned and gets no messages")
    return None
