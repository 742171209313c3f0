"""Any number of rows in one SQLite statement.

Python's ``sqlite3`` lets go of the interpreter lock at least once per statement, and ``executemany`` once per row;
while the event loop is busy each time may take 5 ms to get it back. So a batch is one statement, and to keep
statements few enough to stay prepared, rows are padded to the next size with nothing, which ``LIMIT`` leaves out.
"""

import sqlite3
from bisect import bisect_left
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

_SIZES: Final = (1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)

CACHED_STATEMENTS: Final = 8 * len(_SIZES)


class Bulk:
    """A statement over rows of values.

    :param before: SQL up to the rows: ``INSERT INTO t (a, b)``, or ``WITH`` for a query of the table ``given``.
    :param width: how many values a row has; in SQL they are ``column1``, ``column2`` …
    :param after: SQL that follows the rows.
    """

    def __init__(self, before: str, width: int, after: str = "") -> None:
        self._before = before
        self._width = width
        self._after = after
        self._statements = {size: self._statement(size) for size in _SIZES}

    @classmethod
    def insert(cls, table: str, names: Sequence[str], after: str = "") -> "Bulk":
        """An ``INSERT`` of whole rows. A violated constraint ends the whole transaction: so SQLite need not keep a
        copy of every page it changes, to take back one statement."""
        return cls(f"INSERT OR ROLLBACK INTO {table} ({', '.join(names)})", len(names), after)

    def run(self, connection: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> list[Any]:
        """Run it over these rows, at most 1 024 in a statement; what the statements return, if anything."""
        results: list[Any] = []
        for start in range(0, len(rows), _SIZES[-1]):
            part = rows[start : start + _SIZES[-1]]
            size = _SIZES[bisect_left(_SIZES, len(part))]
            values = list(chain.from_iterable(part))
            values.extend([None] * (self._width * (size - len(part))))
            values.append(len(part))
            results += connection.execute(self._statements[size], values).fetchall()
        return results

    def _statement(self, size: int) -> str:
        row = "(" + ", ".join("?" * self._width) + ")"
        rows = f"SELECT * FROM (VALUES {', '.join([row] * size)}) WHERE true LIMIT ?"  # noqa: S608
        return f"{self._before} {rows} {self._after}"
