"""The fault runs in their short form: what ``make faults`` does at length."""

from pathlib import Path

import pytest
from tests.faults.runs import runs

SHORT = runs(is_short=True)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", SHORT)
async def test_nothing_acknowledged_is_lost_or_doubled(fault: str, tmp_path: Path) -> None:
    row = await SHORT[fault](tmp_path)

    assert row.acknowledged > 0
    assert (row.lost, row.doubled) == (0, 0), row.note
    assert row.passed, row.note
