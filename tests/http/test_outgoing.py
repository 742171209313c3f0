"""Outgoing calls reach the outside, and nothing else."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from aiohttp import web

from balefire.outgoing import is_outside, make_client

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.0.9",
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "2001:db8::1",
        "fc00::1",
        "fd00::2",
        "fe80::1",
        "fe80::1%eth0",
        "ff02::1",
        "fec0::1",
        "3fff::1",
        "192.0.0.8",
        "192.88.99.1",
    ],
)
def test_inner_addresses_are_not_outside(address: str) -> None:
    assert not is_outside(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "17.57.144.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses_are_outside(address: str) -> None:
    assert is_outside(address)


def test_what_the_operator_allows_is_outside_in_every_spelling() -> None:
    allow = [ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("fd00:1::/32")]

    assert all(is_outside(address, allow) for address in ("10.1.2.3", "::ffff:10.1.2.3", "fd00:1::9"))
    assert not any(is_outside(address, allow) for address in ("10.2.0.1", "fd00:2::9"))


class Target:
    """A real server on loopback that counts who gets through."""

    def __init__(self) -> None:
        self.answer: Answer = self.hello
        self.connections = 0
        self.port = 0

    async def hello(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text="hello")

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.connections += 1
        assert isinstance(request, web.Request)
        return await self.answer(request)


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    found = Target()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.port = site.port
    yield found
    await runner.cleanup()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "127.1",
        "0177.0.0.1",
        "0.0.0.0",
        "[::ffff:127.0.0.1]",
        "[::1]",
    ],
)
async def test_this_machine_cannot_be_called_however_it_is_spelt(target: Target, host: str) -> None:
    async with make_client() as client:
        with pytest.raises((httpx.TransportError, httpx.InvalidURL)):
            await client.get(f"http://{host}:{target.port}/")

    assert target.connections == 0


async def test_a_name_that_changes_its_address_gains_nothing(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is looked up once, and the connection goes to the address that was looked at."""
    answers = iter(["127.0.0.1", "10.0.0.1"])
    asked = []

    async def rebinding(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", rebinding)
    async with make_client([LOOPBACK]) as client:
        answer = await client.get(f"http://partner.example:{target.port}/")

    assert answer.text == "hello"
    assert asked == ["partner.example"]


async def test_allowed_networks_and_trusted_addresses_are_called(target: Target) -> None:
    for client in (make_client([LOOPBACK]), make_client(allow_private=True)):
        async with client:
            assert (await client.get(f"http://127.0.0.1:{target.port}/")).text == "hello"


async def test_redirects_are_not_followed_and_would_be_checked(target: Target) -> None:
    async def elsewhere(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(f"http://[::1]:{target.port}/inner")

    target.answer = elsewhere
    async with make_client([LOOPBACK]) as client:
        answer = await client.get(f"http://127.0.0.1:{target.port}/")
        assert answer.status_code == 302
        with pytest.raises(httpx.ConnectError, match="not called"):
            await client.get(f"http://127.0.0.1:{target.port}/", follow_redirects=True)

    assert target.connections == 2


async def test_proxy_variables_do_not_reroute_calls(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    async with make_client([LOOPBACK]) as client:
        assert (await client.get(f"http://127.0.0.1:{target.port}/")).text == "hello"


async def test_a_server_that_drips_bytes_is_given_up_on(target: Target) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b".")
            await asyncio.sleep(0.02)

    target.answer = drip
    async with make_client([LOOPBACK], timeout_seconds=0.3) as client:
        with pytest.raises(httpx.TimeoutException, match="longer than"):
            await client.get(f"http://127.0.0.1:{target.port}/")


async def test_an_answer_that_is_too_large_is_cut_off(target: Target) -> None:
    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1000):
            await response.write(b"x" * 65_536)
        return response

    target.answer = flood
    async with make_client([LOOPBACK], max_bytes=200_000) as client:
        with pytest.raises(httpx.ReadError, match="larger than 200000 bytes"):
            await client.get(f"http://127.0.0.1:{target.port}/")


async def test_a_compressed_answer_is_refused_before_it_unfolds(target: Target) -> None:
    async def bomb(request: web.Request) -> web.StreamResponse:
        response = web.Response(body=b"0" * 1_000_000)
        response.enable_compression(web.ContentCoding.gzip)
        return response

    target.answer = bomb
    async with make_client([LOOPBACK]) as client:
        with pytest.raises(httpx.ReadError, match="compressed"):
            await client.get(f"http://127.0.0.1:{target.port}/")


async def test_unix_sockets_and_unknown_names_are_errors_of_the_ordinary_sort() -> None:
    async with make_client() as client:
        for address in ("http://does-not-exist.invalid/", "http://" + "a" * 300 + ".example/"):
            with pytest.raises(httpx.ConnectError):
                await client.get(address)
