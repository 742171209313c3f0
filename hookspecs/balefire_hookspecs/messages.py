"""Conversations, payloads, submissions and messages: the values that travel the message path.

They are msgspec Structs: as frozen as dataclasses, several times faster to build and to encode. Being JSON-shaped they
cannot form cycles, so the garbage collector is told to leave them alone (``gc=False``).
Times are integer milliseconds since the epoch, UTC. Ids of messages and events are 63-bit integers inside and
decimal strings in JSON (I10).
"""

from collections.abc import Awaitable, Sequence
from enum import IntFlag
from typing import Any, Final, Literal, Protocol, runtime_checkable

import msgspec

from balefire_hookspecs.errors import Denied

MENTION_ALL: Final = "*"
"""In ``Payload.mentions``: everybody in the conversation."""

Origin = Literal["user", "admin", "robot", "channel"]
"""Who speaks. Decides which checks apply; see the domain rules, section 5.2."""


class Conversation(msgspec.Struct, frozen=True, order=True, gc=False):
    """Names a conversation: kind, canonical target and line.

    The canonical target of a private conversation is both user ids, sorted, joined by a comma; of a group or
    channel its id; of a follower's thread with a channel ``<channel>,<user>``. ``line`` partitions one relationship
    into independent threads.
    """

    kind: str
    target: str
    line: int = 0

    @property
    def key(self) -> str:
        """The text form used in APIs: ``group/team`` or, on another line than 0, ``group/team#2``."""
        return f"{self.kind}/{self.target}#{self.line}" if self.line else f"{self.kind}/{self.target}"


class Payload(msgspec.Struct, frozen=True, gc=False):
    """What is said: a content type and its fields.

    ``fields`` is JSON-shaped and must satisfy the content type's schema. ``mentions`` holds user ids, or
    ``MENTION_ALL``. ``push_text`` replaces the content type's digest on lock screens.
    """

    type: str
    fields: dict[str, Any] = {}
    mentions: tuple[str, ...] = ()
    push_text: str = ""


class Submission(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A payload that someone asks to send.

    ``client_message_id`` (1 to 64 characters) makes the request idempotent per sender (I3). ``to`` narrows the
    audience to some members of the conversation. ``expires_after_ms``: nobody is shown it later than that; 0 = never.
    ``session_id`` is the session it came through ("" if none): that session gets the acknowledgement, not a copy.
    """

    sender: str
    conversation: Conversation
    payload: Payload
    client_message_id: str
    origin: Origin = "user"
    to: tuple[str, ...] = ()
    expires_after_ms: int = 0
    session_id: str = ""


class MessageFlags(IntFlag):
    COUNTED = 1
    """Raises the unread figure."""
    RECALLED = 2
    """The payload has been replaced by a recall notice; id and seq are those of the original."""
    EDITED = 4


# Plain numbers: operations on flags make enum members, which costs more than the rest of what a consumer does.
_COUNTED: Final = MessageFlags.COUNTED.value
_RECALLED: Final = MessageFlags.RECALLED.value


class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A submission that was accepted. Durable once you see it, unless ``seq`` is 0.

    ``seq`` counts 1, 2, 3 … in its conversation (I2). Transient content (typing, streaming) is delivered live with
    ``seq`` 0 and never stored. ``id`` rises with commit order on each node.
    """

    id: int
    conversation: Conversation
    seq: int
    sender: str
    client_message_id: str
    payload: Payload
    at: int
    origin: Origin = "user"
    to: tuple[str, ...] = ()
    expires_at: int = 0
    flags: int = 0

    @property
    def is_counted(self) -> bool:
        return self.flags & _COUNTED != 0

    @property
    def is_recalled(self) -> bool:
        return self.flags & _RECALLED != 0

    def is_for(self, user: str) -> bool:
        """Whether this user, a member of the conversation, may see it."""
        return not self.to or user == self.sender or user in self.to


class Allowed(msgspec.Struct, frozen=True):
    """Verdict: send it; no further policy is asked."""


class Dropped(msgspec.Struct, frozen=True):
    """Verdict: acknowledge it to the sender and discard it silently. ``reason`` is for the audit log only."""

    reason: str


Verdict = Allowed | Dropped | Denied


class Audience(msgspec.Struct, frozen=True, gc=False):
    """Who gets a message: the conversation's members, everybody with an account, or exactly some users.

    Members are delivered to through the sessions attached to the conversation, so the cost follows the number of
    people online, not the number of members (I5).
    """

    scope: Literal["members", "users", "everyone"]
    users: tuple[str, ...] = ()


MEMBERS: Final = Audience("members")
EVERYONE: Final = Audience("everyone")


class Visibility(msgspec.Struct, frozen=True):
    """Which part of a conversation a reader may see: seq numbers ``from_seq`` to ``to_seq`` inclusive; 0 = no bound."""

    from_seq: int = 0
    to_seq: int = 0


class ConversationKind(Protocol):
    """Rules of one kind of conversation (private, group, chatroom, channel …).

    Called concurrently and on the message path: answer from memory where possible. A method may return its answer or
    an awaitable of it; an answer that needs no waiting keeps the sender's message on the fast path.
    """

    name: str

    is_stored: bool
    """False: messages are delivered live and never written (a memory-only chatroom)."""

    is_listed: bool
    """Whether it appears in a member's conversation list and is synchronised after absence."""

    attaches_members: bool
    """Whether sessions are attached to their user's conversations of this kind, so that the audience "members" and
    signals reach them. False where the audience is always named users (private): saves the attachments."""

    def resolve(self, target: str, speaker: str) -> str:
        """The canonical target for what ``speaker`` calls ``target`` ("bob" to alice is "alice,bob").

        Pure and quick; called for every submission and every history request.

        :raises InvalidInput: this can be no target of this kind.
        """

    def authorize(self, submission: Submission) -> Denied | None | Awaitable[Denied | None]:
        """May the sender speak here? ``None`` allows (design §3, step 2).

        For origin "admin" refuse only what cannot be: a conversation or peer that does not exist.
        """

    def audience(self, message: Message) -> Audience | Awaitable[Audience]:
        """Who gets this message, the sender's other sessions included. Called once per message, after storing."""

    def visibility(self, conversation: Conversation, reader: str) -> Awaitable[Visibility | Denied]:
        """Which part of the history this user may read."""

    def initial_members(self, conversation: Conversation) -> Sequence[str]:
        """Users to enter as members when the first message creates the conversation (private: both); else empty."""

    def may_recall(self, message: Message, by: str) -> bool | Awaitable[bool]:
        """May this user take back somebody else's message, or their own after the time limit (domain rules 5.13)?

        Not asked for authors within the limit, nor for origin "admin".
        """


@runtime_checkable
class Redirecting(Protocol):
    """A conversation kind that may move a message to another of its conversations before anything is decided.

    A follower who writes to a channel writes into a thread of their own, for instance.
    """

    def redirect(self, submission: Submission) -> Submission:
        """The submission as it shall go on; the same object when it stays where it was addressed.

        Pure and quick, answered from memory; called for every submission of this kind, whatever its origin.
        """


@runtime_checkable
class Titled(Protocol):
    """A conversation kind whose conversations have names that people gave them: lists and notifications show them."""

    def title(self, conversation: Conversation) -> str | Awaitable[str]:
        """The name, or "" if it has none. Called for every message that is pushed: answer from memory if possible."""


class ContentType(Protocol):
    """One sort of payload: its schema, its one-line digest, and how it is kept."""

    name: str

    number: int
    """The reference protocol's type number, for dialects; 0 if it has none (domain rules, section 6)."""

    is_counted: bool
    is_stored: bool

    sent_by_server_only: bool
    """Recall notices, group notices and the like: refused from users, robots and channels."""

    def check(self, fields: dict[str, Any]) -> None:
        """Validate the fields of a payload.

        :raises InvalidInput: with ``where`` naming the field.
        """

    def digest(self, payload: Payload, language: str) -> str:
        """One line for lists and notifications, at most 200 characters, in this language ("zh", "en")."""
