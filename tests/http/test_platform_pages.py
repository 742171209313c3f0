"""Health, figures and the API document."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.http.probe import Probe

from balefire.testing import Platform, start_platform


async def readiness(client: httpx.AsyncClient, **headers: str) -> tuple[int, dict[str, Any]]:
    answer = await client.get("/readyz", headers=headers)
    return answer.status_code, answer.json()


async def test_health_is_open_and_says_nothing_else(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"state": "ok"})


async def test_readiness_lists_store_checks_and_plugins(stranger: httpx.AsyncClient) -> None:
    status, report = await readiness(stranger)

    assert status == 200
    assert report["checks"]["store"] == {"state": "ok", "reason": ""}
    assert report["checks"]["probe/belt"] == {"state": "ok", "reason": ""}
    assert report["checks"]["plugin probe"] == {"state": "ok", "reason": ""}


async def test_a_critical_check_that_fails_makes_it_unavailable(stranger: httpx.AsyncClient, probe: Probe) -> None:
    probe.trouble = "the belt is torn"
    status, report = await readiness(stranger)

    assert (status, report["state"]) == (503, "unavailable")
    assert report["checks"]["probe/belt"]["reason"] == "the belt is torn"


async def test_a_check_that_hangs_counts_as_failed_and_holds_nobody_up(
    stranger: httpx.AsyncClient, probe: Probe
) -> None:
    probe.trouble = "hang"
    _, report = await readiness(stranger)

    assert report["checks"]["probe/lamp"] == {"state": "degraded", "reason": "gave no answer within 2 seconds"}


async def test_a_check_that_raises_before_it_can_be_awaited_costs_its_line_only(
    stranger: httpx.AsyncClient, probe: Probe
) -> None:
    probe.trouble = "raise"
    _, report = await readiness(stranger)

    assert report["checks"]["probe/lamp"] == {"state": "degraded", "reason": "the lamp is broken"}


async def test_a_failed_plugin_degrades_and_a_stopping_server_is_unavailable(
    site: Platform, stranger: httpx.AsyncClient
) -> None:
    site.kernel.host.records["probe"].fail("made to fail")
    status, report = await readiness(stranger)
    assert status == 200
    assert report["checks"]["plugin probe"] == {"state": "degraded", "reason": "failed: made to fail"}

    site.kernel.http.drain()
    status, report = await readiness(stranger)
    assert (status, report["checks"]["server"]["reason"]) == (503, "the server is stopping")


async def test_strangers_behind_a_proxy_see_no_reasons_and_no_figures(
    stranger: httpx.AsyncClient, site: Platform, alice: httpx.AsyncClient, probe: Probe
) -> None:
    probe.trouble = "database at db.inside:5432 is gone"
    proxied = {"X-Forwarded-For": "203.0.113.9"}

    answer = await stranger.get("/readyz", headers=proxied)
    assert answer.status_code == 503
    assert "db.inside" not in answer.text
    assert (await stranger.get("/metrics", headers=proxied)).status_code == 401
    assert (await alice.get("/metrics", headers=proxied)).status_code == 403
    assert (await site.http.get("/metrics", headers=proxied)).status_code == 200
    assert "db.inside" in (await site.http.get("/readyz", headers=proxied)).text


async def test_figures_are_in_prometheus_form_and_a_broken_one_is_left_out(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    assert "balefire_probe_calls_total 0" in lines
    assert "# TYPE balefire_probe_calls_total counter" in lines
    assert 'balefire_probe_shelves{colour="re\\"d\\n"} 2' in lines
    assert 'balefire_plugin_state{plugin="rest",state="running"} 1' in lines
    assert "balefire_sessions 0" in lines
    assert any(line.startswith("balefire_uptime_seconds ") for line in lines)
    assert "balefire_probe_broken" not in answer.text


async def document(client: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get("/openapi.json")).json()
    return found


async def test_every_operation_is_documented(stranger: httpx.AsyncClient) -> None:
    api = await document(stranger)
    operations = [operation for methods in api["paths"].values() for operation in methods.values()]
    ids = [operation["operationId"] for operation in operations]

    assert api["openapi"] == "3.1.0"
    assert len(operations) > 20
    assert len(ids) == len(set(ids))
    for operation in operations:
        name = operation["operationId"]
        assert operation["tags"], f"{name} has no tag"
        assert operation["summary"][0].isupper() and len(operation["summary"]) < 140, f"{name}: {operation['summary']}"
        assert "security" in operation, name
        assert "429" in operation["responses"], name
        for parameter in operation.get("parameters", []):
            assert parameter["schema"], name


async def test_the_document_says_what_operations_demand(stranger: httpx.AsyncClient) -> None:
    api = await document(stranger)
    stored = api["paths"]["/probe/{shelf}/parcels"]["post"]

    assert stored["security"] == [{"bearer": ["messages:write"]}]
    assert {"401", "403", "409", "413", "415", "422", "429"} <= set(stored["responses"])
    assert {parameter["name"] for parameter in stored["parameters"]} == {"shelf", "fragile", "Idempotency-Key"}
    assert api["paths"]["/probe/open"]["get"]["security"] == [{}, {"bearer": []}]
    assert "/probe/raw/{rest}" not in api["paths"]


async def test_the_document_is_valid_openapi(stranger: httpx.AsyncClient) -> None:
    from jsonschema_rs import Draft202012Validator

    api = await document(stranger)

    for schema in api["components"]["schemas"].values():
        Draft202012Validator({**schema, "components": api["components"]})
    wanted = set(find_references(api))
    assert wanted <= {f"#/components/schemas/{name}" for name in api["components"]["schemas"]}


def find_references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for item in value.values() for found in find_references(item)]
    return [found for item in value for found in find_references(item)] if isinstance(value, list) else []


async def test_the_reader_needs_nothing_from_elsewhere(stranger: httpx.AsyncClient) -> None:
    page = await stranger.get("/docs")

    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    for name in ("reader.js", "reader.css", "icon.svg"):
        assert f"/docs/{name}" in page.text
        assert (await stranger.get(f"/docs/{name}")).status_code == 200
    assert "http://" not in page.text.replace("http://www.w3.org", "") and "https://" not in page.text
    for name in ("nothing.js", "..%2fconfig.py", "%2e%2e/config.py"):
        assert (await stranger.get(f"/docs/{name}")).status_code == 404


async def test_an_operation_that_cannot_be_understood_costs_only_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from balefire import Operation, hookimpl

    async def unclear(thing) -> None:  # type: ignore[no-untyped-def]  # the missing annotation is the point
        """Never described."""

    class Unclear:
        @hookimpl
        def register_routes(self) -> list[Operation]:
            return [Operation("GET", "/unclear", unclear, None, ("unclear",))]

    async with start_platform(tmp_path, extra={"unclear": Unclear()}) as site:
        api = json.loads((await site.http.get("/openapi.json")).text)
        answer = await site.http.get("/unclear")

    assert "/unclear" not in api["paths"] and "/v1/users" in api["paths"]
    assert answer.status_code == 500
    assert "plugin 'unclear': operation unclear cannot be described" in caplog.text
