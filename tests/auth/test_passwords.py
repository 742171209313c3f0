"""Signing in with a password."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from balefire import Overloaded
from balefire.testing import Platform, TestClock, start_platform
from balefire_auth_passwords.table import ACCOUNTS

QUICK = {"auth-passwords": {"time_cost": 1, "memory_kib": 64}}
SECRET = "correct horse battery"


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
async def site(tmp_path: Path, clock: TestClock) -> AsyncIterator[Platform]:
    """A platform on which Alice has a password."""
    async with start_platform(tmp_path, plugins=QUICK, clock=clock) as platform:
        await platform.add_user("alice")
        set_ = await platform.http.post("/v1/passwords", json={"user": "alice", "password": SECRET})
        assert set_.status_code == 204
        yield platform


@pytest.fixture
async def stranger(site: Platform) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=site.url, trust_env=False) as client:
        yield client


async def sign_in(client: httpx.AsyncClient, user: str = "alice", password: str = SECRET) -> httpx.Response:
    return await client.post("/v1/login", json={"user": user, "password": password, "device_id": "phone"})


async def test_the_right_password_gives_a_token_that_works(site: Platform, stranger: httpx.AsyncClient) -> None:
    answer = await sign_in(stranger)

    assert answer.status_code == 200
    assert (answer.json()["user"], answer.json()["display_name"]) == ("alice", "Alice")
    identity = await site.kernel.authenticate(answer.json()["token"])
    assert (identity.user, identity.device_id) == ("alice", "phone")
    assert identity.may("messages:write") and not identity.may("admin")


async def test_a_wrong_password_and_an_unknown_user_look_the_same(stranger: httpx.AsyncClient) -> None:
    wrong, unknown = await sign_in(stranger, password="wrong"), await sign_in(stranger, user="nobody")

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["detail"] == unknown.json()["detail"]


async def test_both_cost_a_hash(site: Platform, stranger: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from balefire_auth_passwords.hashing import Hashing

    checked: list[bool] = []
    work = Hashing._work

    def counted(self: Hashing, password: str, known: str | None) -> str:
        checked.append(known is not None)
        return work(self, password, known)

    monkeypatch.setattr(Hashing, "_work", counted)
    await sign_in(stranger, user="nobody")
    await sign_in(stranger, user="nobody")
    await sign_in(stranger, password="wrong")

    assert checked.count(True) == 3


async def test_guessing_is_slowed_down_and_forgiven_in_time(clock: TestClock, stranger: httpx.AsyncClient) -> None:
    for user in ("alice", "nobody"):
        guesses = [await sign_in(stranger, user=user, password=f"guess {number}") for number in range(6)]
        assert [answer.status_code for answer in guesses] == [401] * 5 + [429], user
        assert 1 <= int(guesses[-1].headers["Retry-After"]) <= 61

    assert (await sign_in(stranger)).status_code == 429, "the right password has to wait too"
    await clock.advance(61)
    assert (await sign_in(stranger)).status_code == 200


async def test_guesses_at_the_same_time_are_counted_before_they_are_checked(stranger: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(sign_in(stranger, password=f"guess {number}") for number in range(20)))

    assert sum(answer.status_code == 401 for answer in answers) == 5


async def test_a_flood_from_one_address_is_limited(stranger: httpx.AsyncClient) -> None:
    statuses = [(await sign_in(stranger, user=f"user{number}", password="x")).status_code for number in range(35)]

    assert statuses.count(429) == 5


async def test_a_new_password_ends_what_the_old_one_opened(site: Platform, stranger: httpx.AsyncClient) -> None:
    token = (await sign_in(stranger)).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    change = {"old_password": SECRET, "new_password": "another horse"}

    wrong = await stranger.post("/v1/passwords/me", json=change | {"old_password": "guess"}, headers=headers)
    assert wrong.status_code == 401
    assert (await stranger.post("/v1/passwords/me", json=change, headers=headers)).status_code == 204
    assert (await stranger.get("/v1/users/me", headers=headers)).status_code == 401
    assert (await sign_in(stranger)).status_code == 401
    assert (await sign_in(stranger, password="another horse")).status_code == 200


async def test_only_operators_set_passwords_and_only_for_users(site: Platform) -> None:
    headers = {"Authorization": f"Bearer {await site.token('bob')}"}
    request = {"user": "alice", "password": "stolen horse"}

    assert (await site.http.post("/v1/passwords", json=request, headers=headers)).status_code == 403
    assert (await site.http.post("/v1/passwords", json=request | {"user": "nobody"})).status_code == 404
    short = await site.http.post("/v1/passwords", json=request | {"password": "short"})
    assert short.status_code == 422
    assert "stolen" not in short.text


async def test_signing_in_brings_an_old_hash_up_to_todays_costs(tmp_path: Path) -> None:
    hashes: list[str] = []
    for passes in (1, 2, 2):
        costs = {"time_cost": passes, "memory_kib": 64}
        async with start_platform(tmp_path, plugins={"auth-passwords": costs}) as site:
            if not hashes:
                await site.add_user("alice")
                await site.http.post("/v1/passwords", json={"user": "alice", "password": "correct horse"})
            answer = await site.http.post("/v1/login", json={"user": "alice", "password": "correct horse"})
            assert answer.status_code == 200
            async with site.kernel.database.read() as connection:
                hashes.append((await connection.execute(select(ACCOUNTS.c.hash))).scalar_one())

    assert ["t=1" in hashes[0], "t=2" in hashes[1], hashes[1] == hashes[2]] == [True, True, True]


async def test_banned_users_cannot_sign_in(site: Platform, stranger: httpx.AsyncClient) -> None:
    await site.http.put("/v1/users/alice", json={"is_banned": True})

    assert (await sign_in(stranger)).status_code == 403


async def test_passwords_are_never_echoed_logged_or_kept(
    site: Platform, stranger: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    answers = [
        await sign_in(stranger),
        await stranger.post("/v1/login", json={"user": "a,b", "password": SECRET, "extra": 1}),
        await stranger.post("/v1/login", json={"user": ["alice"], "password": {"x": SECRET}}),
    ]

    assert [answer.status_code for answer in answers] == [200, 422, 422]
    assert not any(SECRET in answer.text for answer in answers)
    assert SECRET not in caplog.text
    for file in (site.folder / "data").glob("balefire.db*"):
        assert SECRET.encode() not in file.read_bytes()


async def test_a_flood_of_hashing_is_refused_rather_than_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    from balefire_auth_passwords import hashing

    monkeypatch.setattr(hashing, "MOST_WAITING", 4)
    busy = hashing.Hashing(time_cost=1, memory_kib=64)
    results = await asyncio.gather(*(busy.hash(f"password {n}") for n in range(10)), return_exceptions=True)

    assert sum(isinstance(result, Overloaded) for result in results) == 6
    assert await busy.hash("later") != ""
