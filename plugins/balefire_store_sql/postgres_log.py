"""Writes the log on PostgreSQL, where several nodes append: seqs are given out under the conversation's row lock.

One connection of its own does all the writing, one transaction after the other, so this node's ids are committed in
the order they are given out. A session lock on the node's number makes sure that no other process gives out ids with
it, not even one that was killed and whose last transaction the server is still finishing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import msgspec

from balefire import Appended, Conversation, Database, Draft, Event, IdSequence, Message, StorageUnavailable
from balefire_store_sql.batch import Batch, Once, Tally, memorable, number
from balefire_store_sql.log import CHECK_CURSOR
from balefire_store_sql.recent import Recent
from balefire_store_sql.rows import EVENT_COLUMNS, MESSAGE_COLUMNS, event_values, message_from

if TYPE_CHECKING:
    import asyncpg

_ATTEMPTS: Final = 6
"""Repeats cost one, each node that appends the same draft at the same time one more; more than this is a fault."""

_NODE_LOCKS: Final = 7_310_002
"""Class of the advisory locks on node numbers."""

_NODE_LOCK_PATIENCE: Final = "10s"
"""How long to wait for the previous owner of this node's number to go away."""

_NUMBERS: Final = {"id", "conversation_id", "seq", "counted", "at", "flags", "expires_at", "conversation_line"}


def _insert(table: str, names: Sequence[str]) -> str:
    """An ``INSERT`` that takes one array per column."""
    arrays = ", ".join(f"${i}::{'bigint' if name in _NUMBERS else 'text'}[]" for i, name in enumerate(names, 1))
    return f"INSERT INTO {table} ({', '.join(names)}) SELECT * FROM unnest({arrays})"  # noqa: S608


_INSERT_MESSAGES: Final = _insert("store_sql_message", MESSAGE_COLUMNS)
_INSERT_EVENTS: Final = _insert("store_sql_event", EVENT_COLUMNS)
_ADVANCE_CONVERSATIONS: Final = """
    INSERT INTO store_sql_conversation AS c (kind, target, line, last_seq, counted)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
    ON CONFLICT (kind, target, line)
    DO UPDATE SET last_seq = c.last_seq + excluded.last_seq, counted = c.counted + excluded.counted
    RETURNING kind, target, line, id, last_seq, counted, xmax = 0"""
_INSERT_MEMBERS: Final = """
    INSERT INTO store_sql_member (conversation_id, user_id, joined_at, role, alias, visible_from_seq, left_at_seq,
                                  read_seq, delivered_seq, settings)
    SELECT *, 'member', '', 0, 0, 0, 0, '{}' FROM unnest($1::bigint[], $2::text[], $3::bigint[])
    ON CONFLICT DO NOTHING"""
_FIND_MESSAGES: Final = f"""
    SELECT kind, target, line, {", ".join("m." + name for name in MESSAGE_COLUMNS)}
    FROM unnest($1::text[], $2::text[]) AS given (sender, client_message_id)
    JOIN store_sql_message AS m USING (sender, client_message_id)
    JOIN store_sql_conversation AS c ON c.id = m.conversation_id"""  # noqa: S608
_FLOOR: Final = """
    SELECT greatest((SELECT max(id) FROM store_sql_message WHERE (id >> 15 & 127) = $1),
                    (SELECT max(id) FROM store_sql_event WHERE (id >> 15 & 127) = $1), 0)"""
_CHECK: Final = """
    INSERT INTO store_sql_cursor AS c (consumer, node, position) VALUES ($1, $2, 1)
    ON CONFLICT (consumer, node) DO UPDATE SET position = c.position + 1"""


class PostgresLog:
    """Implements ``LogWriter`` with one connection, opened again whenever it is lost."""

    def __init__(self, database: Database, now_ms: Callable[[], int], *, recent_messages: int) -> None:
        self._database = database
        self._ids = IdSequence(database.node, now_ms=now_ms)
        self._recent: Recent[Once, Message] = Recent(recent_messages)
        self._turn = asyncio.Lock()
        self._connection: asyncpg.Connection[Any] | None = None

    async def open(self) -> None:
        """Nothing: the first write connects, so that a new instance may open before the one it replaces closes."""

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def append(self, drafts: Sequence[Draft]) -> list[Appended]:
        import asyncpg

        batch = Batch(drafts, self._recent)
        for _ in range(_ATTEMPTS):
            if not batch.fresh:
                return batch.results()
            try:
                batch.committed(await self._commit(batch))
            except asyncpg.UniqueViolationError:
                batch.repeats(await self._stored(list(batch.fresh)))
            except asyncpg.DeadlockDetectedError:
                continue  # two nodes repeated the same messages in different order; the other one goes first
        raise StorageUnavailable("other nodes keep appending the same messages", retry_after_seconds=1)

    async def append_events(self, events: Sequence[Event]) -> list[Event]:
        async with self._transaction() as connection:
            ids = self._ids.take(len(events))
            stored = [msgspec.structs.replace(event, id=id_) for event, id_ in zip(events, ids, strict=True)]
            if stored:
                await connection.execute(_INSERT_EVENTS, *_by_column([event_values(event) for event in stored]))
        return stored

    async def forget(self, message: Message) -> None:
        self._recent.forget((message.sender, message.client_message_id))

    async def check(self) -> None:
        async with self._transaction() as connection:
            await connection.execute(_CHECK, CHECK_CURSOR, self._database.node)

    async def _commit(self, batch: Batch) -> list[Message]:
        drafts = list(batch.fresh.values())
        async with self._transaction() as connection:
            tallies = await self._advance(connection, drafts)
            messages, rows = number(drafts, tallies, self._ids.take(len(drafts)))
            await connection.execute(_INSERT_MESSAGES, *_by_column(rows))
        self._recent.update(memorable(batch.fresh, messages, rows))
        return messages

    async def _advance(self, connection: Any, drafts: list[Draft]) -> dict[Conversation, Tally]:
        """Give out seqs; the counters as they were before. Locks are taken in key order, so nodes cannot deadlock."""
        firsts: dict[Conversation, Draft] = {}
        wanted: dict[Conversation, Tally] = {}
        for draft in drafts:
            conversation = draft.submission.conversation
            firsts.setdefault(conversation, draft)
            tally = wanted.setdefault(conversation, Tally(0, 0, 0))
            tally.last_seq += 1
            tally.counted += draft.flags & 1
        rows = [(c.kind, c.target, c.line, t.last_seq, t.counted) for c, t in sorted(wanted.items(), key=_by_key)]
        tallies = {}
        members: list[tuple[int, str, int]] = []
        for kind, target, line, id_, last_seq, counted, is_new in await connection.fetch(
            _ADVANCE_CONVERSATIONS, *_by_column(rows)
        ):
            conversation = Conversation(kind, target, line)
            given = wanted[conversation]
            tallies[conversation] = Tally(id_, last_seq - given.last_seq, counted - given.counted)
            if is_new:
                first = firsts[conversation]
                members += [(id_, user, first.at) for user in first.initial_members]
        if members:
            await connection.execute(_INSERT_MEMBERS, *_by_column(members))
        return tallies

    async def _stored(self, keys: list[Once]) -> list[Message]:
        async with self._transaction() as connection:
            found = await connection.fetch(_FIND_MESSAGES, *_by_column(keys))
        messages = []
        for row in found:
            kind, target, line, *values = row
            messages.append(message_from(values, Conversation(kind, target, line)))
        return messages

    # -- the connection ----------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Any]:
        """One transaction on the log's connection; a connection that was lost is replaced by the next call."""
        async with self._turn:
            try:
                connection = await self._connected()
                async with connection.transaction():
                    yield connection
            except BaseException as error:
                explained = self._database.explain(error)
                if isinstance(explained, StorageUnavailable | asyncio.CancelledError):
                    # What the server makes of a transaction that we no longer follow is its own; repeats are safe (I3).
                    self._drop()
                if explained is error:
                    raise
                raise explained from error

    async def _connected(self) -> Any:
        if self._connection is None or self._connection.is_closed():
            connection = await self._database.connect()
            try:
                await self._claim_node(connection)
                self._ids.raise_above(await connection.fetchval(_FLOOR, self._database.node))
            except BaseException:
                connection.terminate()
                raise
            self._connection = connection
        return self._connection

    async def _claim_node(self, connection: Any) -> None:
        import asyncpg

        node = self._database.node
        try:
            await connection.execute(f"SET lock_timeout = '{_NODE_LOCK_PATIENCE}'")
            await connection.execute("SELECT pg_advisory_lock($1::int, $2::int)", _NODE_LOCKS, node)
            await connection.execute("SET lock_timeout = 0")
        except asyncpg.LockNotAvailableError as error:
            raise StorageUnavailable(
                f"node number {node} is in use by another process on this database; give each its own kernel.node"
            ) from error

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def _by_column(rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True))


def _by_key(entry: tuple[Conversation, Tally]) -> Conversation:
    return entry[0]
