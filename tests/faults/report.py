"""What a fault run tells: one row per fault, as a table and as ``build/faults.json``."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parents[2] / "build" / "faults.json"
KEYS = ("fault", "rounds", "acknowledged", "lost", "doubled", "passed")


@dataclass(frozen=True, slots=True)
class Row:
    """One fault's result. ``lost``: acknowledged and then not stored as told, or never shown to a receiver;
    ``doubled``: stored twice, or shown twice to one receiver."""

    fault: str
    rounds: int
    acknowledged: int
    lost: int
    doubled: int
    passed: bool
    note: str = ""


def write(rows: Sequence[Row]) -> None:
    """Write the results file."""
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps([{key: getattr(row, key) for key in KEYS} for row in rows], indent=2) + "\n")


def table(rows: Sequence[Row]) -> str:
    """The rows for people."""
    lines = [f"{'fault':<28}{'rounds':>7}{'acknowledged':>14}{'lost':>6}{'doubled':>9}  {'':<7}note"]
    for row in rows:
        verdict = "passed" if row.passed else "FAILED"
        counts = f"{row.rounds:>7}{row.acknowledged:>14}{row.lost:>6}{row.doubled:>9}"
        lines.append(f"{row.fault:<28}{counts}  {verdict:<7}{row.note}")
    return "\n".join(lines)
