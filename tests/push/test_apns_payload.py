"""What Apple gets to read fits, whatever is put in, and no character is cut in two."""

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balefire import Notification, NotificationRejected, TokenRejected, shorten
from balefire_push_apns.payload import LIMIT_BYTES, VOIP_LIMIT_BYTES, build_headers, build_payload, choose_topic

PIECES = ["a", "好", "é", "👍🏽", "👩‍👩‍👧‍👦", "🇨🇳", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", '"', "\\", "\n", "\x00", " ", "ß"]
texts = st.lists(st.sampled_from(PIECES), max_size=30).flatmap(
    lambda pieces: st.integers(1, 400).map(lambda times: "".join(pieces) * times)
)


def note(**fields: Any) -> Notification:
    values: dict[str, Any] = {"id": "00000000-0000-4000-8000-000000000001", "token": "ab" * 32}
    return Notification(**(values | fields))


def headers(**fields: Any) -> dict[str, str]:
    built = build_headers(note(**fields), authority="a", topic="t", expires_at=1, authorization="jwt")
    return dict(built)


@given(title=texts, body=texts, style=st.sampled_from(["alert", "voip"]))
def test_every_payload_fits_and_is_json(title: str, body: str, style: Any) -> None:
    payload = build_payload(note(title=title, body=body, style=style, badge=1, thread="group/x"))

    assert len(payload) <= (VOIP_LIMIT_BYTES if style == "voip" else LIMIT_BYTES)
    alert = json.loads(payload)["aps"].get("alert", {})
    assert body.startswith(alert.get("body", "").removesuffix("…"))
    assert rb"\u4" not in payload


@given(st.text(), st.text(max_size=50))
def test_any_text_at_all_becomes_a_payload(body: str, title: str) -> None:
    assert json.loads(build_payload(note(title=title, body=body * 40)))["aps"] is not None


def test_half_a_surrogate_pair_does_no_harm() -> None:
    assert json.loads(build_payload(note(body="a\ud83d")))["aps"]["alert"]["body"] == "a?"


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=40), st.integers(0, 200))
def test_no_character_is_cut_in_two(pieces: list[str], limit: int) -> None:
    text = "".join(pieces)

    cut = shorten(text, lambda part: len(part.encode()) <= limit)

    assert len(cut.encode()) <= limit
    if cut != text and cut:
        kept = cut.removesuffix("…")
        borders, end = {0}, 0
        for piece in pieces:
            end += len(piece)
            borders.add(end)
        ends = {border for border in borders if text[:border].rstrip() == kept}
        assert ends, f"{kept!r} ends within a character"


@given(st.text(max_size=300), st.integers(0, 100))
def test_shortening_is_a_beginning_and_fits(text: str, limit: int) -> None:
    cut = shorten(text, lambda part: len(part) <= limit)

    assert len(cut) <= limit
    assert cut == text or text.startswith(cut.removesuffix("…"))
    rest = text[len(cut) - 1 :] if cut.endswith("…") and cut != text else ""
    assert not rest or unicodedata.category(rest[0]) not in ("Mn", "Me") or len(text) > 64


def test_the_apps_data_is_never_cut() -> None:
    with pytest.raises(NotificationRejected, match="4096"):
        build_payload(note(body="x", data={"blob": "x" * 5000}))


def test_data_cannot_replace_what_apple_reads() -> None:
    payload = json.loads(build_payload(note(body="real", data={"aps": {"alert": "forged"}, "k": 1})))

    assert payload == {"aps": {"alert": {"body": "real"}}, "k": 1}


@pytest.mark.parametrize("token", ["", "xyz", "ab" * 3, "ab" * 101, "ab" * 20 + "\r\nx: y", "../../x", "ab" * 15 + "a"])
def test_what_cannot_be_a_token_is_refused_before_it_is_sent(token: str) -> None:
    with pytest.raises(TokenRejected):
        headers(token=token)


@given(st.text(min_size=1, max_size=200))
def test_every_collapse_key_becomes_a_header(key: str) -> None:
    value = headers(collapse_key=key)["apns-collapse-id"]

    assert 0 < len(value.encode()) <= 64
    assert value.isascii()
    assert value.isprintable()


@given(st.text(max_size=60))
def test_every_id_becomes_a_uuid_and_stays_the_same(note_id: str) -> None:
    first, second = headers(id=note_id)["apns-id"], headers(id=note_id)["apns-id"]

    assert first == second
    assert len(first) == 36


def test_tokens_are_sent_in_lower_case() -> None:
    assert headers(token="AB" * 32)[":path"] == "/3/device/" + "ab" * 32


def test_apps_that_are_not_configured_are_named() -> None:
    with pytest.raises(NotificationRejected, match=r"com\.stranger"):
        choose_topic(note(app="com.stranger"), ["com.example.app"])
    assert choose_topic(note(), ["com.example.app"]) == "com.example.app"
