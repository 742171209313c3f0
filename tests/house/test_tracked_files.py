"""Tracked files speak of the project only: nothing of the machine they were written on, no secrets, no leftovers."""

import re

import pytest
from tests.house.sources import PROJECT, tracked_files

# Spelled in pieces, so that this file passes its own test.
FORBIDDEN = {
    "a path of one machine": "|".join(["/wor" + "k/", "/far" + "m/", "/roo" + "t/", "/opt/b" + "f", "/tmp/ba" + "sh_"]),
    "a package index by name": "|".join(["py" + r"pi\.org", "pythonhosted" + r"\.org", "npm" + r"js\.(org|com)"]),
    "unfinished work": r"(?<![\"'])\b(TO" + "DO|FIX" + r"ME)\b(?![\"'])",  # in quotes it is a vendor's word
    "a private key": "BEGIN [A-Z ]*PRIVATE " + "KEY-----\n",
}
TEXTS = [path for path in tracked_files() if path.suffix not in {".png", ".ico", ".woff2", ".svg", ".gz"}]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])

    found = [
        f"{path.relative_to(PROJECT)}:{number}"
        for path in TEXTS
        for number, line in enumerate(path.read_text(errors="replace").splitlines(keepends=True), 1)
        if pattern.search(line)
    ]

    assert found == []


def test_tests_are_neither_skipped_nor_expected_to_fail() -> None:
    marks = re.compile(r"pytest\.(mark\.)?" + "(sk" + "ip|skipif|xfa" + "il)")

    found = [path for path in TEXTS if path.suffix == ".py" and marks.search(path.read_text())]

    assert found == []


def test_no_check_is_switched_off_without_naming_it() -> None:
    blanket = re.compile(r"#\s*(type: ignore(?!\[)|noqa(?!: [A-Z]))")

    found = [path for path in TEXTS if path.suffix == ".py" and blanket.search(path.read_text())]

    assert [str(path) for path in found if path.name != "test_tracked_files.py"] == []


def test_the_rooms_have_what_a_visitor_looks_for() -> None:
    expected = ["README.md", "README.zh.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", ".ci/run"]

    assert [name for name in expected if not (PROJECT / name).stat().st_size] == []
