"""Whether a phone rings: every rule, their order, and what a plugin may say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balefire import PushChoice, User
from balefire_push.decision import FIRM_RULES, WISHES, Situation, decide
from balefire_push.preferences import Preferences, QuietHours, local_minute, read_preferences

NIGHT = Preferences(quiet_hours=QuietHours(22 * 60, 7 * 60))
OFF = Preferences(is_muted=True)
NO_CALLS = Preferences(mutes_calls=True)
YES, NO = PushChoice(is_allowed=True, reason="vip"), PushChoice(is_allowed=False, reason="holiday")

TABLE: list[tuple[dict[str, Any], bool, str]] = [
    ({}, True, "default"),
    ({"is_sender": True}, False, "sender"),
    ({"is_sender": True, "choice": YES}, False, "sender"),
    ({"has_text": False}, False, "text"),
    ({"has_text": False, "is_call": True}, True, "default"),
    ({"has_token": False}, False, "device"),
    ({"has_token": False, "choice": YES}, False, "device"),
    ({"is_read": True}, False, "read"),
    ({"is_late": True}, False, "age"),
    ({"is_muted": True}, False, "muted"),
    ({"is_muted": True, "is_mentioned": True}, True, "default"),
    ({"is_muted": True, "is_call": True}, True, "default"),
    ({"preferences": OFF}, False, "muted_everywhere"),
    ({"preferences": OFF, "is_mentioned": True}, False, "muted_everywhere"),
    ({"preferences": OFF, "is_call": True}, True, "default"),
    ({"preferences": NO_CALLS, "is_call": True}, False, "calls_muted"),
    ({"preferences": NO_CALLS}, True, "default"),
    ({"is_online": True}, False, "online"),
    ({"is_online": True, "is_mentioned": True}, False, "online"),
    ({"preferences": NIGHT, "minute": 23 * 60}, False, "quiet_hours"),
    ({"preferences": NIGHT, "minute": 0}, False, "quiet_hours"),
    ({"preferences": NIGHT, "minute": 7 * 60}, True, "default"),
    ({"preferences": NIGHT, "minute": 23 * 60, "is_mentioned": True}, False, "quiet_hours"),
    ({"preferences": NIGHT, "minute": 23 * 60, "is_call": True}, False, "quiet_hours"),
    ({"choice": NO}, False, "choose_push"),
    ({"choice": YES, "is_muted": True}, True, "choose_push"),
    ({"choice": YES, "preferences": NIGHT, "minute": 0}, True, "choose_push"),
]


@pytest.mark.parametrize(("facts", "is_pushed", "rule"), TABLE)
def test_the_table(facts: dict[str, Any], is_pushed: bool, rule: str) -> None:
    decision = decide(Situation(**facts))

    assert (decision.is_pushed, decision.rule) == (is_pushed, rule)


def test_the_trace_names_every_rule_looked_at_in_order() -> None:
    decision = decide(Situation(is_muted=True, is_mentioned=True, preferences=NIGHT, minute=9 * 60))

    assert [step.rule for step in decision.steps] == [rule for rule, _ in (*FIRM_RULES, *WISHES)]
    results = {step.rule: step.result for step in decision.steps}
    assert results["muted"] == "the conversation is muted, but the message mentions the user"
    assert results["quiet_hours"] == "22:00 to 07:00, 09:00 there"


def test_hidden_detail_pushes_without_the_text() -> None:
    decision = decide(Situation(preferences=Preferences(hides_detail=True)))

    assert (decision.is_pushed, decision.shows_detail) == (True, False)
    assert decision.steps[-1].rule == "hide_detail"


situations = st.builds(
    Situation,
    is_sender=st.booleans(),
    is_mentioned=st.booleans(),
    is_call=st.booleans(),
    has_text=st.booleans(),
    has_token=st.booleans(),
    is_read=st.booleans(),
    is_late=st.booleans(),
    is_muted=st.booleans(),
    is_online=st.booleans(),
    minute=st.integers(0, 1439),
    preferences=st.sampled_from([Preferences(), OFF, NIGHT, NO_CALLS]),
    choice=st.sampled_from([None, YES, NO]),
)


@given(situations)
def test_nothing_reaches_past_the_firm_rules(situation: Situation) -> None:
    decision = decide(situation)

    if situation.is_sender or not situation.has_token or situation.is_read or situation.is_late:
        assert not decision.is_pushed
    if situation.choice is None and situation.preferences is OFF and not situation.is_call:
        assert not decision.is_pushed
    assert decision.rule == "default" or decision.rule in [step.rule for step in decision.steps]


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 1439))
def test_quiet_hours_cover_exactly_their_minutes(start: int, end: int, minute: int) -> None:
    covered = QuietHours(start, end).covers(minute)

    length = (end - start) % 1440
    assert covered == ((minute - start) % 1440 < length)


@pytest.mark.parametrize(
    ("timezone", "expected"),
    [("", 0), ("UTC", 0), ("Asia/Shanghai", 8 * 60), ("America/New_York", 19 * 60), ("Mars/Base", 0), ("../etc", 0)],
)
def test_the_minute_is_the_users_own(timezone: str, expected: int) -> None:
    assert local_minute(1_767_225_600_000, timezone) == expected  # 2026-01-01 00:00 UTC


@pytest.mark.parametrize(
    "told",
    [None, 1, "x", [], {"quiet_hours": "22-7"}, {"quiet_hours": {"from": "25:00", "to": "07:00"}}, {"muted": "yes"}],
)
def test_malformed_wishes_count_as_not_said(told: Any) -> None:
    assert read_preferences(User(id="carol", extra={"push": told})) == Preferences()


def test_wishes_are_read_from_the_profile() -> None:
    told = {"muted": True, "calls_muted": True, "hide_detail": True, "quiet_hours": {"from": "22:00", "to": "07:30"}}

    wishes = read_preferences(User(id="carol", extra={"push": told}))

    assert wishes == Preferences(
        is_muted=True, mutes_calls=True, hides_detail=True, quiet_hours=QuietHours(22 * 60, 7 * 60 + 30)
    )
