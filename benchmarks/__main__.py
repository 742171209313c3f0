"""``python -m benchmarks``: run the workloads, print the table, write build/bench.json.

``WORKLOADS=W1,W4`` runs a part, ``RUNS=5`` sets how many runs the medians are taken of, ``SCALE=0.1`` makes each run
a tenth as long (a smoke test of the benchmark, not a measurement).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.workloads import WORKLOADS, Row

OUT = Path("build/bench.json")


async def run(names: list[str], runs: int, scale: float, console: Console) -> list[Row]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="balefire-bench-") as folder:
        for name in names:
            with console.status(f"{name}: {(WORKLOADS[name].__doc__ or '').splitlines()[0]}"):
                rows += await WORKLOADS[name](Path(folder), runs, scale)
            write(rows)  # what was measured is kept, whatever happens to the rest
            console.print(f"[green]done[/] {name}")
    return rows


def write(rows: list[Row]) -> None:
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps([r.as_dict() for r in rows], indent=1) + "\n")


def table(rows: list[Row]) -> Table:
    shown = Table(title="Balefire bench: medians; ratios against the baseline of the same run")
    for heading in ("", "metric", "value", "baseline", "ratio", "target", "runs", "note"):
        shown.add_column(heading, justify="right" if heading in {"value", "baseline", "ratio", "runs"} else "left")
    for r in rows:
        shown.add_row(
            r.workload,
            r.metric,
            f"{r.value:,.3g} {r.unit}" if r.value < 100 else f"{r.value:,.0f} {r.unit}",
            "" if r.baseline is None else (f"{r.baseline:,.3g}" if r.baseline < 100 else f"{r.baseline:,.0f}"),
            "" if r.ratio is None else f"{r.ratio:.2f}",
            r.target,
            str(r.runs),
            r.note,
        )
    return shown


def main() -> int:
    names = [name for name in os.environ.get("WORKLOADS", ",".join(WORKLOADS)).split(",") if name]
    unknown = [name for name in names if name not in WORKLOADS]
    if unknown:
        print(f"WORKLOADS: no workload {', '.join(unknown)}; there are {', '.join(WORKLOADS)}", file=sys.stderr)
        return 2
    console = Console(width=None if sys.stdout.isatty() else 160)
    uvloop.install()
    rows = asyncio.run(run(names, int(os.environ.get("RUNS", "3")), float(os.environ.get("SCALE", "1")), console))
    console.print(table(rows))
    console.print(f"written to {OUT}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
