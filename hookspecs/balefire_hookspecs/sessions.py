"""Live connections: what a gateway hands the kernel, and what the kernel hands a gateway."""

from collections.abc import Awaitable, Iterable, Sequence
from typing import Protocol

import msgspec

from balefire_hookspecs.identity import Identity
from balefire_hookspecs.messages import Conversation, Message, Submission
from balefire_hookspecs.storage import Member


class Hole(msgspec.Struct, frozen=True):
    """This seq exists and is not for you (a message directed at others): advance, do not ask for it."""

    conversation: Conversation
    seq: int


class Typing(msgspec.Struct, frozen=True):
    conversation: Conversation
    user: str
    is_typing: bool = True


class Presence(msgspec.Struct, frozen=True):
    user: str
    is_online: bool
    platforms: tuple[str, ...] = ()


class Marked(msgspec.Struct, frozen=True):
    """Someone's read or delivered cursor advanced."""

    conversation: Conversation
    user: str
    read_seq: int
    delivered_seq: int


class Replaced(msgspec.Struct, frozen=True):
    """A message was recalled or edited; ``message`` is its present form."""

    message: Message


class Joined(msgspec.Struct, frozen=True):
    """The session's user became a member of a conversation, or their record changed."""

    member: Member


class Left(msgspec.Struct, frozen=True):
    conversation: Conversation
    user: str


class Custom(msgspec.Struct, frozen=True):
    """A plugin's own signal; ``kind`` is ``<plugin>.<past participle>``, ``data`` is JSON-shaped."""

    kind: str
    data: dict[str, object] = {}


Signal = Hole | Typing | Presence | Marked | Replaced | Joined | Left | Custom
Delivery = Message | Signal


class Representation(Protocol):
    """One wire form of deliveries (native protocol version 1 in JSON, say). Stateless, shared by many sessions.

    The kernel encodes a delivery once per representation and hands the same bytes to every session that uses it.
    Frames of one representation may be concatenated.
    """

    def encode(self, delivery: Delivery) -> bytes:
        """The delivery as bytes ready for the socket; ``b""`` if this representation has no form for it."""


class Connection(Protocol):
    """The gateway's end of a session. The kernel calls it from the event loop; nothing here may block or raise."""

    @property
    def representation(self) -> Representation: ...

    def write(self, frames: bytes) -> None:
        """Queue bytes made by ``representation.encode``, to be sent in order and merged per turn of the loop.

        Bounded: when the peer does not read, the gateway discards and later tells it to synchronise again.
        """

    def close(self, code: str, reason: str) -> None:
        """Tell the peer why and close: ``token_expired``, ``token_revoked``, ``replaced``, ``draining`` …"""


class Session(Protocol):
    """One live connection of a user's client."""

    @property
    def id(self) -> str: ...

    @property
    def identity(self) -> Identity: ...

    @property
    def platform(self) -> str: ...


class Acknowledgement(Protocol):
    """Called exactly once on the event loop when a submission is decided: with the message, or with the error.

    For a submission that a policy dropped silently the message has ``seq`` 0 and is stored nowhere.
    """

    def __call__(self, message: Message | None, error: Exception | None, /) -> None: ...


class Sessions(Protocol):
    """The kernel's table of live sessions on this node."""

    async def open(self, identity: Identity, connection: Connection, *, platform: str) -> Session:
        """Register a session and attach it to its user's conversations; deliveries may start before this returns."""

    def close(self, session: Session) -> None:
        """Forget a session whose connection is gone. Closing twice is no error."""

    def offer(self, submission: Submission, done: Acknowledgement) -> None:
        """Submit without a task: the message path as gateways use it. Returns at once; ``done`` is called later.

        Submissions offered one after another with the same ``session_id`` are stored in that order.
        """

    def is_online(self, user: str) -> bool:
        """Whether the user has a live session on this node."""

    def platforms(self, user: str) -> Sequence[str]:
        """The platforms of the user's live sessions."""

    def signal(self, signal: Signal, *, users: Iterable[str] = (), conversation: Conversation | None = None) -> None:
        """Send a signal live to the sessions of these users, or to everyone attached to the conversation."""

    def watch(self, session: Session, users: Sequence[str]) -> None:
        """Tell this session when these users come and go; replaces the previous list. At most 500 users."""

    def disconnect(self, user: str, code: str, reason: str, *, credential_id: str = "") -> int:
        """Close the user's sessions (all, or those opened with one credential); how many there were."""

    def count(self) -> int:
        """How many sessions are open on this node."""


class Gateway(Protocol):
    """Speaks a client protocol. Its routes or listeners are opened by its plugin; the kernel drains it at stop."""

    name: str

    def drain(self, spread_seconds: float) -> Awaitable[None]:
        """Ask clients to reconnect elsewhere within the spread, then close. Called once, at stop."""
