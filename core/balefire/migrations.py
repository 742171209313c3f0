"""Brings a plugin's tables to the form its code expects: one linear Alembic history per plugin.

Each history has its own version table, so a plugin may come and go without touching the others. A whole upgrade is one
transaction under one lock: a process that is killed leaves either all of it or nothing, and of several processes that
start together one migrates while the others wait.
"""

import asyncio
import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, text

from balefire_hookspecs import BalefireError, Database, StorageUnavailable

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext

_LOCK_KEY: Final = 7_310_001
"""PostgreSQL's advisory lock for migrations of all plugins."""

_PATIENCE: Final = 60
"""How many times to wait the busy time-out for another process that migrates."""

_FILE_NAME: Final = re.compile(r"(\d{4})_\w+\.py")


class MigrationFailed(BalefireError):
    """A plugin's tables could not be brought up to date; the database is as it was."""

    code = "migration_failed"


class SchemaTooNew(MigrationFailed):
    """The tables were written by a later version of the plugin. Nothing has been touched."""

    code = "schema_too_new"


async def migrate(database: Database, name: str, package: str) -> None:
    """Apply what is missing of a plugin's history.

    Costs one query, and does not import Alembic, when nothing is missing.

    :param name: the plugin's name; its version table is ``<name>_schema_version``, dashes as underscores.
    :param package: dotted name of the package whose ``versions`` folder holds files ``0001_<words>.py``, each with
        the ``revision`` "0001" and so on.
    :raises SchemaTooNew: the database was written by a later version of the plugin.
    :raises MigrationFailed: a revision failed, or the history is malformed.
    :raises StorageUnavailable: the database does not answer.
    """
    folder = _folder(name, package)
    known = _revisions(name, folder)
    version_table = f"{name.replace('-', '_')}_schema_version"
    async with database.read() as connection:
        found = await connection.run_sync(_current, version_table)
    if found == known[-1]:
        return
    await _upgrade(database, name, folder, known, version_table)


async def pending(database: Database, name: str, package: str) -> list[str]:
    """The revisions ``migrate`` would apply, oldest first; touches nothing.

    :raises SchemaTooNew: the database was written by a later version of the plugin.
    """
    known = _revisions(name, _folder(name, package))
    async with database.read() as connection:
        found = await connection.run_sync(_current, f"{name.replace('-', '_')}_schema_version")
    if found is None:
        return known
    if found not in known:
        raise SchemaTooNew(
            f"plugin '{name}': the database is at schema {found}, this version knows up to {known[-1]}; "
            "install the version that wrote it, or restore a backup"
        )
    return known[known.index(found) + 1 :]


async def _upgrade(database: Database, name: str, folder: Path, known: list[str], version_table: str) -> None:
    for attempt in range(_PATIENCE):
        try:
            async with database.write() as connection:
                if database.dialect == "postgresql":
                    await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})"))
                await connection.run_sync(_apply, name, folder, known, version_table)
            return
        except StorageUnavailable as error:
            if "locked" not in error.reason or attempt == _PATIENCE - 1:
                raise
            await asyncio.sleep(0.1)


def _apply(connection: Connection, name: str, folder: Path, known: list[str], version_table: str) -> None:
    """Runs inside the transaction that holds the lock, so what it reads cannot change under it."""
    found = _current(connection, version_table)
    if found == known[-1]:
        return
    if found is not None and found not in known:
        raise SchemaTooNew(
            f"plugin '{name}': the database is at schema {found}, this version knows up to {known[-1]}; "
            "install the version that wrote it, or restore a backup"
        )
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    settings = Config()
    settings.set_main_option("script_location", str(folder).replace("%", "%%"))
    settings.set_main_option("path_separator", "newline")
    script = ScriptDirectory.from_config(settings)

    def steps(revision: Any, _: "MigrationContext") -> Any:
        # What alembic's own "upgrade" command calls. It has an underscore, hence the upper bound on alembic.
        return script._upgrade_revs(known[-1], revision)

    if connection.dialect.name == "sqlite":
        # A batch operation rebuilds a table; references to it are whole again only at the commit.
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    try:
        with EnvironmentContext(settings, script, fn=steps, destination_rev=known[-1]) as environment:
            environment.configure(
                connection=connection,
                version_table=version_table,
                render_as_batch=connection.dialect.name == "sqlite",
                transactional_ddl=True,
            )
            environment.run_migrations()
    except Exception as error:
        raise MigrationFailed(f"plugin '{name}': its migrations failed from schema {found}: {error}") from error


def _current(connection: Connection, version_table: str) -> str | None:
    """The revision the database is at, ``None`` before the first."""
    if not connection.dialect.has_table(connection, version_table):
        return None
    return connection.execute(text(f"SELECT version_num FROM {version_table}")).scalar()  # noqa: S608


def _folder(name: str, package: str) -> Path:
    try:
        found = importlib.util.find_spec(package)
    except ModuleNotFoundError:
        found = None
    if found is None or not found.submodule_search_locations:
        raise MigrationFailed(f"plugin '{name}': its manifest names migrations '{package}', which is no package")
    return Path(found.submodule_search_locations[0])


def _revisions(name: str, folder: Path) -> list[str]:
    """The history, oldest first, read from file names alone."""
    found = sorted(
        match[1] for file in (folder / "versions").glob("*.py") if (match := _FILE_NAME.fullmatch(file.name))
    )
    if found != [f"{number:04}" for number in range(1, len(found) + 1)] or not found:
        raise MigrationFailed(f"plugin '{name}': migrations must be versions/0001_<words>.py and on without a gap")
    return found
