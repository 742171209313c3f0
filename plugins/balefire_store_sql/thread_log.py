"""Runs the SQLite log in a thread of its own, beside the event loop."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from balefire import Appended, Database, Draft, Event, Message
from balefire_store_sql.sqlite_log import SqliteLog

T = TypeVar("T")


class ThreadLog:
    """Implements ``LogWriter`` with one connection in one thread."""

    def __init__(
        self, database: Database, now_ms: Callable[[], int], *, recent_messages: int, conversations: int
    ) -> None:
        self._database = database
        self._log = SqliteLog(database.node, now_ms, recent_messages=recent_messages, conversations=conversations)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="message-log")
        self._is_open = False

    async def open(self) -> None:
        connection: sqlite3.Connection = await self._database.connect()
        self._is_open = True
        await self._run(self._log.open, connection)

    async def close(self) -> None:
        if self._is_open:
            self._is_open = False
            await self._run(self._log.close)
            self._thread.shutdown()

    async def append(self, drafts: Sequence[Draft]) -> list[Appended]:
        return await self._run(self._log.append, drafts)

    async def append_events(self, events: Sequence[Event]) -> list[Event]:
        return await self._run(self._log.append_events, events)

    async def forget(self, message: Message) -> None:
        await self._run(self._log.forget, message)

    async def check(self) -> None:
        await self._run(self._log.check)

    async def _run(self, work: Callable[..., T], *arguments: Any) -> T:
        async with self._database.exclusive():
            try:
                return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
            except sqlite3.Error as error:
                raise self._database.explain(error) from error
