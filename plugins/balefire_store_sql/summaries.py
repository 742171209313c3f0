"""A user's conversation list with unread figures."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Integer, String, and_, bindparam, case, cast, func, literal, not_, or_, select

from balefire import Conversation, Database, Member, Message, MessageFlags, Summary
from balefire_store_sql.membership import members
from balefire_store_sql.reading import messages
from balefire_store_sql.rows import json_of, member_from, message_from
from balefire_store_sql.statements import conversation_table, greatest, position_in

_WINDOW: Final = 1000
"""At most so many messages of a conversation are looked at for those that do not count for this reader. Beyond it the
figure may be too high, where clients show "999+" anyway."""

_LOOK_BACK: Final = 50
"""How far back to look for the newest message that is for this reader, when the last ones are directed at others
or have expired."""

_row = conversation_table.c
_key = (
    _row.kind
    + literal("/")
    + _row.target
    + case((_row.line == 0, literal("")), else_=literal("#") + cast(_row.line, String))
)


_page = (
    select(_row.kind, _row.target, _row.line, _row.last_seq, _row.counted, *members.c)
    .join_from(members, conversation_table, _row.id == members.c.conversation_id)
    .where(members.c.user_id == bindparam("reader"), members.c.role != "removed", _key > bindparam("after"))
    .order_by(_key)
    .limit(bindparam("count", type_=Integer))
)
_ids: Any = bindparam("ids", expanding=True)
_newest = (
    select(messages)
    .join_from(
        conversation_table,
        messages,
        and_(messages.c.conversation_id == _row.id, messages.c.seq == _row.last_seq),
    )
    .where(_row.id.in_(_ids))
)


class Summaries:
    """Reads conversation lists."""

    def __init__(self, database: Database, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._database = database
        self._seen = _seen(database)

    async def page(self, user: str, *, after: str, limit: int) -> list[Summary]:
        """The unread figure is a difference of two running counts, less the reader's own messages between them."""
        wanted = {"reader": user, "after": after, "count": limit}
        return await self._database.query(lambda connection: self._summaries(connection, wanted))

    def _summaries(self, connection: Connection, wanted: dict[str, Any]) -> list[Summary]:
        rows = connection.execute(_page, wanted).all()
        ids = [row.conversation_id for row in rows]
        reader = {"reader": wanted["reader"], "quoted": json_of(wanted["reader"]), "ids": ids}
        read = {row[0]: row for row in connection.execute(self._seen, reader)}
        newest = {row.conversation_id: row for row in connection.execute(_newest, {"ids": ids})}
        now = self._now_ms()
        summaries = []
        for row in rows:
            member = member_from(row[5:], Conversation(*row[:3]))
            summaries.append(
                Summary(
                    conversation=member.conversation,
                    last_seq=row.last_seq,
                    unread=_unread(row, read),
                    member=member,
                    last_message=_last_for(connection, member, newest.get(row.conversation_id), now),
                )
            )
        return summaries


def _seen(database: Database) -> Any:
    """Per conversation: the running count where the reader stands, and what since then does not count for them."""
    reader = bindparam("reader", type_=String)
    begin = greatest(database, members.c.read_seq, members.c.visible_from_seq - 1)
    m = messages.c
    window = (
        select(m.sender, m.flags, m.recipients)
        .where(m.conversation_id == members.c.conversation_id, m.seq > begin)
        .order_by(m.seq)
        .limit(_WINDOW)
        .correlate(members)
        .subquery()
    )
    is_directed = window.c.recipients != ""
    names_reader = position_in(database, window.c.recipients, bindparam("quoted", type_=String)) > 0
    excluded = (
        select(func.count())
        .select_from(window)
        .where(
            window.c.flags.op("&")(int(MessageFlags.COUNTED)) != 0,
            or_(window.c.sender == reader, and_(is_directed, not_(names_reader))),
        )
    )
    counted = select(m.counted).where(m.conversation_id == members.c.conversation_id, m.seq == begin)
    return select(members.c.conversation_id, counted.scalar_subquery(), excluded.scalar_subquery(), begin).where(
        members.c.user_id == reader, members.c.conversation_id.in_(_ids)
    )


def _unread(row: Any, read: Mapping[int, Any]) -> int:
    _, counted_there, excluded, begin = read[row.conversation_id]
    if begin >= row.last_seq:
        return 0
    unread: int = row.counted - (counted_there or 0) - excluded
    return max(0, unread)


def _last_for(connection: Connection, member: Member, row: Any, now: int) -> Message | None:
    """The newest message, or a somewhat older one if that is directed at others or has expired."""

    def is_shown(message: Message) -> bool:
        return message.is_for(member.user) and not 0 < message.expires_at <= now

    if row is None:
        return None
    last = message_from(row, member.conversation)
    if not is_shown(last):
        m = messages.c
        earlier = select(messages).where(m.conversation_id == row.conversation_id, m.seq < last.seq)
        found = connection.execute(earlier.order_by(m.seq.desc()).limit(_LOOK_BACK))
        candidates = (message_from(row, member.conversation) for row in found)
        last = next((message for message in candidates if is_shown(message)), last)
    return last if is_shown(last) and last.seq >= member.visible_from_seq else None
