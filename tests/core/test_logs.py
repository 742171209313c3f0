"""Log lines: for people and machines, with what they are about, without secrets."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balefire.config import LogSection
from balefire.logs import masked, setup_logging


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:], root.level = before


def test_a_line_for_people_names_level_place_and_what_it_is_about(lines: io.StringIO) -> None:
    setup_logging(LogSection.model_validate({"format": "text"}), lines)

    logging.getLogger("balefire.push").warning("delivered in %d ms", 12, extra={"vendor": "acme", "tries": 2})

    [line] = lines.getvalue().splitlines()
    assert line.endswith("warning balefire.push  delivered in 12 ms  vendor=acme  tries=2")


def test_a_line_for_machines_is_one_json_object(lines: io.StringIO) -> None:
    setup_logging(LogSection.model_validate({"format": "json"}), lines)

    try:
        raise ValueError("broken\nin two lines")
    except ValueError:
        logging.getLogger("balefire.push").exception("no luck", extra={"vendor": "acme", "tries": 2})

    [line] = map(json.loads, lines.getvalue().splitlines())
    assert (line["level"], line["logger"], line["text"]) == ("error", "balefire.push", "no luck")
    assert (line["vendor"], line["tries"]) == ("acme", 2)
    assert "ValueError: broken" in line["error"]
    assert isinstance(line["at"], int)


def test_what_is_below_the_level_is_not_shown(lines: io.StringIO) -> None:
    setup_logging(LogSection.model_validate({"level": "warning"}), lines)

    logging.getLogger("balefire").info("quiet")
    logging.getLogger("httpx").warning("heard")

    assert "quiet" not in lines.getvalue()
    assert "heard" in lines.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer hush-hush-4711",
        "authorization=Bearer hush-hush-4711",
        "refused token=hush-hush-4711 for ada",
        '{"password": "hush-hush-4711"}',
        "api_key: 'hush-hush-4711'",
        "postgresql://me:hush-hush-4711@host/db",
        "got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.hush-hush-4711 from ada",
    ],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_what_looks_like_a_credential_is_masked(lines: io.StringIO, text: str, form: str) -> None:
    setup_logging(LogSection.model_validate({"format": form}), lines)

    logging.getLogger("balefire").error("%s", text, extra={"about": text})

    assert "hush" not in lines.getvalue()
    assert "***" in lines.getvalue()


@given(st.text())
def test_masking_never_fails(text: str) -> None:
    assert isinstance(masked(text), str)


def test_ordinary_text_is_left_alone() -> None:
    text = "plugin 'push-acme' at http://127.0.0.1:8450/docs: token_gone, 3 tokens forgotten"

    assert masked(text) == text
