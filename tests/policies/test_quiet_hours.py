"""Quiet hours: nobody's phone rings at night unless they are mentioned."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from balefire import Conversation, Message, Payload, PushCandidate
from balefire.testing import Platform, TestClock, start_platform
from balefire_quiet_hours import Config

HOUR_MS = 3_600_000
MIDNIGHT_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
MESSAGE = Message(
    id=1,
    conversation=Conversation("private", "alice,bob"),
    seq=1,
    sender="alice",
    client_message_id="1",
    payload=Payload("text", {"text": "hello"}),
    at=MIDNIGHT_MS,
)


@pytest.mark.parametrize(("hour", "is_night"), [(21, False), (22, True), (23, True), (0, True), (6, True), (7, False)])
def test_the_night_begins_on_the_evening_before(hour: int, is_night: bool) -> None:
    assert Config.model_validate({}).covers(MIDNIGHT_MS + hour * HOUR_MS) is is_night


@pytest.mark.parametrize(("hour", "is_quiet"), [(12, False), (13, True), (14, True), (15, False)])
def test_a_siesta_lies_within_a_day(hour: int, is_quiet: bool) -> None:
    assert Config.model_validate({"begin": "13:00", "end": "15:00"}).covers(MIDNIGHT_MS + hour * HOUR_MS) is is_quiet


def test_it_is_the_night_of_the_configured_zone() -> None:
    noon_utc_is_evening_there = MIDNIGHT_MS + 15 * HOUR_MS

    assert Config.model_validate({"timezone": "Asia/Shanghai"}).covers(noon_utc_is_evening_there)


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="there is no time zone 'Moon/Crater'"):
        Config.model_validate({"timezone": "Moon/Crater"})


async def choice(platform: Platform, *, is_mentioned: bool) -> str | None:
    candidate = PushCandidate(user="bob", message=MESSAGE, is_mentioned=is_mentioned)
    chosen = await platform.kernel.host.hooks.choose_push(candidate)
    return chosen.reason if chosen else None


async def test_at_night_only_mentions_ring(tmp_path: Path) -> None:
    clock = TestClock(MIDNIGHT_MS, auto_advance=True)
    async with start_platform(tmp_path, plugins={"quiet-hours": {}}, clock=clock) as platform:
        assert await choice(platform, is_mentioned=False) == "quiet hours"
        assert await choice(platform, is_mentioned=True) is None

        clock.jump(12 * 3600)

        assert await choice(platform, is_mentioned=False) is None
