"""Messages that fit: characters as the vendor counts them, bytes of the whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balefire import Notification, NotificationRejected, encode_json, fit_message


def fit(title: str, body: str, limit: int = 4096, longest: int | None = None) -> list[str]:
    note = Notification(id="1", token="t", title=title, body=body)
    return fit_message(note, lambda *texts: list(texts), limit, longest_title=longest, longest_body=longest)


@given(st.text(max_size=100), st.text(max_size=300), st.integers(7, 400), st.integers(1, 60))
def test_whatever_is_said_fits(title: str, body: str, limit: int, longest: int) -> None:
    fitted = fit(title, body, limit, longest)

    assert len(encode_json(fitted)) <= limit
    assert all(len(text.encode("utf-16-le", "surrogatepass")) <= 2 * longest for text in fitted)


def test_characters_are_utf_16_code_units() -> None:
    assert fit("好" * 40, "👍" * 20, longest=40) == ["好" * 40, "👍" * 20]
    assert fit("好" * 41, "👍" * 21, longest=40) == ["好" * 39 + "…", "👍" * 19 + "…"]


@pytest.mark.parametrize(
    ("title", "body", "said"),
    [("Ada", "", ["Ada", "Ada"]), ("", "tea?", ["tea?", "tea?"]), ("Ada", "tea?", ["Ada", "tea?"]), ("", "", ["", ""])],
)
def test_where_both_texts_are_needed_one_stands_in_for_the_other(title: str, body: str, said: list[str]) -> None:
    note = Notification(id="1", token="t", title=title, body=body)

    assert fit_message(note, lambda *texts: list(texts), 4096, needs_both=True) == said


def test_without_room_for_any_text_it_is_refused() -> None:
    with pytest.raises(NotificationRejected, match="too large"):
        fit("title", "body", limit=6)
