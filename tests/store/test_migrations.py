"""Plugins' tables: applied once, all or nothing, each history on its own."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from balefire.database import SqlDatabase
from balefire.migrations import MigrationFailed, SchemaTooNew, migrate
from balefire_store_sql.tables import MessageRow

STEPS = {
    "0001_first": "op.create_table('{t}_one', sa.Column('id', sa.Integer(), primary_key=True))\n"
    '    op.execute("INSERT INTO {t}_one VALUES (1)")',
    "0002_second": "op.create_table('{t}_two', sa.Column('id', sa.Integer(), primary_key=True))\n"
    '    op.execute("INSERT INTO {t}_two SELECT id + 1 FROM {t}_one")\n'
    "    with op.batch_alter_table('{t}_one') as table:\n"
    "        table.add_column(sa.Column('name', sa.Text(), server_default='x'))",
    "0003_third": 'op.execute("INSERT INTO {t}_one (id) SELECT max(id) + 1 FROM {t}_one")',
}

FILE = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {before}


def upgrade() -> None:
    {step}
"""

WORKER = """
import asyncio, os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from balefire.database import SqlDatabase
from balefire.migrations import migrate
from sqlalchemy import event

async def main():
    database = SqlDatabase(sys.argv[1])
    await database.open()
    left = int(sys.argv[3])

    def count(*_):
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    if left:
        event.listen(database.engine.sync_engine, "before_cursor_execute", count)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await migrate(database, "fixture", sys.argv[4])
    await database.close()

asyncio.run(main())
"""

Write = Callable[..., str]


@pytest.fixture
def write_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a package of migrations and returns its name."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(package: str, *stems: str, tables: str = "fixture", extra: str = "") -> str:
        versions = tmp_path / package / "versions"
        versions.mkdir(parents=True)
        (tmp_path / package / "__init__.py").touch()
        before = None
        for stem in stems:
            step = STEPS[stem].format(t=tables) + (extra if stem == stems[-1] else "")
            content = FILE.format(revision=stem[:4], before=repr(before), step=step)
            (versions / f"{stem}.py").write_text(content)
            before = stem[:4]
        return package

    return write


@pytest.fixture
async def database(empty_url: str) -> AsyncIterator[SqlDatabase]:
    """A database without tables."""
    database = SqlDatabase(empty_url)
    await database.open()
    yield database
    await database.close()


async def rows(database: SqlDatabase, sql: str) -> list[Any]:
    async with database.read() as connection:
        return [row[0] for row in await connection.execute(text(sql))]


async def tables(database: SqlDatabase) -> set[str]:
    async with database.read() as connection:
        return set(await connection.run_sync(lambda c: inspect(c).get_table_names()))


async def test_a_history_is_applied_once(database: SqlDatabase, write_history: Write) -> None:
    package = write_history("history_once", *STEPS)

    await migrate(database, "fixture", package)
    await migrate(database, "fixture", package)

    assert await rows(database, "SELECT id FROM fixture_one ORDER BY id") == [1, 2]
    assert await rows(database, "SELECT version_num FROM fixture_schema_version") == ["0003"]


async def test_an_upgrade_goes_on_where_the_last_one_ended(database: SqlDatabase, write_history: Write) -> None:
    await migrate(database, "fixture", write_history("history_old", "0001_first"))
    await migrate(database, "fixture", write_history("history_new", *STEPS))

    assert await rows(database, "SELECT id FROM fixture_two") == [2]


async def test_a_database_newer_than_the_code_is_refused_and_untouched(
    database: SqlDatabase, write_history: Write
) -> None:
    await migrate(database, "fixture", write_history("history_later", *STEPS))
    before = await tables(database)

    with pytest.raises(SchemaTooNew, match="plugin 'fixture': the database is at schema 0003, this version knows up"):
        await migrate(database, "fixture", write_history("history_earlier", "0001_first"))

    assert await tables(database) == before
    assert await rows(database, "SELECT version_num FROM fixture_schema_version") == ["0003"]


async def test_a_failing_revision_leaves_nothing_behind_and_is_named(
    database: SqlDatabase, write_history: Write
) -> None:
    package = write_history("history_bad", "0001_first", "0002_second", extra="\n    op.execute('SELECT nonsense')")

    with pytest.raises(MigrationFailed, match="plugin 'fixture': its migrations failed"):
        await migrate(database, "fixture", package)

    assert await tables(database) == set()


async def test_histories_of_plugins_are_independent(database: SqlDatabase, write_history: Write) -> None:
    await migrate(database, "fixture", write_history("history_a", *STEPS))
    await migrate(database, "other-plugin", write_history("history_b", "0001_first", tables="other"))

    assert await rows(database, "SELECT version_num FROM other_plugin_schema_version") == ["0001"]
    # The first plugin is no longer installed: the second one starts all the same.
    await migrate(database, "other-plugin", "history_b")


@pytest.mark.parametrize("stems", [(), ("0002_second",), ("0001_first", "0003_third")])
async def test_a_history_with_gaps_is_refused(
    database: SqlDatabase, write_history: Write, stems: tuple[str, ...]
) -> None:
    with pytest.raises(MigrationFailed, match="without a gap"):
        await migrate(database, "fixture", write_history("history_gaps", *stems))


async def test_a_package_that_is_not_there_is_named(database: SqlDatabase) -> None:
    with pytest.raises(MigrationFailed, match=r"names migrations 'no\.such\.package', which is no package"):
        await migrate(database, "fixture", "no.such.package")


async def test_an_up_to_date_database_does_not_import_alembic(empty_url: str, database: SqlDatabase) -> None:
    await migrate(database, "store-sql", "balefire_store_sql.migrations")
    script = (
        "import asyncio, sys\n"
        "from balefire.database import SqlDatabase\n"
        "from balefire.migrations import migrate\n"
        "async def main():\n"
        "    database = SqlDatabase(sys.argv[1])\n"
        "    await migrate(database, 'store-sql', 'balefire_store_sql.migrations')\n"
        "    await database.close()\n"
        "asyncio.run(main())\n"
        "print('alembic' in sys.modules)\n"
    )

    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, empty_url, stdout=-1)
    output, _ = await process.communicate()

    assert output.split() == [b"False"]


async def test_the_tables_of_the_store_are_those_of_its_models(database: SqlDatabase) -> None:
    await migrate(database, "store-sql", "balefire_store_sql.migrations")

    def is_compared(_: object, name: str, kind: str, *__: object) -> bool:
        """Other plugins' models may be loaded, and the indexes by node are PostgreSQL's alone."""
        return (name.startswith("store_sql_") and not name.endswith(("_node", "_version"))) or kind == "column"

    def differences(connection: Connection) -> list[Any]:
        options = {"compare_type": True, "include_object": is_compared}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, MessageRow.metadata))

    async with database.read() as connection:
        assert await connection.run_sync(differences) == []


# -- processes ---------------------------------------------------------------------------------------------------------


class Worker:
    """A process that migrates when told to, and may kill itself before its n-th statement."""

    def __init__(self, url: str, folder: Path, package: str, kill_at: int = 0) -> None:
        self._arguments = ["-c", WORKER, url, str(folder), str(kill_at), package]

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *self._arguments, stdin=-1, stdout=-1, stderr=-1
        )
        assert self._process.stdout is not None
        assert await self._process.stdout.readline() == b"ready\n"

    async def go(self) -> int:
        _, errors = await self._process.communicate(b"\n")
        assert self._process.returncode is not None
        if self._process.returncode not in (0, -signal.SIGKILL):
            raise AssertionError(errors.decode())
        return self._process.returncode


async def test_four_processes_at_once_migrate_once(
    database: SqlDatabase, empty_url: str, write_history: Write, tmp_path: Path
) -> None:
    package = write_history("history_race", *STEPS)
    workers = [Worker(empty_url, tmp_path, package) for _ in range(4)]
    await asyncio.gather(*(worker.start() for worker in workers))

    assert await asyncio.gather(*(worker.go() for worker in workers)) == [0] * 4

    assert await rows(database, "SELECT id FROM fixture_one ORDER BY id") == [1, 2]


async def test_a_kill_at_any_statement_leaves_all_or_nothing(
    database: SqlDatabase, empty_url: str, write_history: Write, tmp_path: Path
) -> None:
    """Killed before its first statement, its third and so on; the next start completes it exactly once."""
    package = write_history("history_kill", *STEPS)
    killed = 0
    for kill_at in range(1, 60, 3):
        worker = Worker(empty_url, tmp_path, package, kill_at)
        await worker.start()
        if await worker.go() == 0:
            break
        killed += 1
        assert await tables(database) in (set(), {"fixture_one", "fixture_two", "fixture_schema_version"})

    assert killed >= 4
    assert await rows(database, "SELECT id FROM fixture_one ORDER BY id") == [1, 2]
    assert await rows(database, "SELECT id FROM fixture_two") == [2]
