"""What messages are made of."""

import json
from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from balefire import Notification, app_data, fill_intent, stable_number, stated


def test_the_app_draws_calls_itself_and_gets_the_words() -> None:
    call = Notification(id="1", token="t", data={"call": "c1"}, style="voip")
    alert = Notification(id="1", token="t", data={"call": "c1"})

    assert app_data(call, "Ada", "calls") == {"call": "c1", "title": "Ada", "body": "calls", "push": "call"}
    assert app_data(alert, "Ada", "calls") == {"call": "c1"}


@given(st.text())
def test_a_number_for_a_key_is_positive_and_has_31_bits(key: str) -> None:
    assert 0 < stable_number(key) < 2**31


def test_a_number_stays_the_same() -> None:
    assert stable_number("m4711") == stable_number("m4711") != stable_number("m4712")


def test_fields_that_say_nothing_are_left_out() -> None:
    assert stated(sound="", badge=0, tag=None, sticky=False) == {"badge": 0, "sticky": False}


@given(st.dictionaries(st.text(), st.text()))
def test_an_intent_carries_the_data_whatever_is_in_it(data: dict[str, str]) -> None:
    filled = fill_intent("intent://open#Intent;scheme=app;S.push={data};end", data)
    carried = filled.removeprefix("intent://open#Intent;scheme=app;S.push=").removesuffix(";end")

    assert not set(carried) & set(";#=&/ ")
    assert json.loads(unquote(carried)) == json.loads(json.dumps(data))
