"""What comes back from a vendor, and what becomes of what goes wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balefire import (
    Answer,
    AuthExpired,
    Misconfigured,
    NotificationRejected,
    PushError,
    QuotaExhausted,
    RateLimited,
    Refusals,
    TokenRejected,
    TryLater,
    fit_texts,
    read_grant,
)
from balefire.vendor_kit.http import LONGEST_WAIT_SECONDS, read_retry_after

NOW = 1_760_000_000_000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", None),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("-7", None),
        ("7.5", None),
        ("٧", None),
        ("9" * 400, LONGEST_WAIT_SECONDS),
        ("Thu, 09 Oct 2025 08:53:50 GMT", 30.0),
        ("Thu, 09 Oct 2025 08:00:00 GMT", 0.0),
        ("Thu, 09 Oct 2099 08:00:00 GMT", LONGEST_WAIT_SECONDS),
        ("soon", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert read_retry_after(text, NOW) == seconds


@given(st.text())
def test_any_retry_after_is_bounded_or_nothing(text: str) -> None:
    found = read_retry_after(text, NOW)

    assert found is None or 0 <= found <= LONGEST_WAIT_SECONDS


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, NotificationRejected),
        (401, AuthExpired),
        (403, Misconfigured),
        (404, Misconfigured),
        (408, TryLater),
        (410, TokenRejected),
        (413, NotificationRejected),
        (429, RateLimited),
        (500, TryLater),
        (503, TryLater),
    ],
)
def test_without_a_code_the_status_decides(status: int, kind: type[PushError]) -> None:
    error = Refusals("beacon", {}).explain(Answer(status, {}, {}, 7.0))

    assert type(error) is kind
    assert error.reason == f"beacon answered {status}"
    assert error.retry_after_seconds == (7.0 if kind in (TryLater, RateLimited) else None)


def test_a_code_decides_over_the_status() -> None:
    refusals = Refusals("beacon", {"E7": QuotaExhausted})

    error = refusals.explain(Answer(200, {}, {}, 60.0), "E7", "wait until tomorrow")

    assert type(error) is QuotaExhausted
    assert error.reason == "beacon answered E7: wait until tomorrow"
    assert error.retry_after_seconds == 60.0


@given(st.text(max_size=200), st.text(max_size=200), st.integers(0, 300))
def test_texts_fit_or_are_refused(title: str, body: str, limit: int) -> None:
    def size(a: str, b: str) -> int:
        return 20 + len(a.encode("utf-8", "replace")) + len(b.encode("utf-8", "replace"))

    try:
        kept_title, kept_body = fit_texts(title, body, size, limit)
    except NotificationRejected:
        assert size("", "") > limit
        return
    assert size(kept_title, kept_body) <= limit
    assert title.startswith(kept_title.removesuffix("…"))
    assert body.startswith(kept_body.removesuffix("…"))
    assert kept_title == title or not kept_body, "the title is cut only when nothing is left of the body"


def test_a_vendor_may_have_its_own_idea_of_a_status() -> None:
    refusals = Refusals("beacon", {"E1": TryLater}, {503: RateLimited})

    assert type(refusals.explain(Answer(503, {}, {}))) is RateLimited
    assert type(refusals.explain(Answer(503, {}, {}), "E1")) is TryLater


def test_a_success_without_a_word_comes_from_something_in_between() -> None:
    assert type(Refusals("beacon", {}).explain(Answer(200, {}, {}))) is TryLater
    assert type(Refusals("beacon", {}).explain(Answer(200, {}, {"code": "?"}), "?")) is NotificationRejected


@pytest.mark.parametrize(
    ("status", "fields", "kind"),
    [
        (200, {"access_token": "a"}, Misconfigured),
        (200, {"access_token": 1, "expires_in": 60}, Misconfigured),
        (400, {"error": 1101}, Misconfigured),
        (403, {}, Misconfigured),
        (200, {}, TryLater),
        (429, {}, TryLater),
        (502, {}, TryLater),
    ],
)
def test_no_access_token_says_whose_turn_it_is(status: int, fields: dict[str, object], kind: type[PushError]) -> None:
    with pytest.raises(kind, match="beacon"):
        read_grant("beacon", Answer(status, {}, fields), "compare the secret")

    assert read_grant("beacon", Answer(200, {}, {"access_token": "a", "expires_in": 60}), "") == ("a", 60.0)
