"""The sandbox is as strict as Apple's documents: the first thing wrong is the answer. And its page shows the phones."""

import asyncio
import json
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from tests.push.conftest import TOPIC, MovableClock, note_for

from balefire import Identity, Unauthenticated
from balefire_push_apns.exchange import Answer
from balefire_push_apns.vendor import Apns, Lines
from balefire_push_sandbox.phones import Phone
from balefire_push_sandbox.routes import SandboxRoutes, let_everybody_in, operators_only
from balefire_push_sandbox.sandbox import Sandbox

NOTE_ID = "00000000-0000-4000-8000-000000000001"


class Provider:
    """Sends requests just as it is told, over TLS and HTTP/2."""

    def __init__(self, vendor: Apns, phone: Phone) -> None:
        self._lines: Lines = vendor._current_lines()
        self._phone = phone

    async def post(self, body: Any = None, *, extra: list[tuple[str, str]] | None = None, **changes: Any) -> Answer:
        assert self._lines.tokens is not None
        headers: dict[str, str | None] = {
            ":method": "POST",
            ":scheme": "https",
            ":authority": "localhost",
            ":path": f"/3/device/{self._phone.token}",
            "authorization": f"bearer {self._lines.tokens.current()}",
            "apns-topic": TOPIC,
            "apns-push-type": "alert",
            "apns-id": NOTE_ID,
        } | {name.replace("pseudo_", ":").replace("_", "-"): value for name, value in changes.items()}
        sent = [(name, value) for name, value in headers.items() if value is not None] + (extra or [])
        payload = {"aps": {"alert": "hi"}} if body is None else body
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        async with asyncio.timeout(5):
            return await self._lines.to("production").post(sent, data)


@pytest.fixture
def provider(vendor: Apns, phone: Phone) -> Provider:
    return Provider(vendor, phone)


SILENT = {"aps": {"content-available": 1}}
WRONG: list[tuple[int, str, dict[str, Any]]] = [
    (405, "MethodNotAllowed", {"pseudo_method": "PUT"}),
    (404, "BadPath", {"pseudo_path": "/3/devices/ab"}),
    (404, "BadPath", {"pseudo_path": "/3/device/ab/cd"}),
    (400, "MissingDeviceToken", {"pseudo_path": "/3/device/"}),
    (400, "DuplicateHeaders", {"extra": [("apns-topic", TOPIC)]}),
    (403, "MissingProviderToken", {"authorization": None}),
    (403, "InvalidProviderToken", {"authorization": "bearer nonsense"}),
    (403, "InvalidProviderToken", {"authorization": "basic abc"}),
    (400, "BadMessageId", {"apns_id": "17"}),
    (400, "BadExpirationDate", {"apns_expiration": "tomorrow"}),
    (400, "BadPriority", {"apns_priority": "7"}),
    (400, "BadCollapseId", {"apns_collapse_id": "x" * 65}),
    (400, "InvalidPushType", {"apns_push_type": None}),
    (400, "InvalidPushType", {"apns_push_type": "loud"}),
    (400, "InvalidPushType", {"apns_push_type": "background", "apns_priority": "5"}),
    (400, "InvalidPushType", {"body": SILENT}),
    (400, "BadPriority", {"body": SILENT, "apns_push_type": "background"}),
    (400, "MissingTopic", {"apns_topic": None}),
    (400, "TopicDisallowed", {"apns_topic": "com.stranger"}),
    (400, "BadTopic", {"apns_push_type": "voip"}),
    (400, "DeviceTokenNotForTopic", {"apns_topic": "com.example.other"}),
    (400, "DeviceTokenNotForTopic", {"apns_push_type": "voip", "apns_topic": f"{TOPIC}.voip"}),
    (400, "BadDeviceToken", {"pseudo_path": "/3/device/" + "ab" * 32}),
    (400, "BadDeviceToken", {"pseudo_path": "/3/device/xyz"}),
    (400, "PayloadEmpty", {"body": b""}),
    (400, "PayloadEmpty", {"body": b"[1]"}),
    (400, "PayloadEmpty", {"body": b"[" * 4000}),
    (400, "PayloadEmpty", {"body": {"alert": "outside aps"}}),
    (400, "PayloadEmpty", {"body": {"aps": {"alert": 5}}}),
    (400, "PayloadEmpty", {"body": {"aps": {"badge": "many"}}}),
    (413, "PayloadTooLarge", {"body": {"aps": {"alert": "x" * 4096}}}),
    (413, "PayloadTooLarge", {"body": {"aps": {"alert": "x" * 30_000}}}),
]


@pytest.mark.parametrize(("status", "reason", "changes"), WRONG)
async def test_the_first_thing_wrong_is_the_answer(
    provider: Provider, sandbox: Sandbox, status: int, reason: str, changes: dict[str, Any]
) -> None:
    answer = await provider.post(**changes)

    assert (answer.status, json.loads(answer.body)["reason"]) == (status, reason)
    assert sandbox.phones.count == 0


async def test_a_good_request_is_answered_with_its_id(provider: Provider, sandbox: Sandbox) -> None:
    answer = await provider.post(apns_priority="1", apns_collapse_id="x" * 64, apns_expiration="0")

    assert (answer.status, answer.headers["apns-id"], answer.body) == (200, NOTE_ID, b"")
    assert sandbox.phones.accepted[0].body == "hi"


async def test_an_old_token_is_expired_and_one_from_the_future_invalid(
    provider: Provider, clock: MovableClock, vendor: Apns
) -> None:
    assert vendor._lines is not None
    assert vendor._lines.tokens is not None
    old = f"bearer {vendor._lines.tokens.current()}"

    clock.move(3601)
    expired = await provider.post(authorization=old)
    clock.move(-2 * 3600)
    future = await provider.post(authorization=old)

    assert json.loads(expired.body)["reason"] == "ExpiredProviderToken"
    assert json.loads(future.body)["reason"] == "InvalidProviderToken"


async def test_tokens_may_not_change_too_often(provider: Provider, clock: MovableClock, vendor: Apns) -> None:
    await provider.post()
    assert vendor._lines is not None
    assert vendor._lines.tokens is not None
    clock.move(600)
    vendor._lines.tokens._sign(clock.now_ms() // 1000)

    soon = await provider.post()
    clock.move(601)
    later = await provider.post()

    assert (soon.status, json.loads(soon.body)["reason"]) == (429, "TooManyProviderTokenUpdates")
    assert later.status == 200


async def test_neither_tokens_nor_keys_are_recorded(vendor: Apns, sandbox: Sandbox, phone: Phone) -> None:
    await vendor.send(note_for(phone))

    recorded = repr(list(sandbox.servers["production"].requests))

    assert phone.token not in recorded
    assert "bearer" not in recorded
    assert phone.token not in repr(phone)


def test_everything_secret_is_the_owners_alone(sandbox: Sandbox) -> None:
    folder = sandbox.account_file.parent

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}

    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_a_second_start_keeps_the_account(sandbox: Sandbox, clock: MovableClock) -> None:
    again = Sandbox(sandbox.account_file.parent, clock, topics=[TOPIC])

    assert again.authority.identity == sandbox.authority.identity


@pytest.fixture
async def page(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """The routes on a server of their own, as ``balefire sandbox`` has them."""

    async def keep(phone: Phone) -> None:
        """Nobody to tell."""

    app = web.Application()
    for route in SandboxRoutes(sandbox, guard=let_everybody_in, hand_out=keep).all():
        app.router.add_route(route.method, route.path, route.handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{runner.addresses[0][1]}", trust_env=False) as client:
        yield client
    await runner.cleanup()


async def test_the_page_comes_with_a_strict_policy(page: httpx.AsyncClient) -> None:
    for path in ("/sandbox", "/sandbox/page.js", "/sandbox/page.css"):
        answer = await page.get(path)

        assert answer.status_code == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "http" not in answer.text.replace("http-equiv", "")


async def test_the_state_follows_what_happens(page: httpx.AsyncClient, vendor: Apns, phone: Phone) -> None:
    state = (await page.get("/sandbox/api/state")).json()
    waiting = asyncio.create_task(page.get("/sandbox/api/state", params={"version": state["version"]}))

    await vendor.send(note_for(phone, title="<script>alert(1)</script>", badge=4))

    [shown_phone] = (await waiting).json()["phones"]
    assert shown_phone["shown"][0]["title"] == "<script>alert(1)</script>"
    assert shown_phone["badge"] == 4
    assert phone.token not in (await page.get("/sandbox/api/state")).text


async def test_phones_and_faults_are_ordered_over_http(page: httpx.AsyncClient, sandbox: Sandbox, vendor: Apns) -> None:
    made = (await page.post("/sandbox/api/phones", json={"user": "dora", "environment": "sandbox"})).json()
    found = sandbox.phones.find(made["token"])
    assert found is not None
    fault = await page.post("/sandbox/api/faults", json={"kind": "answer", "status": 503, "reason": "Shutdown"})
    assert fault.status_code == 201
    await page.delete("/sandbox/api/faults")

    await vendor.send(note_for(found))
    gone = await page.delete(f"/sandbox/api/phones/{made['id']}")

    assert (gone.status_code, found.gone_since > 0, sandbox.faults.all) == (204, True, [])


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("phones", b"{", 422),
        ("phones", b"[]", 422),
        ("phones", b'{"user": 5}', 422),
        ("phones", b'{"colour": "red"}', 422),
        ("phones", b'{"user": "' + b"x" * 65 + b'"}', 422),
        ("phones", b'{"user": "' + b"x" * 20_000 + b'"}', 413),
        ("phones", b"\xff", 422),
        ("faults", b'{"kind": "earthquake"}', 422),
        ("faults", b'{"kind": "answer", "status": 99}', 422),
        ("faults", b'{"kind": "slow", "delay_ms": 99999999}', 422),
    ],
)
async def test_bad_orders_are_refused(page: httpx.AsyncClient, path: str, body: bytes, status: int) -> None:
    answer = await page.post(f"/sandbox/api/{path}", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == status
    assert answer.json()["code"] in ("invalid_input", "too_large")


async def test_other_sites_cannot_order_anything(page: httpx.AsyncClient, sandbox: Sandbox) -> None:
    answer = await page.post("/sandbox/api/phones", content=b"{}", headers={"content-type": "text/plain"})

    assert answer.status_code == 422
    assert sandbox.phones.all() == []


async def test_in_a_platform_only_operators_get_in() -> None:
    async def authenticate(credential: str) -> Identity:
        if credential != "good":
            raise Unauthenticated("unknown")
        return Identity(user="op", scopes=frozenset({"push:write"}))

    guard = operators_only(authenticate)

    def request(header: str) -> Any:
        return type("Request", (), {"headers": {"Authorization": header} if header else {}})()

    await guard(request("Bearer good"))
    for header in ("", "Bearer bad", "Basic good", "Bearer"):
        with pytest.raises(Unauthenticated):
            await guard(request(header))


async def test_the_sandbox_runs_by_itself(tmp_path: Path) -> None:
    command = ["-m", "balefire", "sandbox", "--port", "0", "--apns-port", "0", "--folder", str(tmp_path / "keys")]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.PIPE, cwd=tmp_path
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        first = (await process.stdout.readline()).decode()
    address = first.split()[-1]

    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(address)
    process.terminate()
    await asyncio.wait_for(process.wait(), 20)

    assert "push sandbox" in answer.text
    assert process.returncode == 0
    assert json.loads((tmp_path / "keys" / "apns.json").read_text())["topics"] == ["com.example.app"]
