"""``python -m tests.faults [NAME …]``: run the faults, print the table, write ``build/faults.json``.

``FAULTS_SHORT=1`` runs each in its short form. Exits 1 when one did not pass.
"""

import asyncio
import os
import sys
import tempfile
import traceback
from pathlib import Path

from tests.faults.report import Row, table, write
from tests.faults.runs import runs


async def main(names: list[str]) -> list[Row]:
    """Run them one after another; one that breaks is a row that did not pass."""
    rows = []
    known = runs(is_short=bool(os.environ.get("FAULTS_SHORT")))
    for name in names or known:
        print(f"{name} …", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix=f"balefire-{name}-") as folder:
            try:
                rows.append(await known[name](Path(folder)))
            except Exception as error:
                traceback.print_exc()
                rows.append(Row(name, 0, 0, 0, 0, False, f"{type(error).__name__}: {error}"))
    return rows


if __name__ == "__main__":
    rows = asyncio.run(main(sys.argv[1:]))
    write(rows)
    print(table(rows))
    sys.exit(not all(row.passed for row in rows))
