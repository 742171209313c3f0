"""The message store: the log of messages and events, conversations, members, devices and cursors.

A store is the only durable thing on the message path. Everything here is asynchronous, called concurrently from one
event loop, and either happened durably when it returns or raised. Writers raise StorageFull or StorageUnavailable
when they cannot; the same call may then be repeated.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar

import msgspec

from balefire_hookspecs.identity import Device
from balefire_hookspecs.messages import Conversation, Message, Payload, Submission

T = TypeVar("T")

Role = Literal["owner", "manager", "member", "muted", "allowed", "subscriber", "removed"]


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A submission ready to be appended: checked, with its flags decided.

    ``initial_members`` are entered when this message creates its conversation.
    """

    submission: Submission
    at: int
    flags: int = 0
    initial_members: tuple[str, ...] = ()


class Appended(msgspec.Struct, frozen=True, gc=False):
    """What became of a draft. ``is_new`` is false when (sender, client_message_id) was known: ``message`` is the
    one stored then (I3)."""

    message: Message
    is_new: bool


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A user's place in a conversation.

    ``visible_from_seq``: history before it is hidden. ``left_at_seq``: for role "removed", the last seq they may
    have seen. ``read_seq`` and ``delivered_seq`` are cursors (I5). ``settings`` are the member's own (``muted``,
    ``pinned`` …), opaque to the store.
    """

    conversation: Conversation
    user: str
    role: Role = "member"
    alias: str = ""
    visible_from_seq: int = 0
    left_at_seq: int = 0
    read_seq: int = 0
    delivered_seq: int = 0
    settings: dict[str, Any] = {}
    joined_at: int = 0


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a user's conversation list. ``unread`` counts counted messages of others after ``read_seq``."""

    conversation: Conversation
    last_seq: int
    unread: int
    member: Member
    last_message: Message | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry of the event log: a stored message (kind "message.stored", with ``message`` set), or anything else.

    ``id`` rises along one node's log and is the cursor position; consumers use it as the idempotency key of what
    they do (I7). ``data`` is JSON-shaped. Kinds in use: ``message.stored``, ``message.recalled``,
    ``message.edited``, ``member.added``, ``member.updated``, ``member.removed``, ``marked.read``,
    ``channel.subscribed``, ``channel.unsubscribed``, ``device.registered``, ``device.token_gone``, and any
    ``<plugin>.<past participle>`` of a plugin's own.
    """

    id: int
    kind: str
    at: int
    conversation: Conversation | None = None
    user: str = ""
    data: dict[str, Any] = {}
    message: Message | None = None


class EventConsumer(Protocol):
    """Reads the event log at its own pace from its own durable cursor (I7).

    ``name`` is the cursor's key and must never change. The kernel calls ``consume`` with one batch at a time, in
    log order, and saves the cursor after it returned; after a crash the last batch may come again. An exception
    repeats the same batch after a pause that grows to a minute, and shows in ``/readyz``.
    """

    name: str

    async def consume(self, events: Sequence[Event]) -> None:
        """Act on 1 to 1 000 consecutive events. Effects must be idempotent under ``event.id``."""


class MessageStore(Protocol):
    """The log and what hangs on it. See the module text for the rules that hold for every method."""

    name: str

    # -- the log -----------------------------------------------------------------------------------------------

    async def append(self, drafts: Sequence[Draft]) -> Sequence[Appended]:
        """Append drafts in order, in one transaction; allocate ids and seqs. The result is aligned with the input.

        Called by one task at a time with 1 to 1 000 drafts. A draft whose (sender, client_message_id) was appended
        before, or stands earlier in this very batch, takes no seq and yields the stored message. Unknown
        conversations are created.
        """

    async def replace_payload(self, message_id: int, payload: Payload, flags: int) -> Message | None:
        """Overwrite what a message says (recall, edit), keeping id, seq and time; ``None`` if there is no such one."""

    async def get_message(self, message_id: int) -> Message | None:
        """One message by id."""

    async def history(
        self,
        conversation: Conversation,
        *,
        after_seq: int = 0,
        before_seq: int = 0,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Sequence[Message]:
        """Messages with ``after_seq < seq < before_seq`` (0 = unbounded), at most ``limit`` (1 to 1 000)."""

    async def last_seq(self, conversation: Conversation) -> int:
        """The highest seq given out; 0 if the conversation does not exist."""

    # -- members -----------------------------------------------------------------------------------------------

    async def put_members(self, members: Sequence[Member]) -> None:
        """Insert or replace members, creating the conversation when needed. ``read_seq`` and ``delivered_seq`` of
        existing rows are kept; ``visible_from_seq`` is taken as given."""

    async def get_member(self, conversation: Conversation, user: str) -> Member | None:
        """The member record, also of a removed one."""

    async def get_members(self, conversation: Conversation, users: Sequence[str]) -> Sequence[Member]:
        """The records of these users, at most 10 000, that exist; also of removed ones. In no particular order."""

    async def members(
        self,
        conversation: Conversation,
        *,
        after: str = "",
        limit: int = 1000,
        include_removed: bool = False,
        only_reachable: bool = False,
    ) -> Sequence[Member]:
        """Members in user-id order, one page. ``only_reachable``: those with a push token on some device, found
        without reading the others: a channel's hundred thousand subscribers may have a handful of phones."""

    async def count_members(self, conversation: Conversation) -> int:
        """How many are not removed."""

    async def memberships(self, user: str, *, kinds: Sequence[str] = ()) -> Sequence[Conversation]:
        """Every conversation the user is in (not removed), optionally of some kinds."""

    async def summaries(self, user: str, *, after: str = "", limit: int = 100) -> Sequence[Summary]:
        """The user's conversations in key order after ``after``, one page, with unread figures."""

    async def mark(
        self, conversation: Conversation, user: str, *, read_seq: int = 0, delivered_seq: int = 0
    ) -> Member | None:
        """Advance cursors (never back, never past last_seq); the record afterwards, ``None`` if not a member."""

    # -- devices -----------------------------------------------------------------------------------------------

    async def put_device(self, device: Device) -> None:
        """Insert or replace by (user, id). A push token belongs to one device: it is taken away from any other."""

    async def devices(self, users: Sequence[str]) -> Mapping[str, Sequence[Device]]:
        """The devices of up to 1 000 users."""

    async def forget_device(self, user: str, device_id: str) -> None:
        """Remove an installation."""

    async def forget_token(self, vendor: str, token: str, *, registered_before: int) -> Device | None:
        """Blank a push token a vendor rejected, unless it was registered again at or after that time (ms)."""

    # -- events and cursors ------------------------------------------------------------------------------------

    async def append_events(self, events: Sequence[Event]) -> Sequence[Event]:
        """Append events other than messages; returns them with ids. Given ids are ignored."""

    async def read_log(self, *, after: int, limit: int = 1000) -> Sequence[Event]:
        """Messages and events of this node with id > ``after``, in id order. Only what is durable, without gaps:
        nothing with a lower id will appear later."""

    async def last_event_id(self) -> int:
        """The highest id in the log; 0 when it is empty."""

    async def load_cursor(self, consumer: str) -> int | None:
        """The saved position; ``None`` if this consumer never ran."""

    async def save_cursors(self, positions: Mapping[str, int]) -> None:
        """Save positions, several consumers at once."""

    async def check(self) -> None:
        """Prove that a write would succeed now.

        :raises StorageUnavailable: with the reason, for ``/readyz`` and ``balefire doctor``.
        """


class Connectable(Protocol):
    """What ``Database.read`` and ``Database.write`` give: SQLAlchemy's ``AsyncConnection``, in a transaction."""

    async def execute(self, statement: Any, parameters: Any = None) -> Any:
        """Run a SQLAlchemy Core statement."""


class Database(Protocol):
    """The SQL database the platform runs on, for the tables a plugin owns.

    A plugin describes tables with SQLModel, names them ``<plugin>_<table>``, and ships an Alembic history in a
    ``migrations`` package named in its ``Manifest``; the kernel applies it before ``lifespan``.
    """

    dialect: Literal["sqlite", "postgresql"]

    node: int
    """This process's number among those that share the database (0 to 127); part of every id it gives out."""

    def read(self) -> Any:
        """``async with database.read() as connection``: a read-only transaction that sees one moment."""

    def write(self) -> Any:
        """``async with database.write() as connection``: one transaction, committed on leaving, rolled back on error.

        On SQLite writers queue fairly; keep it short and await nothing but the database inside.
        """

    async def query(self, work: Callable[[Any], T]) -> T:
        """Run a plain function over a read-only transaction, as ``read``; the quick way on SQLite.

        :param work: given a SQLAlchemy ``Connection`` (not an async one), in another thread on SQLite; touches
            nothing else that changes. What it returns must not need the connection any more: rows, not results.
        """

    async def change(self, work: Callable[[Any], T]) -> T:
        """Run a plain function over one transaction, as ``write``; the quick way on SQLite. ``work`` as in ``query``;
        it commits when it returns and rolls back when it raises."""

    def exclusive(self) -> Any:
        """``async with database.exclusive()``: the writers' queue that ``write`` waits in, for writing through a
        connection of your own. On PostgreSQL, which needs no such queue, it is free at once."""

    async def connect(self) -> Any:
        """Open a driver connection for work too hot for SQLAlchemy; the caller closes it.

        :returns: a ``sqlite3.Connection`` (autocommit, usable by one thread at a time), or an ``asyncpg.Connection``.
        :raises StorageUnavailable: the database does not answer.
        """

    def explain(self, error: BaseException) -> BaseException:
        """What a driver's or SQLAlchemy's error means here: StorageFull or StorageUnavailable when repeating the
        call later may help, InvalidInput for a text with NUL where the database has none (PostgreSQL), otherwise the
        error itself. ``read`` and ``write`` have done so already."""


EventStream = AsyncIterator[Event]
