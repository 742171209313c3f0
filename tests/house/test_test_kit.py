"""The test kit: its clock, its scripted HTTP, and a platform per test."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from balefire.testing import HttpScript, Phones, Platform, TestClock, next_event, start_platform


async def test_a_clock_stands_still_until_it_is_moved(test_clock: TestClock) -> None:
    before = test_clock.now_ms()

    await test_clock.advance(90)

    assert test_clock.now_ms() - before == 90_000


async def test_sleepers_wake_in_the_order_of_their_hours(test_clock: TestClock) -> None:
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await test_clock.sleep(seconds)
        woken.append((name, test_clock.monotonic()))

    async with asyncio.TaskGroup() as group:
        for name, seconds in [("late", 20.0), ("early", 5.0)]:
            group.create_task(sleeper(name, seconds))
        await asyncio.sleep(0)
        await test_clock.advance(60)

    assert woken == [("early", 5.0), ("late", 20.0)]


async def test_one_who_sleeps_again_is_woken_again_within_the_same_stretch(test_clock: TestClock) -> None:
    ticks: list[float] = []

    async def ticker() -> None:
        while True:
            await test_clock.sleep(10)
            ticks.append(test_clock.monotonic())

    task = asyncio.create_task(ticker())
    await asyncio.sleep(0)
    await test_clock.advance(35)
    task.cancel()

    assert ticks == [10, 20, 30]
    assert test_clock.sleepers == 0


async def test_a_jump_of_the_wall_clock_wakes_nobody(test_clock: TestClock) -> None:
    sleeping = asyncio.create_task(test_clock.sleep(10))
    await asyncio.sleep(0)
    before = test_clock.now_ms()

    test_clock.jump(-86_400)

    assert (test_clock.now_ms() - before, test_clock.monotonic(), sleeping.done()) == (-86_400_000, 0, False)
    sleeping.cancel()


async def test_a_flowing_clock_needs_no_pushing_and_can_be_pushed() -> None:
    clock = TestClock(auto_advance=True)

    await clock.sleep(0.001)
    long_sleep = asyncio.create_task(clock.sleep(3600))
    await asyncio.sleep(0)
    await clock.advance(3600)

    await long_sleep


async def test_a_script_answers_in_order(http_script: HttpScript) -> None:
    http_script.expect(
        "POST", "https://vendor.example/send", json={"to": "x"}, status=429, headers={"Retry-After": "3"}
    )
    http_script.expect("GET", "https://vendor.example/", answer={"ok": True})

    async with httpx.AsyncClient(transport=http_script) as http:
        refused = await http.post("https://vendor.example/send", json={"to": "x"})
        accepted = await http.get("https://vendor.example/")

    assert (refused.status_code, refused.headers["Retry-After"], accepted.json()) == (429, "3", {"ok": True})


async def test_a_script_refuses_what_it_did_not_expect() -> None:
    script = HttpScript().expect("GET", "https://vendor.example/")

    async with httpx.AsyncClient(transport=script) as http:
        with pytest.raises(AssertionError, match="expected GET"):
            await http.delete("https://vendor.example/")
        with pytest.raises(AssertionError, match="nothing more is expected"):
            await http.get("https://vendor.example/")


def test_a_script_notices_what_was_never_asked_for() -> None:
    with pytest.raises(AssertionError, match=r"never asked for: GET https://vendor\.example/"):
        HttpScript().expect("GET", "https://vendor.example/").check()


async def test_virtual_users_talk_over_real_sockets(platform: Platform) -> None:
    alice, bob = await platform.client("alice"), await platform.client("bob")

    sent = await alice.send("private/bob", "hello")

    received = await next_event(bob)
    assert (received.id, received.sender, received.fields["text"]) == (sent.id, "alice", "hello")


class TestSettings:
    @pytest.fixture
    def balefire_config(self) -> dict[str, Any]:
        return {"kernel": {"max_message_bytes": 2048}}

    async def test_a_test_brings_its_own_settings(self, platform: Platform) -> None:
        assert platform.kernel.config.kernel.max_message_bytes == 2048


async def test_the_http_client_is_an_operators(platform: Platform) -> None:
    answer = await platform.http.get("/readyz")

    assert answer.status_code == 200


async def test_a_platform_restarts_on_its_folder(tmp_path: Path) -> None:
    async with start_platform(tmp_path) as first:
        await first.add_user("bob")
        alice = await first.client("alice")
        sent = await alice.send("private/bob", "still here?")

    async with start_platform(tmp_path) as second:
        bob = await second.client("bob", start="all")
        received = await next_event(bob)

    assert received.id == sent.id


async def test_the_phone_of_somebody_who_is_away_rings(phones: Phones) -> None:
    phone = await phones.give("bob")
    alice = await phones.platform.client("alice")

    await alice.send("private/bob", "are you there?")

    assert (await phones.ring(phone))["body"].endswith("are you there?")


async def test_a_phone_without_the_app_stays_silent(phones: Phones) -> None:
    kept, removed = await phones.give("bob"), await phones.give("bob")
    await phones.uninstall(removed)
    alice = await phones.platform.client("alice")

    await alice.send("private/bob", "are you there?")

    await phones.ring(kept)
    assert await phones.shown(removed) == []
