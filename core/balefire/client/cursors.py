"""Local cursors: up to which seq each conversation was taken over, kept in memory or in a small SQLite file."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from balefire.client.errors import CursorsFailed

T = TypeVar("T")


class Cursors:
    """Positions per conversation for one account, written behind to ``path`` when there is one.

    ``load`` and ``flush`` touch the disk and do so in a thread; ``get`` and ``advance`` are plain memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._account = ""
        self._positions: dict[str, int] = {}
        self._unsaved: dict[str, int] = {}
        self._lock = asyncio.Lock()

    def get(self, conversation: str) -> int | None:
        """The saved position; ``None`` for a conversation never seen."""
        return self._positions.get(conversation)

    def advance(self, conversation: str, seq: int) -> None:
        """Move a cursor forward; a lower position is ignored."""
        if seq > self._positions.get(conversation, -1):
            self._positions[conversation] = self._unsaved[conversation] = seq

    def snapshot(self) -> Mapping[str, int]:
        """All positions as they stand."""
        return dict(self._positions)

    async def load(self, account: str) -> None:
        """Read the account's positions; positions of another account are left alone.

        :raises CursorsFailed: the file cannot be read.
        """
        self._account = account
        if self._path is not None:
            self._positions = await _with_file(self._path, lambda path: _read(path, account)) | self._positions

    async def flush(self) -> None:
        """Write what changed since the last time, all of it or nothing.

        :raises CursorsFailed: it could not be written; the next flush tries again.
        """
        async with self._lock:
            unsaved, self._unsaved = self._unsaved, {}
            if self._path is None or not unsaved:
                return
            try:
                await _with_file(self._path, lambda path: _write(path, self._account, unsaved))
            except BaseException:  # cancelled too; writing a position twice changes nothing
                self._unsaved = unsaved | self._unsaved
                raise


async def _with_file(path: Path, work: Callable[[Path], T]) -> T:
    try:
        return await asyncio.to_thread(work, path)
    except (OSError, sqlite3.Error) as error:
        raise CursorsFailed(f"{path}: {error}") from error


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=5.0)
    connection.execute(
        "CREATE TABLE IF NOT EXISTS cursor (account TEXT, conversation TEXT, seq INTEGER NOT NULL,"
        " PRIMARY KEY (account, conversation)) WITHOUT ROWID"
    )
    return connection


def _read(path: Path, account: str) -> dict[str, int]:
    connection = _open(path)
    try:
        return dict(connection.execute("SELECT conversation, seq FROM cursor WHERE account = ?", (account,)))
    finally:
        connection.close()


def _write(path: Path, account: str, positions: Mapping[str, int]) -> None:
    connection = _open(path)
    try:
        with connection:
            connection.executemany(
                "INSERT INTO cursor VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seq = max(seq, excluded.seq)",
                [(account, conversation, seq) for conversation, seq in positions.items()],
            )
    finally:
        connection.close()
