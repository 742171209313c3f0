"""The process that writes SQLite's log: it may be killed, and it never outlives or troubles its parent."""

import asyncio
import os
import shutil
import signal
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from tests.store.talking import TEAM, draft, say

from balefire import StorageFull, StorageUnavailable
from balefire.database import SqlDatabase
from balefire.file_lock import FileLock
from balefire_store_sql import SqlMessageStore
from balefire_store_sql.process_log import HEAD, Trouble, _Line

PARENT = """
import asyncio, sys, time
from balefire.database import SqlDatabase
from balefire_store_sql import SqlMessageStore
from tests.store.talking import draft

async def main():
    database = SqlDatabase(sys.argv[1])
    database.claim()
    store = SqlMessageStore(database, now_ms=lambda: int(time.time() * 1000), log_process=True)
    await store.open()
    for n in range(100_000):
        appended = await store.append([draft("alice", f"{n}-{i}") for i in range(100)])
        print(store._log._child.pid, appended[-1].message.seq, flush=True)

asyncio.run(main())
"""


@pytest.fixture
def file(tmp_path: Path, file_with_tables: Path) -> Path:
    return Path(shutil.copy(file_with_tables, tmp_path))


async def test_a_killed_log_process_is_replaced_and_nothing_acknowledged_is_lost_or_doubled(file: Path) -> None:
    database = SqlDatabase(f"sqlite:///{file}")
    store = SqlMessageStore(database, now_ms=lambda: time.time_ns() // 1_000_000, log_process=True)
    await store.open()
    said = refused = 0
    for round_ in range(3):
        for n in range(30):
            drafts = [draft("alice", f"{round_}-{n}-{i}") for i in range(100)]
            appending = asyncio.ensure_future(say(store, *drafts))
            if n == 15:
                await asyncio.sleep(0)
                os.kill(store._log._child.pid, signal.SIGKILL)  # type: ignore[attr-defined]
            try:
                await appending
            except StorageUnavailable:
                refused += 1
                await say(store, *drafts)
            said += len(drafts)
    assert refused
    seqs: list[int] = []
    while page := await store.history(TEAM, after_seq=len(seqs), limit=1000):
        seqs += [m.seq for m in page]
    assert seqs == list(range(1, said + 1))
    await store.close()
    await database.close()


async def test_signals_to_the_group_do_not_end_it(file: Path) -> None:
    database = SqlDatabase(f"sqlite:///{file}")
    store = SqlMessageStore(database, now_ms=lambda: time.time_ns() // 1_000_000, log_process=True)
    await store.open()
    child = store._log._child  # type: ignore[attr-defined]
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(child.pid, number)
    await say(store, draft("alice", "after"))
    assert store._log._child is child  # type: ignore[attr-defined]
    await store.close()
    assert child.returncode == 0
    await database.close()


async def test_it_ends_with_its_parent_and_keeps_the_file_until_then(file: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, f"sqlite:///{file}", stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    for _ in range(20):
        child, seq = map(int, (await parent.stdout.readline()).split())
    os.kill(child, signal.SIGSTOP)
    parent.kill()
    rest = (await parent.communicate())[0].split(b"\n")
    for line in rest[:-1]:
        seq = int(line.split()[1])
    asyncio.get_running_loop().call_later(0.3, os.kill, child, signal.SIGCONT)
    lock = FileLock(file)
    await asyncio.to_thread(lock.take)  # waits for the child, whose parent is dead
    lock.release()
    with closing(sqlite3.connect(file)) as connection:
        count, last = connection.execute("SELECT count(*), max(seq) FROM store_sql_message").fetchone()
    assert count == last >= seq


def test_a_full_disk_is_told_across_the_border_as_such(file: Path) -> None:
    error = Trouble("OperationalError", "database or disk is full", sqlite3.SQLITE_FULL).error()

    assert isinstance(SqlDatabase(f"sqlite:///{file}").explain(error), StorageFull)


async def test_answers_in_pieces_of_any_size_are_put_together() -> None:
    line = _Line()
    for size in (1, 3, 5, 100):
        answer = line._answer = asyncio.get_running_loop().create_future()
        whole = HEAD.pack(11) + b"hello world"
        for start in range(0, len(whole), size):
            line.data_received(whole[start : start + size])
        assert await answer == b"hello world"
