"""Reads the log: single messages, history, and messages and events merged in id order."""

from collections.abc import Sequence
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection, Integer, bindparam, func, literal_column, select

from balefire import Conversation, Database, Event, Message
from balefire_store_sql.rows import event_from, message_from
from balefire_store_sql.statements import conversation_table, is_named, named, named_id
from balefire_store_sql.tables import EventRow, MessageRow, columns

messages = columns(MessageRow)
events = columns(EventRow)

_with_conversation = select(
    conversation_table.c.kind, conversation_table.c.target, conversation_table.c.line, *messages.c
).join_from(messages, conversation_table, conversation_table.c.id == messages.c.conversation_id)
_one = _with_conversation.where(messages.c.id == bindparam("wanted"))
_last_seq = select(conversation_table.c.last_seq).where(is_named)
_page = (
    select(messages)
    .where(
        messages.c.conversation_id == named_id,
        messages.c.seq > bindparam("after_seq"),
        messages.c.seq < bindparam("before_seq"),
    )
    .limit(bindparam("count", type_=Integer))
)
_oldest_first = _page.order_by(messages.c.seq)
_newest_first = _page.order_by(messages.c.seq.desc())

_NO_SEQ: Final = 2**62
"""Higher than any seq: no bound."""


class LogReader:
    """The reading half of the log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_message(self, message_id: int) -> Message | None:
        row = await self._database.query(lambda connection: connection.execute(_one, {"wanted": message_id}).first())
        return None if row is None else message_with_conversation(row)

    async def history(
        self, conversation: Conversation, *, after_seq: int, before_seq: int, limit: int, newest_first: bool
    ) -> list[Message]:
        query = _newest_first if newest_first else _oldest_first
        bounds = {"after_seq": after_seq, "before_seq": before_seq or _NO_SEQ, "count": limit, **named(conversation)}
        return await self._database.query(
            lambda connection: [message_from(row, conversation) for row in connection.execute(query, bounds)]
        )

    async def last_seq(self, conversation: Conversation) -> int:
        return await self._database.query(
            lambda connection: connection.execute(_last_seq, named(conversation)).scalar() or 0
        )

    async def read_log(self, *, after: int, limit: int) -> list[Event]:
        """One transaction sees one moment, so what it does not see has higher ids than all that it sees."""
        said = _with_conversation.where(messages.c.id > after, *self._of_this_node(messages))
        done = select(events).where(events.c.id > after, *self._of_this_node(events))

        def read(connection: Connection) -> list[Event]:
            rows = connection.execute(said.order_by(messages.c.id).limit(limit))
            stored = [stored_event(message_with_conversation(row)) for row in rows]
            others = map(event_from, connection.execute(done.order_by(events.c.id).limit(limit)))
            return list(islice(merge(stored, others, key=attrgetter("id")), limit))

        return await self._database.query(read)

    async def last_event_id(self) -> int:
        queries = [select(func.max(table.c.id)).where(*self._of_this_node(table)) for table in (messages, events)]
        return await self._database.query(
            lambda connection: max(connection.execute(query).scalar() or 0 for query in queries)
        )

    def _of_this_node(self, table: Any) -> list[Any]:
        """On SQLite one process writes the log, whatever number it has been given over time."""
        if self._database.dialect == "sqlite":
            return []
        # Written exactly as in the index that it is to be looked up in.
        return [literal_column(f"({table.name}.id >> 15 & 127)") == self._database.node]


def message_with_conversation(row: Sequence[Any]) -> Message:
    """A message from a row that begins with its conversation's kind, target and line."""
    kind, target, line, *values = row
    return message_from(values, Conversation(kind, target, line))


def stored_event(message: Message) -> Event:
    """A message as the event that it is."""
    return Event(
        id=message.id,
        kind="message.stored",
        at=message.at,
        conversation=message.conversation,
        user=message.sender,
        message=message,
    )
