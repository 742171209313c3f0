"""Operations take what they declare, and say everything that is wrong with the rest."""

import asyncio
from typing import Any

import httpx
import pytest
from tests.http.probe import Probe

from balefire.testing import Platform


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document, after what every one of them must hold has been checked."""
    found: dict[str, Any] = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, found["status"], found["code"]) == (status, status, code), found
    assert found["request_id"] == answer.headers["X-Request-Id"]
    return found


async def test_path_query_body_and_identity_reach_the_handler(alice: httpx.AsyncClient) -> None:
    answer = await alice.post("/probe/3/parcels?fragile=true", json={"weight": 5, "label": "glass"})

    assert answer.status_code == 201
    assert answer.json()["by"] == "alice"
    assert answer.json()["parcel"]["label"] == "glass"


async def test_every_fault_is_reported_at_once(alice: httpx.AsyncClient) -> None:
    answer = await alice.post("/probe/-1/parcels?fragile=perhaps", json={"weight": 500, "label": 7})

    found = problem(answer, 422, "invalid_input")
    assert {fault["where"] for fault in found["errors"]} == {
        "path.shelf",
        "query.fragile",
        "body.weight",
        "body.label",
    }
    assert found["where"] == "path.shelf"


async def test_a_missing_parameter_is_named(alice: httpx.AsyncClient) -> None:
    assert problem(await alice.get("/probe/parcels"), 422, "invalid_input")["where"] == "query.q"


async def test_a_repeated_parameter_becomes_a_list(alice: httpx.AsyncClient) -> None:
    answer = await alice.get("/probe/parcels?q=x&tag=a&tag=b")

    assert answer.json()[0]["label"] == "x ['a', 'b']"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b'{"weight": 1e999}',
        b'{"weight": 1, "label": "\\ud800"}',
        b"\xff\xfe",
        b'{"weight": 1, "extra": {"n": NaN}}',
        b'{"weight": 1, "extra": {"n": -Infinity}}',
        b'{"weight": 1, "extra": {"n": 1e999}}',
        b'{"weight": 1, "extra": {"n": -1.7E+0309}}',
        b'{"weight": 1, "label": "a\\u0000b"}',
        b'{"weight": 1, "extra": {"a\\u0000": 1}}',
        b'{"weight": 1, "extra": {"deep": [{"n": 123456789012345678901234567890}]}}',
        b'{"weight": 1, "extra": ' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"}",
    ],
)
async def test_bodies_that_cannot_be_kept_are_refused(alice: httpx.AsyncClient, probe: Probe, body: bytes) -> None:
    answer = await alice.post("/probe/1/parcels", content=body, headers={"Content-Type": "application/json"})

    found = problem(answer, 422, "invalid_input")
    assert found["where"].startswith("body")
    assert probe.calls == 0


async def test_text_that_only_looks_like_nul_is_text(alice: httpx.AsyncClient) -> None:
    answer = await alice.post("/probe/1/parcels", json={"weight": 1, "label": "\\u0000 NaN Infinity"})

    assert answer.json()["parcel"]["label"] == "\\u0000 NaN Infinity"


async def test_nul_in_path_and_query_is_refused(alice: httpx.AsyncClient) -> None:
    problem(await alice.get("/probe/parcels?q=a%00b"), 422, "invalid_input")
    problem(await alice.post("/probe/1%00/parcels", json={"weight": 1}), 422, "invalid_input")


async def test_a_body_that_is_not_json_is_refused(alice: httpx.AsyncClient) -> None:
    problem(await alice.post("/probe/1/parcels", data={"weight": "1"}), 415, "unsupported_media_type")
    problem(await alice.post("/probe/1/parcels"), 415, "unsupported_media_type")


async def test_a_body_that_is_too_large_is_refused_and_the_next_request_works(alice: httpx.AsyncClient) -> None:
    answer = await alice.post("/probe/1/parcels", json={"weight": 1, "label": "x" * 1_100_000})

    assert problem(answer, 413, "too_large")["where"] == "body"
    assert (await alice.post("/probe/1/parcels", json={"weight": 1})).status_code == 201


async def test_errors_raised_on_purpose_keep_their_code(stranger: httpx.AsyncClient) -> None:
    assert problem(await stranger.get("/probe/error/conflict"), 409, "conflict")["where"] == "path.name"
    answer = await stranger.get("/probe/error/slow-down")
    problem(answer, 429, "slow_down")
    assert answer.headers["Retry-After"] == "3"


@pytest.mark.parametrize("name", ["crash", "exit", "timeout"])
async def test_a_handler_that_fails_is_named_in_the_log_only(
    stranger: httpx.AsyncClient, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await stranger.get(f"/probe/error/{name}")

    found = problem(answer, 500, "internal_error")
    assert found["request_id"] in found["detail"]
    assert "secret-in-a-traceback" not in answer.text
    assert "plugin 'probe' failed to answer GET" in caplog.text
    assert (await stranger.get("/probe/open")).status_code == 200


async def test_aiohttp_errors_become_problems_too(stranger: httpx.AsyncClient) -> None:
    assert problem(await stranger.get("/probe/error/aiohttp"), 412, "invalid_input")["detail"] == "short and stout"
    problem(await stranger.post("/probe/raw/broken"), 422, "invalid_input")


async def test_unknown_addresses_and_methods_are_problems(stranger: httpx.AsyncClient) -> None:
    problem(await stranger.get("/nowhere"), 404, "not_found")
    answer = await stranger.delete("/probe/open")
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD"


async def test_head_answers_like_get_without_a_body(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.head("/probe/open")

    assert answer.status_code == 200
    assert answer.content == b""


async def test_raw_routes_get_their_path_and_keep_their_policy(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/probe/raw/a/b")

    assert answer.text == "a/b"
    assert answer.headers["Content-Security-Policy"] == "default-src 'self'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_answers_tell_nothing_about_the_software(stranger: httpx.AsyncClient) -> None:
    headers = (await stranger.get("/probe/open")).headers

    assert headers["Server"] == "balefire"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["Cache-Control"] == "no-store"


async def test_a_callers_request_id_is_kept_if_it_is_harmless(stranger: httpx.AsyncClient) -> None:
    kept = await stranger.get("/probe/open", headers={"X-Request-Id": "trace-1.a"})
    replaced = await stranger.get("/probe/open", headers={"X-Request-Id": "x" * 65})

    assert kept.headers["X-Request-Id"] == "trace-1.a"
    assert len(replaced.headers["X-Request-Id"]) == 16


async def test_routes_follow_a_plugin_that_goes(site: Platform, stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get("/probe/open")).status_code == 200

    site.kernel.host.records["probe"].fail("switched off by the test")
    for listener in site.kernel.host.on_changed:
        listener()

    problem(await stranger.get("/probe/open"), 404, "not_found")


async def test_many_requests_at_once_are_all_answered(alice: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(alice.get("/probe/parcels?q=x") for _ in range(50)))

    assert {answer.status_code for answer in answers} == {200}
