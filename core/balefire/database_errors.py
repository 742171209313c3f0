"""Which database errors mean "later" (a full disk, a held lock, a lost connection), and which mean "never"."""

import os
import sqlite3
from pathlib import Path
from typing import Final

from balefire_hookspecs import BalefireError, InvalidInput, StorageFull, StorageUnavailable

_SQLITE_LATER: Final = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PROTOCOL,
}

_LEFT_WHEN_FULL_BYTES: Final = 256 * 1024
"""SQLite reports some writes that a full disk refused as a plain I/O error; with less left than this, it was that."""

_POSTGRESQL_LATER: Final = ("08", "53", "57P", "57014", "55P03", "25006", "58", "XX", "3D000", "28")
"""SQLSTATE classes: connection, resources, shutdown, timeout, lock, read-only standby, I/O, no database, log-in."""


def explain_sqlite(error: BaseException, path: Path) -> StorageUnavailable | None:
    """The error to raise instead, or ``None`` if repeating the call cannot help."""
    if not isinstance(error, sqlite3.Error):
        return None
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(path)):
        return StorageFull(f"the disk of {path} is full; make room and sending works again", retry_after_seconds=5)
    if code in _SQLITE_LATER:
        return StorageUnavailable(f"database file {path}: {error}", retry_after_seconds=2)
    return None


def _is_full(path: Path) -> bool:
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < _LEFT_WHEN_FULL_BYTES


def explain_postgresql(error: BaseException) -> BalefireError | None:
    """The error to raise instead, or ``None`` if it is nothing that callers could act on."""
    import asyncpg

    # SQLAlchemy wraps the driver's error once more and keeps it as the cause.
    cause = error.__cause__ if isinstance(error.__cause__, asyncpg.PostgresError | asyncpg.InterfaceError) else error
    state = getattr(cause, "sqlstate", None) or ""
    if state == "22021":
        return InvalidInput("a text holds the character NUL, which the database cannot keep")
    if state == "53100":
        return StorageFull("the disk of the PostgreSQL server is full", retry_after_seconds=5)
    if state.startswith(_POSTGRESQL_LATER):
        return StorageUnavailable(f"PostgreSQL refused: {cause}", retry_after_seconds=2)
    if isinstance(cause, asyncpg.InterfaceError) and not isinstance(cause, asyncpg.DataError):
        return StorageUnavailable(f"the connection to PostgreSQL was lost: {cause}", retry_after_seconds=2)
    if isinstance(cause, OSError):  # TimeoutError is one
        return StorageUnavailable(f"PostgreSQL does not answer: {cause or type(cause).__name__}", retry_after_seconds=2)
    return None
