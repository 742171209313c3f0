"""One-click sign-in is for the demo's people, on the demo's computer, from the demo's pages."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from balefire.client import Client
from balefire.testing import Platform, start_platform

SIGN_IN = "/demo/accounts/alice/token"


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    async with start_platform(tmp_path, plugins={"demo": {"replay_rounds": 0}}) as platform:
        yield platform


@pytest.fixture
async def http(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=platform.url, trust_env=False) as client:
        yield client


async def test_its_token_signs_in_as_a_person_without_more_rights(platform: Platform, http: httpx.AsyncClient) -> None:
    answer = (await http.post(SIGN_IN)).json()

    async with Client(platform.url, answer["token"]) as alice:
        assert alice.user == "alice"
    identity = await platform.kernel.authenticate(answer["token"])
    assert not identity.may("admin")
    assert identity.expires_at


@pytest.mark.parametrize("user", ["operator", "demo", "github", "echo", "nobody"])
async def test_only_the_demos_people_can_be_signed_in_as(http: httpx.AsyncClient, user: str) -> None:
    assert (await http.post(f"/demo/accounts/{user}/token")).status_code == 404


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Host", "demo.example.com"),
        ("Host", "rebound.example.com:8450"),
        ("X-Forwarded-For", "203.0.113.9"),
        ("Forwarded", "for=203.0.113.9"),
        ("Origin", "https://elsewhere.example"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ],
)
async def test_requests_from_elsewhere_are_refused(http: httpx.AsyncClient, header: str, value: str) -> None:
    answer = await http.post(SIGN_IN, headers={header: value})

    assert answer.status_code in (400, 403)
    assert "token" not in answer.json()
    assert (await http.get("/demo/accounts", headers={header: value})).status_code in (400, 403)


async def test_a_platform_without_the_demo_has_no_such_door(tmp_path: Path) -> None:
    async with (
        start_platform(tmp_path / "plain") as platform,
        httpx.AsyncClient(base_url=platform.url, trust_env=False) as http,
    ):
        assert (await http.post(SIGN_IN)).status_code == 404
        assert "/demo/accounts" not in (await http.get("/")).text
