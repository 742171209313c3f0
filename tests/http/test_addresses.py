"""Callers are told apart by their address, also behind a reverse proxy, and cannot choose it."""

from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
from aiohttp.test_utils import make_mocked_request

from balefire.addresses import address_block, caller_address
from balefire.testing import TestClock, start_platform

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1 , fd00::7"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1, nonsense"], "10.0.0.1"),
        ("10.0.0.1", [",,,"], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
    ],
)
def test_a_trusted_proxy_is_believed_and_nobody_else(peer: str, forwarded: list[str], address: str) -> None:
    headers = [("X-Forwarded-For", value) for value in forwarded]
    request = make_mocked_request("GET", "/", headers=httpx.Headers(headers))
    request = request.clone(remote=peer)

    assert caller_address(request, PROXIES) == address


def test_an_ipv6_caller_is_a_network_of_64_bits() -> None:
    assert address_block("2001:db8::1") == address_block("2001:db8::ffff:1") != address_block("2001:db8:0:1::1")
    assert address_block("::ffff:198.51.100.1") == "::ffff:198.51.100.1"
    assert address_block("198.51.100.1") == "198.51.100.1"
    assert address_block("") == ""


async def test_behind_a_trusted_proxy_callers_are_limited_one_by_one(tmp_path: Path) -> None:
    settings = {"server": {"trusted_proxies": ["127.0.0.0/8"], "rates": {"anonymous": {"per_minute": 1, "burst": 1}}}}
    async with (
        start_platform(tmp_path, settings=settings, clock=TestClock()) as site,
        httpx.AsyncClient(base_url=site.url, trust_env=False) as proxy,
    ):

        async def ask(forwarded: str) -> int:
            return (await proxy.get("/v1/users", headers={"X-Forwarded-For": forwarded})).status_code

        assert [await ask("198.51.100.1"), await ask("198.51.100.1")] == [401, 429]
        assert [await ask("198.51.100.2"), await ask("1.1.1.1, 198.51.100.1")] == [401, 429]
