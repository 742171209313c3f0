"""The count notices what it is there to notice."""

from pathlib import Path

import pytest
from tests.faults.counting import Count, Entry, compare, read

MEMBERS = {"group/g": {"ann", "bob"}}
ONE = Entry("group/g", "ann", "ann-1", "11", 1)
TWO = Entry("group/g", "ann", "ann-2", "12", 2)


def test_all_is_well_when_everything_is_stored_and_shown_once_in_order() -> None:
    count = compare([ONE, TWO], [TWO, ONE], {"ann": [], "bob": [ONE, TWO]}, MEMBERS)

    assert count == Count(acknowledged=2, lost=0, doubled=0, out_of_order=0)
    assert count.is_clean


def test_stored_without_an_acknowledgement_is_allowed() -> None:
    assert compare([ONE], [ONE, TWO], {"bob": [ONE, TWO]}, MEMBERS).is_clean


@pytest.mark.parametrize(
    ("stored", "shown", "expected"),
    [
        ([ONE], [ONE, TWO], Count(2, lost=1, doubled=0, out_of_order=0)),
        ([ONE, TWO], [ONE], Count(2, lost=1, doubled=0, out_of_order=0)),
        ([ONE, TWO], [ONE, TWO, TWO], Count(2, lost=0, doubled=1, out_of_order=0)),
        ([ONE, TWO, TWO._replace(message="13", seq=3)], [ONE, TWO], Count(2, lost=0, doubled=1, out_of_order=0)),
        ([ONE, TWO], [TWO, ONE], Count(2, lost=0, doubled=0, out_of_order=1)),
        ([ONE, TWO._replace(seq=3)], [ONE, TWO], Count(2, lost=1, doubled=0, out_of_order=1)),
    ],
)
def test_what_is_wrong_is_counted(stored: list[Entry], shown: list[Entry], expected: Count) -> None:
    assert compare([ONE, TWO], stored, {"bob": shown}, MEMBERS) == expected


def test_nothing_acknowledged_is_no_success() -> None:
    assert not compare([], [], {"bob": []}, MEMBERS).is_clean


def test_a_line_cut_off_in_the_middle_was_never_written(tmp_path: Path) -> None:

    file = tmp_path / "acknowledged"
    file.write_bytes(ONE.line() + TWO.line()[:-4])

    assert read(file) == [ONE]
