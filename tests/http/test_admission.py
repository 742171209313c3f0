"""Who gets in, how often, and how often a repeated request acts."""

import asyncio
from pathlib import Path

import httpx
import pytest
from tests.http.probe import Probe

from balefire.rate_limits import Rate, RateLimits
from balefire.testing import Platform, TestClock, start_platform


async def test_a_caller_without_credentials_is_asked_for_them(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/probe/parcels?q=x")

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="balefire"'


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Basic YWxpY2U6eA==", "Bearer nonsense", "Bearer bf_operator_" + "0" * 64, "Bearer é"],
)
async def test_credentials_that_are_worth_nothing_are_refused(stranger: httpx.AsyncClient, header: str) -> None:
    for path in ("/probe/parcels?q=x", "/probe/open"):
        answer = await stranger.get(path, headers={b"Authorization": header.encode()})

        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_credentials_that_are_very_long_are_refused_unread(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/probe/open", headers={"Authorization": "Bearer " + "x" * 5000})

    assert answer.status_code == 401


async def test_a_scope_that_is_missing_is_named(alice: httpx.AsyncClient) -> None:
    answer = await alice.post("/probe/admin")

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert "'admin'" in answer.json()["detail"]


async def test_public_operations_know_the_caller_who_says_who_they_are(
    alice: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    assert (await stranger.get("/probe/open")).json()["label"] == "nobody"
    assert (await alice.get("/probe/open")).json()["label"] == "alice"


async def test_a_flood_is_told_when_to_come_back(tmp_path: Path) -> None:
    clock = TestClock()
    settings = {"server": {"rates": {"probe": {"per_minute": 60, "burst": 3}}}}
    async with start_platform(tmp_path, extra={"probe": Probe()}, settings=settings, clock=clock) as site:
        answers = [await site.http.get("/probe/limited") for _ in range(4)]

        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
        assert answers[0].headers["RateLimit-Limit"] == "3"
        assert answers[-1].json()["code"] == "slow_down"
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 2

        await clock.advance(1.0)
        assert (await site.http.get("/probe/limited")).status_code == 200
        assert (await site.http.get("/probe/open")).status_code == 200


async def test_a_flood_of_wrong_credentials_is_limited_by_address(tmp_path: Path) -> None:
    settings = {"server": {"rates": {"anonymous": {"per_minute": 1, "burst": 5}}}}
    async with start_platform(tmp_path, settings=settings, clock=TestClock()) as site:
        async with httpx.AsyncClient(base_url=site.url, trust_env=False) as guesser:
            wrong = {"Authorization": "Bearer bf_operator_" + "0" * 64}
            statuses = [(await guesser.get("/v1/users/me", headers=wrong)).status_code for _ in range(7)]

        assert statuses == [401] * 5 + [429] * 2
        assert (await site.http.get("/v1/users")).status_code == 200


def test_buckets_refill_and_do_not_grow_without_end() -> None:
    limits = RateLimits(most_buckets=10)
    rate = Rate(per_minute=60, burst=2)

    assert [limits.take("a", rate, 0.0).is_granted for _ in range(3)] == [True, True, False]
    assert limits.take("a", rate, 0.5).retry_after_seconds == pytest.approx(0.5)
    assert limits.take("a", rate, 1.5).is_granted
    for number in range(1000):
        limits.take(f"caller {number}", rate, 2.0)
    assert len(limits._buckets) == 10


async def test_a_repeated_key_acts_once_and_is_answered_the_same(
    alice: httpx.AsyncClient, site: Platform, probe: Probe
) -> None:
    key = {"Idempotency-Key": "order-7"}
    first = await alice.post("/probe/1/parcels", json={"weight": 1}, headers=key)
    again = await alice.post("/probe/1/parcels", json={"weight": 1}, headers=key)

    assert probe.calls == 1
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"

    other = await site.http.post("/probe/1/parcels", json={"weight": 1}, headers=key)
    assert other.json()["number"] == 2, "another caller's key is another key"


async def test_a_refusal_is_repeated_too(alice: httpx.AsyncClient, probe: Probe) -> None:
    key = {"Idempotency-Key": "k"}
    answers = [
        await alice.post("/probe/1/parcels", json={"weight": 1, "label": "taken"}, headers=key) for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert answers[1].headers["content-type"] == "application/problem+json"
    assert probe.calls == 1


async def test_a_key_belongs_to_one_request(alice: httpx.AsyncClient, probe: Probe) -> None:
    key = {"Idempotency-Key": "k"}
    await alice.post("/probe/1/parcels", json={"weight": 1}, headers=key)
    answers = [
        await alice.post("/probe/1/parcels", json={"weight": 2}, headers=key),
        await alice.post("/probe/2/parcels", json={"weight": 1}, headers=key),
    ]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(422, "idempotency_key_reused")}
    assert probe.calls == 1


@pytest.mark.parametrize("key", ["", "x" * 129, "é"])
async def test_a_key_that_is_no_key_is_refused(alice: httpx.AsyncClient, key: str, probe: Probe) -> None:
    answer = await alice.post("/probe/1/parcels", json={"weight": 1}, headers={b"Idempotency-Key": key.encode()})

    assert (answer.status_code, answer.json()["where"]) == (422, "header.idempotency-key")
    assert probe.calls == 0


async def test_a_repeat_while_the_first_still_runs_is_told_so(alice: httpx.AsyncClient, probe: Probe) -> None:
    key = {"Idempotency-Key": "k"}
    first = asyncio.create_task(alice.post("/probe/slow", headers=key))
    await probe.entered.wait()
    second = await alice.post("/probe/slow", headers=key)
    probe.gate.set()

    assert (second.status_code, second.json()["code"]) == (409, "idempotency_in_progress")
    assert (await first).status_code == 204
    assert (await alice.post("/probe/slow", headers=key)).status_code == 204
    assert probe.calls == 1


async def test_an_answer_is_kept_so_that_the_database_alone_does_not_tell_it(
    alice: httpx.AsyncClient, site: Platform
) -> None:
    asked = {"json": {"weight": 1, "label": "a new key, shown once"}, "headers": {"Idempotency-Key": "k"}}
    first = await alice.post("/probe/1/parcels", **asked)  # type: ignore[arg-type]

    for file in (site.folder / "data").glob("balefire.db*"):
        assert b"shown once" not in file.read_bytes()
    assert (await alice.post("/probe/1/parcels", **asked)).json() == first.json()  # type: ignore[arg-type]


async def test_answers_survive_a_restart_and_are_forgotten_after_a_day(tmp_path: Path) -> None:
    clock = TestClock()
    numbers = []
    key = {"Idempotency-Key": "k"}
    probe = Probe()
    for hours in (0, 23, 2):
        await clock.advance(hours * 3600)
        async with start_platform(tmp_path, extra={"probe": probe}, clock=clock) as site:
            numbers.append((await site.http.post("/probe/1/parcels", json={"weight": 1}, headers=key)).json()["number"])

    assert numbers == [1, 1, 2]
