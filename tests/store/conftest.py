"""Every behaviour test of the store runs on SQLite and on PostgreSQL."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.servers import PostgreSQL

from balefire.database import SqlDatabase
from balefire.migrations import migrate
from balefire_store_sql import SqlMessageStore

HISTORY = ("store-sql", "balefire_store_sql.migrations")

TABLES = [f"store_sql_{name}" for name in ("conversation", "message", "member", "device", "event", "cursor")]

OpenStore = Callable[..., Awaitable[SqlMessageStore]]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A running server, one for the whole session."""
    server = PostgreSQL()
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def file_with_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the store's tables, to copy."""
    file = tmp_path_factory.mktemp("template") / "balefire.db"
    asyncio.run(_create_tables(f"sqlite:///{file}"))
    return file


@pytest.fixture(scope="session")
def url_with_tables(postgresql: PostgreSQL) -> str:
    """A PostgreSQL database with the store's tables, shared by the tests one after the other."""
    url = postgresql.create_database()
    asyncio.run(_create_tables(url))
    return url


async def _create_tables(url: str) -> None:
    database = SqlDatabase(url)
    await migrate(database, *HISTORY)
    await database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'balefire.db'}"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.create_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database for the store, with nothing in it."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("file_with_tables"), tmp_path)
        return f"sqlite:///{tmp_path / 'balefire.db'}"
    url: str = request.getfixturevalue("url_with_tables")
    server: PostgreSQL = request.getfixturevalue("postgresql")
    server.execute(url, f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY")
    return url


@pytest.fixture
async def open_database(database_url: str) -> AsyncIterator[Callable[..., Awaitable[SqlDatabase]]]:
    """Opens the database, as one more process would."""
    async with AsyncExitStack() as stack:

        async def open_(node: int = 0) -> SqlDatabase:
            database = SqlDatabase(database_url, node=node)
            stack.push_async_callback(database.close)
            await database.open()
            return database

        yield open_


@pytest.fixture
def log_process() -> bool:
    """Whether SQLite's log is written by a process of its own; a module may say so."""
    return False


@pytest.fixture
async def open_store(
    log_process: bool, open_database: Callable[..., Awaitable[SqlDatabase]]
) -> AsyncIterator[OpenStore]:
    """Opens a store on the test's database; stores still open at the end are closed."""
    async with AsyncExitStack() as stack:

        async def open_(node: int = 0, recent_messages: int = 8192, clock_is_ahead_by_ms: int = 0) -> SqlMessageStore:
            database = await open_database(node)
            await migrate(database, *HISTORY)
            store = SqlMessageStore(
                database,
                now_ms=lambda: time.time_ns() // 1_000_000 + clock_is_ahead_by_ms,
                recent_messages=recent_messages,
                log_process=log_process and not clock_is_ahead_by_ms,
            )
            await store.open()
            stack.push_async_callback(store.close)
            return store

        yield open_


@pytest.fixture
async def store(open_store: OpenStore) -> SqlMessageStore:
    """A store with nothing in it."""
    return await open_store()
