"""Connections that take their time before they ask for anything."""

import asyncio

import pytest

from balefire.testing import Platform


@pytest.mark.parametrize("beginning", [b"", b"GET /v1/socket HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_a_connection_that_does_not_ask_in_time_is_closed(
    site: Platform, monkeypatch: pytest.MonkeyPatch, beginning: bytes
) -> None:
    monkeypatch.setattr("balefire.http_connection.HEAD_SECONDS", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.kernel.http.port)
    writer.write(beginning)

    async with asyncio.timeout(10):
        assert await reader.read() == b""
    writer.close()


async def test_a_connection_that_asked_in_time_is_kept(site: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("balefire.http_connection.HEAD_SECONDS", 0.1)
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", site.kernel.http.port)
    loop = asyncio.get_running_loop()
    until = loop.time() + 0.3  # longer than the head of the first request might have taken
    while loop.time() < until:
        writer.write(request)
        async with asyncio.timeout(10):
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
            await reader.readuntil(b"}")
    writer.close()


@pytest.mark.parametrize("beginning", [b"", b"GET / HTT"])
async def test_a_connection_that_dawdles_between_requests_is_closed(
    site: Platform, monkeypatch: pytest.MonkeyPatch, beginning: bytes
) -> None:
    monkeypatch.setattr("balefire.http_connection.IDLE_SECONDS", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.kernel.http.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + beginning)

    async with asyncio.timeout(10):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200 ")
    writer.close()
