"""Full disks, held locks, lost servers, kills: what was acknowledged stays, and service returns by itself."""

import asyncio
import os
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from tests.servers import PostgreSQL
from tests.store.conftest import HISTORY
from tests.store.talking import TEAM, draft, say, say_many

from balefire import Event, Member, MessageStore, StorageFull, StorageUnavailable
from balefire.database import SqlDatabase
from balefire.migrations import migrate
from balefire_store_sql import SqlMessageStore

DEADLINE_SECONDS = 60


@asynccontextmanager
async def opened(database: SqlDatabase) -> AsyncIterator[SqlMessageStore]:
    await database.open()
    await migrate(database, *HISTORY)
    store = SqlMessageStore(database, now_ms=lambda: time.time_ns() // 1_000_000)
    await store.open()
    try:
        yield store
    finally:
        await store.close()
        await database.close()


async def until_it_works(store: MessageStore, name: str) -> int:
    """Send the same message again until it is taken, as a client would; its seq."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            (message,) = await say(store, draft("alice", name))
        except StorageUnavailable:
            assert time.monotonic() < deadline, "service did not return"
            await asyncio.sleep(0.05)
        else:
            return message.seq


# -- SQLite ------------------------------------------------------------------------------------------------------------


class SmallDatabase(SqlDatabase):
    """A database on a disk with room for so many pages, as SQLite sees it, and with little patience."""

    pages = 1_000_000_000
    log: sqlite3.Connection

    async def connect(self) -> Any:
        self.log = await super().connect()
        self.log.execute("PRAGMA busy_timeout = 50")
        return self.log

    def resize(self, pages: int) -> None:
        self.log.execute(f"PRAGMA max_page_count = {pages}")


@pytest.fixture
def file(tmp_path: Path, file_with_tables: Path) -> Path:
    return Path(shutil.copy(file_with_tables, tmp_path))


async def test_a_full_disk_refuses_and_takes_again_when_there_is_room(file: Path) -> None:
    database = SmallDatabase(f"sqlite:///{file}")
    async with opened(database) as store:
        await store.put_members([Member(conversation=TEAM, user="bob")])
        database.resize(60)
        acknowledged = []
        with pytest.raises(StorageFull, match="make room"):
            for n in range(10_000):
                acknowledged += await say(store, *(draft("alice", f"{n}-{i}", text="x" * 500) for i in range(10)))

        with pytest.raises(StorageFull):
            await store.append_events([Event(id=0, kind="demo.filled", at=1, data={"x": "x" * 9000})])
        assert list(await store.history(TEAM, limit=1000)) == acknowledged
        assert [s.unread for s in await store.summaries("bob")] == [len(acknowledged)]

        database.resize(1_000_000)
        after = await say_many(store, "alice", 10)
        assert [m.seq for m in after] == list(range(len(acknowledged) + 1, len(acknowledged) + 11))

    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_file_that_another_process_holds_is_unavailable_until_released(file: Path) -> None:
    async with opened(SmallDatabase(f"sqlite:///{file}")) as store:
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StorageUnavailable, match="database is locked"):
                await say_many(store, "alice", 1)
            with pytest.raises(StorageUnavailable, match="database is locked"):
                await store.check()
            assert list(await store.history(TEAM)) == []
            other.execute("ROLLBACK")

        assert [m.seq for m in await say_many(store, "alice", 1)] == [1]


async def test_a_file_that_is_no_database_is_refused_with_its_name(tmp_path: Path) -> None:
    file = tmp_path / "balefire.db"
    file.write_bytes(b"not a database" * 1000)
    database = SqlDatabase(f"sqlite:///{file}")

    with pytest.raises(StorageUnavailable, match=rf"database file {file}: file is not a database"):
        await database.open()

    assert file.read_bytes().startswith(b"not a database")
    await database.close()


async def test_the_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    async with opened(SqlDatabase(f"sqlite:///{tmp_path / 'new' / 'balefire.db'}")) as store:
        await say_many(store, "alice", 1)
        modes = {path.name: path.stat().st_mode & 0o077 for path in (tmp_path / "new").iterdir()}

    assert "balefire.db-wal" in modes
    assert set(modes.values()) == {0}


# -- PostgreSQL --------------------------------------------------------------------------------------------------------


@pytest.fixture
def own_server() -> Iterator[PostgreSQL]:
    """A server that the test may break."""
    server = PostgreSQL()
    server.start()
    yield server
    server.remove()


class ImpatientDatabase(SqlDatabase):
    command_timeout_seconds = 0.3


async def test_the_store_outlives_crashes_and_pauses_of_postgresql(own_server: PostgreSQL) -> None:
    async with opened(ImpatientDatabase(own_server.create_database())) as store:
        before = await say_many(store, "alice", 3)

        own_server.crash()
        with pytest.raises(StorageUnavailable):
            await say(store, draft("alice", "crashed"))
        with pytest.raises(StorageUnavailable):
            await store.history(TEAM)
        with pytest.raises(StorageUnavailable):
            await store.check()
        own_server.start()
        assert await until_it_works(store, "crashed") == 4
        assert list(await store.history(TEAM, limit=3)) == before

        own_server.freeze()
        with pytest.raises(StorageUnavailable):
            await say(store, draft("alice", "frozen"))
        own_server.thaw()
        assert await until_it_works(store, "frozen") == 5

        history = await store.history(TEAM)
        assert [m.client_message_id for m in history][3:] == ["crashed", "frozen"]


async def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    database = SqlDatabase("postgresql://balefire:open-sesame@127.0.0.1:1/nowhere")

    with pytest.raises(StorageUnavailable, match="PostgreSQL does not answer") as failure:
        await database.open()

    assert "open-sesame" not in str(failure.value)
    await database.close()


# -- both --------------------------------------------------------------------------------------------------------------

WORKER = """
import asyncio, sys, time
from balefire.database import SqlDatabase
from balefire_store_sql import SqlMessageStore
from tests.store.talking import draft

async def main():
    store = SqlMessageStore(SqlDatabase(sys.argv[1]), now_ms=lambda: int(time.time() * 1000))
    await store.open()
    for n in range(100_000):
        appended = await store.append([draft("alice", f"{sys.argv[2]}-{n}-{i}") for i in range(10)])
        print(appended[-1].message.id, len(appended), flush=True)

asyncio.run(main())
"""


async def test_what_was_acknowledged_survives_kills(
    database_url: str, open_store: Callable[..., Any], tmp_path: Path
) -> None:
    acknowledged, highest = 0, 0
    for round_ in range(3):
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WORKER, database_url, str(round_), stdout=asyncio.subprocess.PIPE
        )
        assert worker.stdout is not None
        for _ in range(20):
            highest, count = map(int, (await worker.stdout.readline()).split())
            acknowledged += count
        os.kill(worker.pid, signal.SIGKILL)
        rest = (await worker.communicate())[0].split(b"\n")
        for line in rest[:-1]:
            highest, count = map(int, line.split())
            acknowledged += count

    store = await open_store()
    (last,) = await say(store, draft("alice", "after"))

    assert last.seq > acknowledged >= 600
    assert last.id > highest
    seqs: list[int] = []
    while page := await store.history(TEAM, after_seq=len(seqs), limit=1000):
        seqs += [m.seq for m in page]
    assert seqs == list(range(1, last.seq + 1))
