"""Both databases, for what robots and hooks keep in tables of their own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.servers import PostgreSQL

from balefire.database import SqlDatabase
from balefire.migrations import migrate


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A running server, one for the whole session."""
    server = PostgreSQL()
    server.start()
    yield server
    server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'own.db'}"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.create_database()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[SqlDatabase]:
    """A database with the tables of robots and hooks."""
    opened = SqlDatabase(database_url)
    await opened.open()
    await migrate(opened, "robots", "balefire_robots.migrations")
    await migrate(opened, "incoming-hooks", "balefire_incoming_hooks.migrations")
    yield opened
    await opened.close()
