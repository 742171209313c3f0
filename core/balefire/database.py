"""The SQL database the platform runs on: SQLite in the data folder, or PostgreSQL by URL."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeVar, cast

from sqlalchemy import event, make_url
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from balefire.database_errors import explain_postgresql, explain_sqlite
from balefire.file_lock import FileLock
from balefire.sqlite_threads import SqliteThreads, begin
from balefire_hookspecs import BalefireError, ConfigError, StorageUnavailable

if TYPE_CHECKING:
    import asyncpg

T = TypeVar("T")

Synchronous = Literal["full", "normal"]

_CONNECT_TIMEOUT_SECONDS: Final = 5.0
_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
}


class SqlDatabase:
    """Implements ``Database``: connections, transactions, and the order of writers.

    Every statement runs in an explicit transaction; on SQLite a writing one starts with ``BEGIN IMMEDIATE``, so it
    never turns from reader to writer half-way. A lost database comes back by itself: connections are checked when
    they are taken, and broken ones replaced.

    :param url: ``sqlite:///path/to/file`` or ``postgresql://user:password@host/name``; secret, never logged.
    :param synchronous: on SQLite, ``full`` survives power loss, ``normal`` a kill of the process.
    :param node: this process's number among those that share the database.
    :raises ConfigError: the URL is of no kind that is supported.
    """

    dialect: Literal["sqlite", "postgresql"]

    busy_timeout_seconds: ClassVar[float] = 5.0
    """How long a writer waits for another process that holds the SQLite file."""

    command_timeout_seconds: ClassVar[float] = 15.0
    """How long PostgreSQL may take for a statement before it counts as unavailable."""

    def __init__(self, url: str, synchronous: Synchronous = "full", *, node: int = 0) -> None:
        self._url = _parse(url)
        self.dialect = cast(Literal["sqlite", "postgresql"], self._url.get_backend_name())
        self.node = node
        self._synchronous = synchronous
        self._writers = asyncio.Lock()
        self.engine: AsyncEngine = self._sqlite_engine() if self.dialect == "sqlite" else self._postgresql_engine()
        self._lock = FileLock(self.path)
        self._threads: SqliteThreads | None = None
        if self.dialect == "sqlite":
            self._threads = SqliteThreads(self.path, self._prepare, busy_timeout_seconds=self.busy_timeout_seconds)
        self._reading = self.engine
        self._writing = self.engine.execution_options(is_writer=True)
        if self.dialect == "postgresql":
            self._reading = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    async def open(self) -> None:
        """Create the SQLite file if needed, and prove that the database answers.

        :raises StorageUnavailable: it does not; the text says why.
        """
        if self.dialect == "sqlite":
            self._create_file()
        async with self.read() as connection:
            await connection.exec_driver_sql("SELECT 1")

    def claim(self) -> None:
        """Keep other platforms off this SQLite file until ``close``, or until this process ends in whatever way. What
        each would remember of the log, another could change. On PostgreSQL the store claims the node's number.

        :raises StorageUnavailable: another one has it.
        """
        if self.dialect == "sqlite":
            self._lock.take()

    @property
    def lock_descriptors(self) -> list[int]:
        """What a child process must inherit to keep others off this file as long as it lives."""
        return self._lock.descriptors

    async def close(self) -> None:
        """Close every connection of the pool."""
        if self._threads is not None:
            self._threads.close()
        await self.engine.dispose()
        self._lock.release()

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A read-only transaction that sees one moment.

        :raises StorageUnavailable: the database does not answer.
        """
        with self._explained():
            async with self._reading.connect() as connection:
                yield connection

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction, committed on leaving, rolled back on error.

        :raises StorageFull: the disk is full.
        :raises StorageUnavailable: the database does not answer, or another process holds it.
        """
        async with self.exclusive():
            with self._explained():
                async with self._writing.begin() as connection:
                    yield connection

    async def query(self, work: Callable[[Connection], T]) -> T:
        """Run a plain function over a read-only transaction, and return what it returns.

        :raises StorageUnavailable: the database does not answer.
        """
        if self._threads is None:
            async with self.read() as connection:
                return await connection.run_sync(work)
        with self._explained():
            return await self._threads.read(work)

    async def change(self, work: Callable[[Connection], T]) -> T:
        """Run a plain function over a transaction, committed when it returns, rolled back when it raises.

        :raises StorageFull: the disk is full.
        :raises StorageUnavailable: the database does not answer, or another process holds it.
        """
        if self._threads is None:
            async with self.write() as connection:
                return await connection.run_sync(work)
        async with self.exclusive():
            with self._explained():
                return await self._threads.write(work)

    @contextlib.asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """The writers' queue, first come, first served. PostgreSQL has its own and is not held up here."""
        if self.dialect == "postgresql":
            yield
            return
        async with self._writers:
            yield

    async def connect(self) -> "sqlite3.Connection | asyncpg.Connection[Any]":
        """A driver connection outside the pool; the caller closes it.

        :raises StorageUnavailable: the database does not answer.
        """
        try:
            if self.dialect == "sqlite":
                return self._connect_sqlite()
            return await self._connect_postgresql()
        except Exception as error:
            raise self.explain(error) from error

    def explain(self, error: BaseException) -> BaseException:
        """StorageFull or StorageUnavailable where the call may be repeated later, InvalidInput for a text that cannot
        be kept, otherwise the error itself."""
        if isinstance(error, BalefireError):
            return error
        cause: BaseException = error
        if isinstance(error, DBAPIError) and error.orig is not None:
            cause = error.orig
        found = explain_sqlite(cause, self.path) if self.dialect == "sqlite" else explain_postgresql(cause)
        return found or error

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            explained = self.explain(error)
            if explained is error:
                raise
            raise explained from error

    # -- SQLite ------------------------------------------------------------------------------------------------

    @property
    def path(self) -> Path:
        """The SQLite file."""
        return Path(self._url.database or "")

    def _create_file(self) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
        except OSError as error:
            raise StorageUnavailable(f"database file {self.path} cannot be created: {error.strerror}") from error

    def _sqlite_engine(self) -> AsyncEngine:
        engine = create_async_engine(
            self._url,
            connect_args={"isolation_level": None, "timeout": self.busy_timeout_seconds},
            hide_parameters=True,  # errors end up in logs, and rows hold tokens and texts
            pool_size=4,
            max_overflow=8,
        )
        event.listen(engine.sync_engine, "connect", lambda connection, _: self._prepare(connection.cursor()))
        event.listen(engine.sync_engine, "begin", begin)
        return engine

    def _connect_sqlite(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, isolation_level=None, timeout=self.busy_timeout_seconds, check_same_thread=False
        )
        self._prepare(connection.cursor())
        return connection

    @property
    def pragmas(self) -> tuple[str, ...]:
        """The settings of every connection to the SQLite file, also of those that another process makes."""
        return (
            "journal_mode=WAL",
            f"synchronous={self._synchronous}",
            "foreign_keys=ON",
            # Pages are written back less often than the default 4 MiB asks for: hot index pages change many times.
            "wal_autocheckpoint=8000",
            "journal_size_limit=67108864",
        )

    def _prepare(self, cursor: Any) -> None:
        for pragma in self.pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    # -- PostgreSQL --------------------------------------------------------------------------------------------

    def _postgresql_engine(self) -> AsyncEngine:
        return create_async_engine(
            self._url,
            connect_args={"timeout": _CONNECT_TIMEOUT_SECONDS, "command_timeout": self.command_timeout_seconds},
            hide_parameters=True,
            pool_pre_ping=True,
            pool_size=10,
            max_overflow=10,
        )

    async def _connect_postgresql(self) -> "asyncpg.Connection[Any]":
        import asyncpg

        return await asyncpg.connect(
            self._url.set(drivername="postgresql").render_as_string(hide_password=False),
            timeout=_CONNECT_TIMEOUT_SECONDS,
            command_timeout=self.command_timeout_seconds,
        )


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        driver = _DRIVERS[parsed.get_backend_name()]
    except (SQLAlchemyError, KeyError, ValueError):
        raise ConfigError(["database.url: must begin with sqlite:/// or postgresql://"]) from None
    if driver.startswith("sqlite") and parsed.database in (None, "", ":memory:"):
        raise ConfigError(["database.url: sqlite needs the path of a file, as in sqlite:///data/balefire.db"])
    return parsed.set(drivername=driver)
