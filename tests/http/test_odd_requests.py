"""Requests that are no proper HTTP, or break off: answered with a problem where there is somebody to answer."""

import asyncio
import gzip
import json
import logging

import httpx
import pytest

from balefire.testing import Platform


async def exchange(site: Platform, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Write these bytes to the server; status, headers and body of its answer, after which it hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.kernel.http.port)
    writer.write(request)
    async with asyncio.timeout(10):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(status.split()[1]), headers, body


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + b"s3cr3t" * 5_000 + b"\r\n\r\n",
        b"GET /" + b"s3cr3t" * 15_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        b"POST /v1/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_is_no_http_is_answered_with_a_problem(site: Platform, request_bytes: bytes) -> None:
    status, headers, body = await exchange(site, request_bytes)

    found = json.loads(body)
    assert (status, found["status"], found["code"]) == (400, 400, "malformed_request")
    assert headers["content-type"] == "application/problem+json"
    assert (headers["server"], headers["x-content-type-options"]) == ("balefire", "nosniff")
    assert headers["x-request-id"] == found["request_id"]
    assert b"s3cr3t" not in body


async def test_an_expectation_that_is_not_known_is_no_reason_to_refuse(site: Platform) -> None:
    status, headers, _ = await exchange(
        site, b"GET /probe/open HTTP/1.1\r\nHost: x\r\nExpect: x\r\nConnection: close\r\n\r\n"
    )

    assert (status, headers["server"]) == (200, "balefire")


async def test_a_client_that_waits_for_the_go_ahead_gets_it(site: Platform) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.kernel.http.port)
    head = b"POST /v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
    writer.write(head + b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(10):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"{}")
        assert (await reader.read()).startswith(b"HTTP/1.1 422 ")
    writer.close()


async def test_no_answer_names_the_software(site: Platform) -> None:
    _, headers, _ = await exchange(site, b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert headers["server"] == "balefire"


async def test_a_compressed_body_is_read_and_a_damaged_one_refused(
    alice: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    good = await alice.post("/probe/1/parcels", content=gzip.compress(b'{"weight": 1}'), headers=headers)
    bomb = await alice.post("/probe/1/parcels", content=gzip.compress(b" " * 50_000_000), headers=headers)
    bad = await alice.post("/probe/1/parcels", content=b"no gzip at all", headers=headers)

    assert (good.status_code, bomb.status_code) == (201, 413)
    assert (bad.status_code, bad.json()["code"], bad.json()["where"]) == (422, "invalid_input", "body")
    assert "failed to answer" not in caplog.text


async def test_a_caller_who_hangs_up_in_the_middle_is_no_fault_of_the_server(
    site: Platform, alice: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", site.kernel.http.port)
    head = "POST /probe/1/parcels HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n"
    writer.write(f"{head}Authorization: {alice.headers['Authorization']}\r\n\r\n{{".encode())
    await writer.drain()
    await alice.get("/probe/open")  # the server has begun to read
    writer.close()
    await writer.wait_closed()
    await site.kernel.stop()

    assert "failed to answer" not in caplog.text


async def test_an_address_that_may_hold_a_secret_is_not_logged(
    stranger: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="balefire"):
        assert (await stranger.get("/hooks/s3cr3t")).status_code == 405
        assert (await stranger.post("/hooks/s3cr3t/")).status_code == 404
        assert (await stranger.post("/hooks/s3cr3t")).status_code == 404

    logged = [vars(record) for record in caplog.records if record.message == "answered"]
    assert [record["path"] for record in logged] == ["/hooks/{secret}", "/hooks/…", "/hooks/{secret}"]
    assert "s3cr3t" not in str([vars(record) for record in caplog.records if record.name.startswith("balefire")])
