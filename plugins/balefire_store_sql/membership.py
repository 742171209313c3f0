"""Who is in which conversation, and how far each has read."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Integer, bindparam, exists, func, or_, select, update

from balefire import Conversation, Database, Member
from balefire_store_sql.group_commit import GroupCommit
from balefire_store_sql.rows import MEMBER_COLUMNS, member_from, member_values
from balefire_store_sql.statements import conversation_table, greatest, is_named, least, named, named_id, upsert
from balefire_store_sql.tables import DeviceRow, MemberRow, columns

members = columns(MemberRow)
devices = columns(DeviceRow)
_m = members.c
_c = conversation_table.c

_USERS_A_QUERY: Final = 500
_KEYS: Final = ("conversation_id", "user_id")
_KEPT: Final = (*_KEYS, "read_seq", "delivered_seq")
"""What replacing a member leaves alone."""

_is_in = _m.role != "removed"
_here = _m.conversation_id == named_id
_find_conversation = select(_c.id).where(is_named)
_one = select(members).where(_here, _m.user_id == bindparam("member"))
_some = select(members).where(_here, _m.user_id.in_(bindparam("some", expanding=True)))
_page_with_removed = (
    select(members)
    .where(_here, _m.user_id > bindparam("after"))
    .order_by(_m.user_id)
    .limit(bindparam("count", type_=Integer))
)
_page = _page_with_removed.where(_is_in)
_page_reachable = _page.where(
    exists().where(devices.c.user_id == _m.user_id, or_(devices.c.token != "", devices.c.voip_token != ""))
)
_count = select(func.count()).where(_here, _is_in)
_conversations = (
    select(_c.kind, _c.target, _c.line)
    .join_from(members, conversation_table, _c.id == _m.conversation_id)
    .where(_m.user_id == bindparam("member"), _is_in)
)
_conversations_of_kinds = _conversations.where(_c.kind.in_(bindparam("kinds", expanding=True)))


def _advance(database: Database) -> Any:
    """Cursors go forward to what is given: never back, never past the end."""
    last_seq = select(_c.last_seq).where(is_named).scalar_subquery()

    def advanced(cursor: Any, to: str) -> Any:
        return greatest(database, cursor, least(database, bindparam(to, type_=BigInteger), last_seq))

    return (
        update(members)
        .where(_here, _m.user_id == bindparam("member"), _is_in)
        .values(read_seq=advanced(_m.read_seq, "read_to"), delivered_seq=advanced(_m.delivered_seq, "delivered_to"))
        .returning(*members.c)
    )


class MemberTable:
    """Member records and their cursors."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._marks = GroupCommit(database)
        self._advance = _advance(database)
        self._put = upsert(database, members, _KEYS, [name for name in MEMBER_COLUMNS if name not in _KEPT])
        self._create = upsert(database, conversation_table, ("kind", "target", "line"), ())

    async def put(self, records: Sequence[Member]) -> None:
        # Always in the same order, so that two nodes that enter the same members cannot wait for each other.
        records = sorted(records, key=lambda member: (member.conversation, member.user))
        conversations = list(dict.fromkeys(member.conversation for member in records))

        def put(connection: Connection) -> None:
            ids = {conversation: self._ensure(connection, conversation) for conversation in conversations}
            rows = [
                dict(zip(MEMBER_COLUMNS, member_values(member, ids[member.conversation]), strict=True))
                for member in records
            ]
            if rows:
                connection.execute(self._put, rows)

        await self._database.change(put)

    def _ensure(self, connection: Connection, conversation: Conversation) -> int:
        """The conversation's id; it is created when it is not there."""
        name = named(conversation)
        found: int | None = connection.execute(_find_conversation, name).scalar()
        if found is None:
            connection.execute(self._create, name | {"last_seq": 0, "counted": 0})
            found = connection.execute(_find_conversation, name).scalar()
        assert found is not None, "the row was just created in this transaction"
        return found

    async def get(self, conversation: Conversation, user: str) -> Member | None:
        found = await self._read(_one, conversation, member=user)
        return found[0] if found else None

    async def some(self, conversation: Conversation, users: Sequence[str]) -> list[Member]:
        found: list[Member] = []
        for start in range(0, len(users), _USERS_A_QUERY):
            found += await self._read(_some, conversation, some=list(users[start : start + _USERS_A_QUERY]))
        return found

    async def page(self, conversation: Conversation, *, after: str, limit: int, include_removed: bool) -> list[Member]:
        query = _page_with_removed if include_removed else _page
        return await self._read(query, conversation, after=after, count=limit)

    async def reachable(self, conversation: Conversation, *, after: str, limit: int) -> list[Member]:
        return await self._read(_page_reachable, conversation, after=after, count=limit)

    async def count(self, conversation: Conversation) -> int:
        return await self._database.query(lambda connection: connection.execute(_count, named(conversation)).scalar())

    async def of_user(self, user: str, kinds: Sequence[str]) -> list[Conversation]:
        query = _conversations_of_kinds if kinds else _conversations
        values = {"member": user, "kinds": list(kinds)} if kinds else {"member": user}
        return await self._database.query(
            lambda connection: [Conversation(*row) for row in connection.execute(query, values)]
        )

    async def mark(self, conversation: Conversation, user: str, *, read_seq: int, delivered_seq: int) -> Member | None:
        values = {"member": user, "read_to": read_seq, "delivered_to": delivered_seq, **named(conversation)}
        row = await self._marks.run(self._advance, values)
        return None if row is None else member_from(row, conversation)

    async def _read(self, query: Any, conversation: Conversation, **values: Any) -> list[Member]:
        values |= named(conversation)
        return await self._database.query(
            lambda connection: [member_from(row, conversation) for row in connection.execute(query, values)]
        )
