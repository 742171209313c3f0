"""Whole transactions on SQLite in a thread: one change of threads for each, instead of several per statement."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL

T = TypeVar("T")

_THREADS: Final = 4


class SqliteThreads:
    """Runs functions over a transaction, up to four at a time; writers are kept apart by the caller.

    :param prepare: given a cursor of each new connection, sets its pragmas.
    """

    def __init__(self, path: Path, prepare: Callable[[Any], None], *, busy_timeout_seconds: float) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="sqlite")
        self._engine = create_engine(
            URL.create("sqlite", database=str(path)),
            connect_args={"isolation_level": None, "timeout": busy_timeout_seconds},
            hide_parameters=True,
            pool_size=_THREADS,
        )
        event.listen(self._engine, "connect", lambda connection, _: prepare(connection.cursor()))
        event.listen(self._engine, "begin", begin)
        self._writing = self._engine.execution_options(is_writer=True)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction that is rolled back."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction that is committed when it returns."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._write, work)

    def close(self) -> None:
        """Let what runs finish, and close the connections."""
        self._threads.shutdown()
        self._engine.dispose()

    def _read(self, work: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection:
            return work(connection)

    def _write(self, work: Callable[[Connection], T]) -> T:
        with self._writing.begin() as connection:
            return work(connection)


def begin(connection: Connection) -> None:
    """Open the transaction: a writer takes the file's write lock at once, so that it need not upgrade later."""
    is_writer = connection.get_execution_options().get("is_writer", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")
