"""Small writes of many callers in one commit."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from balefire import BalefireError, Database, StorageUnavailable


@dataclass(slots=True, eq=False)
class _Waiting:
    """A statement, and what became of it."""

    statement: Any
    values: Mapping[str, Any]
    row: Any = None
    error: Exception | None = None
    is_over: bool = False


class GroupCommit:
    """Runs single statements durably; on SQLite, all that arrived while the last commit ran share the next one.

    PostgreSQL commits concurrent transactions together by itself, and sharing would make callers wait for each
    other's row locks.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = asyncio.Lock()
        self._waiting: list[_Waiting] = []

    async def run(self, statement: Any, values: Mapping[str, Any]) -> Any:
        """Execute one statement with these values and commit; its first row, or ``None``."""
        if self._database.dialect == "postgresql":
            return await self._database.change(lambda connection: connection.execute(statement, values).first())
        mine = _Waiting(statement, values)
        self._waiting.append(mine)
        async with self._turn:
            if not mine.is_over:  # nobody took it along: so this caller commits, for all that wait by now
                group, self._waiting = self._waiting, []
                await self._commit(group)
        if mine.error is not None:
            raise mine.error
        return mine.row

    async def _commit(self, group: list[_Waiting]) -> None:
        def run(connection: Connection) -> list[Any]:
            return [connection.execute(waiting.statement, waiting.values).first() for waiting in group]

        error: Exception | None = StorageUnavailable("the write was interrupted; repeat it")
        try:
            for waiting, row in zip(group, await self._database.change(run), strict=True):
                waiting.row = row
            error = None
        except Exception as failure:
            error = failure
            if len(group) > 1 and not isinstance(failure, BalefireError):  # one of them is at fault, not the database
                for waiting in group:
                    await self._commit([waiting])
                return
        finally:
            for waiting in group:
                if not waiting.is_over:
                    waiting.error, waiting.is_over = error, True
