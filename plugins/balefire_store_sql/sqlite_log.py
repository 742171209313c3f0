"""Writes the log on SQLite, where this process is the only writer: counters live in memory, a batch is one commit.

Optimistic: a batch is inserted as if nothing in it were known, and a violated unique index says otherwise. Memory is
touched only after the commit, so a failed one leaves it as it was.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec

from balefire import Appended, Conversation, Draft, Event, IdSequence, Message, StorageUnavailable
from balefire_store_sql.batch import Batch, Once, Tally, memorable, number
from balefire_store_sql.bulk import Bulk
from balefire_store_sql.log import CHECK_CURSOR
from balefire_store_sql.recent import Recent
from balefire_store_sql.rows import EVENT_COLUMNS, MESSAGE_COLUMNS, event_values, message_from

_ATTEMPTS: Final = 4
"""Repeats cost one, another process writing the same file one more; more than this is a fault."""

_CACHE_KIB: Final = 64 * 1024

_INSERT_MESSAGES: Final = Bulk.insert("store_sql_message", MESSAGE_COLUMNS)
_INSERT_EVENTS: Final = Bulk.insert("store_sql_event", EVENT_COLUMNS)
_INSERT_MEMBERS: Final = Bulk(
    "INSERT INTO store_sql_member (conversation_id, user_id, joined_at, role, alias, visible_from_seq, left_at_seq,"
    " read_seq, delivered_seq, settings) SELECT column1, column2, column3, 'member', '', 0, 0, 0, 0, '{}' FROM (",
    3,
    ") WHERE true ON CONFLICT DO NOTHING",
)
_PUT_CONVERSATIONS: Final = Bulk.insert(
    "store_sql_conversation",
    ("id", "kind", "target", "line", "last_seq", "counted"),
    "ON CONFLICT (id) DO UPDATE SET last_seq = excluded.last_seq, counted = excluded.counted",
)
_FIND_CONVERSATIONS: Final = Bulk(
    "SELECT kind, target, line, id, last_seq, counted FROM (",
    3,
    ") AS given CROSS JOIN store_sql_conversation"
    " WHERE kind = given.column1 AND target = given.column2 AND line = given.column3",
)
_FIND_MESSAGES: Final = Bulk(
    f"SELECT kind, target, line, {', '.join('m.' + name for name in MESSAGE_COLUMNS)} FROM (",  # noqa: S608
    2,
    ") AS given CROSS JOIN store_sql_message AS m JOIN store_sql_conversation AS c ON c.id = m.conversation_id"
    " WHERE m.sender = given.column1 AND m.client_message_id = given.column2",
)


class SqliteLog:
    """The log itself, synchronous: used by one thread at a time, of this process or of one of its own."""

    def __init__(self, node: int, now_ms: Callable[[], int], *, recent_messages: int, conversations: int) -> None:
        self._ids = IdSequence(node, now_ms=now_ms)
        self._recent: Recent[Once, Message] = Recent(recent_messages)
        self._tallies: Recent[Conversation, Tally] = Recent(conversations)
        self._connection: sqlite3.Connection

    def open(self, connection: sqlite3.Connection) -> None:
        """Write over this connection."""
        self._connection = connection
        # Indexes are written all over: their pages should be in memory when they are.
        self._connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._learn_floor()

    def close(self) -> None:
        self._connection.close()

    def forget(self, message: Message) -> None:
        self._recent.forget((message.sender, message.client_message_id))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def append(self, drafts: Sequence[Draft]) -> list[Appended]:
        batch = Batch(drafts, self._recent)
        for _ in range(_ATTEMPTS):
            if not batch.fresh:
                return batch.results()
            try:
                batch.committed(self._commit(batch))
            except sqlite3.IntegrityError:
                if not batch.repeats(self._stored(list(batch.fresh))):
                    # Nothing in the batch is known, so what this process remembers is out of date.
                    self._tallies.clear()
                    self._learn_floor()
        raise StorageUnavailable("another process keeps writing to the same database file")

    def _commit(self, batch: Batch) -> list[Message]:
        drafts = batch.fresh.values()
        with self._transaction():
            tallies = self._tallies_of({draft.submission.conversation: draft for draft in reversed(drafts)})
            messages, rows = number(drafts, tallies, self._ids.take(len(drafts)))
            _PUT_CONVERSATIONS.run(
                self._connection,
                [(t.id, c.kind, c.target, c.line, t.last_seq, t.counted) for c, t in tallies.items()],
            )
            _INSERT_MESSAGES.run(self._connection, rows)
        self._tallies.update(tallies)
        self._recent.update(memorable(batch.fresh, messages, rows))
        return messages

    def _tallies_of(self, firsts: dict[Conversation, Draft]) -> dict[Conversation, Tally]:
        """Counters to work on, of each conversation; those of new ones, with their members entered."""
        tallies: dict[Conversation, Tally] = {}
        unknown = []
        for conversation in firsts:
            known = self._tallies.get(conversation)
            if known is None:
                unknown.append(conversation)
            else:
                tallies[conversation] = Tally(known.id, known.last_seq, known.counted)
        if unknown:
            keys = [(c.kind, c.target, c.line) for c in unknown]
            for kind, target, line, *counters in _FIND_CONVERSATIONS.run(self._connection, keys):
                tallies[Conversation(kind, target, line)] = Tally(*counters)
            self._create([c for c in unknown if c not in tallies], tallies, firsts)
        return tallies

    def _create(
        self, new: list[Conversation], tallies: dict[Conversation, Tally], firsts: dict[Conversation, Draft]
    ) -> None:
        if not new:
            return
        (highest,) = self._connection.execute("SELECT coalesce(max(id), 0) FROM store_sql_conversation").fetchone()
        members = []
        for id_, conversation in enumerate(new, highest + 1):
            tallies[conversation] = Tally(id_, 0, 0)
            draft = firsts[conversation]
            members += [(id_, user, draft.at) for user in draft.initial_members]
        _INSERT_MEMBERS.run(self._connection, members)

    def _stored(self, keys: list[Once]) -> list[Message]:
        found = list(_FIND_MESSAGES.run(self._connection, keys))
        rows = [row[3:] for row in found]
        messages = [message_from(row, Conversation(*place[:3])) for row, place in zip(rows, found, strict=True)]
        said = [(message.sender, message.client_message_id) for message in messages]
        self._recent.update(memorable(said, messages, rows))
        return messages

    def append_events(self, events: Sequence[Event]) -> list[Event]:
        with self._transaction():
            ids = self._ids.take(len(events))
            stored = [msgspec.structs.replace(event, id=id_) for event, id_ in zip(events, ids, strict=True)]
            _INSERT_EVENTS.run(self._connection, [event_values(event) for event in stored])
        return stored

    def check(self) -> None:
        with self._transaction():
            self._connection.execute(
                "INSERT INTO store_sql_cursor (consumer, node, position) VALUES (?, 0, 1)"
                " ON CONFLICT (consumer, node) DO UPDATE SET position = position + 1",
                (CHECK_CURSOR,),
            )

    def _learn_floor(self) -> None:
        (floor,) = self._connection.execute(
            "SELECT max((SELECT coalesce(max(id), 0) FROM store_sql_message),"
            " (SELECT coalesce(max(id), 0) FROM store_sql_event))"
        ).fetchone()
        self._ids.raise_above(floor)
