"""The kinds' own tables, on both databases."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import IntegrityError
from tests.servers import PostgreSQL

from balefire import Database
from balefire.database import SqlDatabase
from balefire.migrations import migrate
from balefire_channels import records as channels
from balefire_channels.channel import Channel
from balefire_channels.records import ChannelTable
from balefire_groups import records as groups
from balefire_groups.group import Group
from balefire_groups.records import GroupTable
from balefire_private import blocks
from balefire_private.blocks import BlockTable

GROUP = Group(
    id="team",
    name="队",
    portrait="p",
    extra={"topic": ["茶", 1, None]},
    owner="alice",
    type="restricted",
    join_type="managed",
    is_muted=True,
    allows_private_chat=False,
    shows_history=True,
    max_members=7,
    created_at=1_767_225_600_000,
    updated_at=1_767_225_600_001,
)
CHANNEL = Channel(
    id="news",
    name="新闻",
    description="d" * 4096,
    extra={"a": {"b": True}},
    owner="olga",
    publishers=("paul", "pia"),
    is_global=True,
    may_enrol=True,
    created_at=1_767_225_600_000,
    updated_at=1_767_225_600_001,
)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    server = PostgreSQL()
    server.start()
    yield server
    server.remove()


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'balefire.db'}"
    else:
        url = request.getfixturevalue("postgresql").create_database()
    opened = SqlDatabase(url)
    for plugin in ("private", "groups", "channels"):
        await migrate(opened, plugin, f"balefire_{plugin}.migrations")
    yield opened
    await opened.close()


async def test_the_migrations_make_the_tables_that_the_code_describes(database: Database) -> None:
    described = [table for module in (blocks, groups, channels) for table in module.Tables.metadata.tables.values()]

    def columns(connection: Connection) -> dict[str, set[tuple[str, bool]]]:
        found = inspect(connection)
        return {
            table.name: {(column["name"], column["nullable"]) for column in found.get_columns(table.name)}
            for table in described
        }

    async with database.read() as connection:
        made = await connection.run_sync(columns)

    assert made == {table.name: {(c.name, bool(c.nullable)) for c in table.columns} for table in described}


async def test_a_group_record_comes_back_as_written(database: Database) -> None:
    table = GroupTable(database)
    await table.insert(GROUP)
    assert await table.load("team") == GROUP

    changed = msgspec.structs.replace(GROUP, name="team", is_dissolved=True, type="free", extra={})
    await table.replace(changed)

    assert await table.load("team") == changed
    assert await table.load("other") is None


async def test_a_channel_record_comes_back_as_written(database: Database) -> None:
    table = ChannelTable(database)
    await table.insert(CHANNEL)
    await table.insert(msgspec.structs.replace(CHANNEL, id="old"))

    changed = msgspec.structs.replace(CHANNEL, publishers=(), is_closed=True)
    await table.replace(changed)

    found = {channel.id: channel for channel in await table.load_all()}
    assert found == {"news": changed, "old": msgspec.structs.replace(CHANNEL, id="old")}


async def test_an_id_is_given_once(database: Database) -> None:
    await GroupTable(database).insert(GROUP)
    await ChannelTable(database).insert(CHANNEL)

    with pytest.raises(IntegrityError):
        await GroupTable(database).insert(GROUP)
    with pytest.raises(IntegrityError):
        await ChannelTable(database).insert(CHANNEL)


async def test_blocks_are_kept_per_person_and_in_order(database: Database) -> None:
    table = BlockTable(database)
    for blocked in ("carol", "bob", "bob"):
        await table.add("alice", blocked, 1_767_225_600_000)
    await table.add("bob", "alice", 5)

    assert await table.blocked_by(["alice", "bob", "dave"]) == {
        "alice": frozenset({"bob", "carol"}),
        "bob": frozenset({"alice"}),
        "dave": frozenset(),
    }
    assert await table.page("alice", after="", limit=1) == [("bob", 1_767_225_600_000)]
    assert await table.page("alice", after="bob", limit=9) == [("carol", 1_767_225_600_000)]
    await table.remove("alice", "bob")
    await table.remove("alice", "bob")
    assert (await table.blocked_by(["alice"]))["alice"] == frozenset({"carol"})
