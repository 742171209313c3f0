"""How far each consumer has read this node's log."""

from collections.abc import Mapping

from sqlalchemy import select

from balefire import Database
from balefire_store_sql.statements import upsert
from balefire_store_sql.tables import CursorRow, columns

cursors = columns(CursorRow)


class CursorTable:
    """Cursors of this node's consumers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # A SQLite file has one log, whichever number its process has been given; see LogReader.
        self._node = 0 if database.dialect == "sqlite" else database.node
        self._upsert = upsert(database, cursors, ("consumer", "node"))

    async def load(self, consumer: str) -> int | None:
        query = select(cursors.c.position).where(cursors.c.consumer == consumer, cursors.c.node == self._node)
        position: int | None = await self._database.query(lambda connection: connection.execute(query).scalar())
        return position

    async def save(self, positions: Mapping[str, int]) -> None:
        if not positions:
            return
        rows = [
            {"consumer": consumer, "node": self._node, "position": position}
            for consumer, position in sorted(positions.items())
        ]
        await self._database.change(lambda connection: connection.execute(self._upsert, rows))
