"""Web Push: the conformance kit on its desk, decryption by others' code, and what endpoints of users must not do."""

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import http_ece
import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from tests.push.conftest import MovableClock
from tests.push.desks import DeskContract, DeskStandIn, note, post

from balefire import Account, Notification, NotificationRejected, PushError, TokenRejected, TryLater, VendorHttp
from balefire.outgoing import make_client
from balefire_push_sandbox.desks.webpush import WebPushDesk
from balefire_push_web.encryption import LIMIT_BYTES, _derive, encrypt
from balefire_push_web.plugin import Plugin
from balefire_push_web.settings import KEY_FILE, Config, vapid_key
from balefire_push_web.subscription import Subscription, decode, encode, read_subscription
from balefire_push_web.vendor import WebPush, build_text


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendor keeps its signing key in the plugin's folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


class TestWebPush(DeskContract):
    desk_type = WebPushDesk
    plugin = Plugin
    calls_addresses_of_users = True

    async def test_fields_arrive(self, vendor: WebPush, stand_in: DeskStandIn) -> None:
        await vendor.send(note(stand_in.token(0), badge=2, thread="group/a", data={"seq": 7}, collapse_key="m1"))
        await vendor.send(note(stand_in.token(0), body="again", collapse_key="m1"))

        first, second = stand_in.phones.accepted
        assert (first.badge, first.thread, first.data) == (2, "group/a", {"seq": 7})
        assert [shown.body for shown in stand_in.phones.screen("phone-0")] == ["again"]
        assert first.collapse_id == second.collapse_id != ""

    async def test_a_signature_serves_for_half_a_day(
        self, vendor: WebPush, stand_in: DeskStandIn, clock: MovableClock
    ) -> None:
        for hours in (0, 10, 24):
            clock.move(hours * 3600)
            await vendor.send(note(stand_in.token(0)))

        assert [request.status for request in stand_in.server.requests] == [201, 201, 201]

    async def test_the_largest_text_still_fits(self, vendor: WebPush, stand_in: DeskStandIn) -> None:
        await vendor.send(note(stand_in.token(0), body="好" * 5000))

        assert len(stand_in.phones.accepted[0].body) > 1200

    async def test_the_desk_is_strict(self, vendor: WebPush, stand_in: DeskStandIn, clock: MovableClock) -> None:
        subscription = read_subscription(stand_in.token(0), allow_http=True)
        body = encrypt(b'{"title":"x"}', subscription)
        key = ec.generate_private_key(ec.SECP256R1())
        point = encode(key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
        now = clock.now_ms() // 1000
        good = {"aud": subscription.origin, "exp": now + 600, "sub": "mailto:a@b.example"}

        def ask(claims: dict[str, Any], content: bytes = body, **headers: str) -> Any:
            signed = f"vapid t={jwt.encode(claims, key, 'ES256')}, k={point}"
            sent = {"Authorization": signed, "TTL": "60", "Content-Encoding": "aes128gcm"} | headers
            return post(subscription.endpoint, content=content, headers=sent)

        assert (await ask(good)).status_code == 201
        for wrong in ({"aud": "https://other.example"}, {"exp": now + 100_000}, {"exp": now - 1}, {"sub": "me"}):
            assert (await ask(good | wrong)).status_code == 403, wrong
        assert (await ask(good, TTL="soon")).status_code == 400
        assert (await ask(good, Topic="x" * 33)).status_code == 400
        assert (await ask(good, Urgency="now")).status_code == 400
        assert (await ask(good, content=body[:-1] + b"\x00")).status_code == 400
        assert (await ask(good, content=b"x" * 4097)).status_code == 413

    async def test_the_public_key_is_what_signs(self, vendor: WebPush) -> None:
        assert len(decode(vendor.public_key)) == 65


def _browser() -> tuple[ec.EllipticCurvePrivateKey, Subscription]:
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return key, Subscription(endpoint="https://push.example/x", public_key=point, auth=b"0123456789abcdef")


def test_another_implementation_decrypts_what_we_encrypt() -> None:
    key, subscription = _browser()
    text = ("好👩‍👩‍👧‍👦" * 500).encode()[:LIMIT_BYTES]

    sealed = encrypt(text, subscription)

    assert len(sealed) == 4096
    opened = http_ece.decrypt(sealed, private_key=key, auth_secret=subscription.auth, version="aes128gcm")
    assert opened == text


def test_the_standards_own_example_is_decrypted_by_the_desks_arithmetic() -> None:
    """RFC 8291, appendix A: our derivation gives the keys that are printed there."""

    auth = decode("BTBZMqHH6r4Tts7J_aSIgg")
    theirs = decode("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4")
    ours = decode("BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8")
    private = ec.derive_private_key(
        int.from_bytes(decode("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")), ec.SECP256R1()
    )
    shared = private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
    material = _derive(auth, shared, b"WebPush: info\x00" + theirs + ours, 32)
    salt = decode("DGv6ra1nlYgDCS1FRnbzlw")

    assert encode(_derive(salt, material, b"Content-Encoding: aes128gcm\x00", 16)) == "oIhVW04MRdy2XN9CiKLxTg"
    assert encode(_derive(salt, material, b"Content-Encoding: nonce\x00", 12)) == "4h_95klXJ5E_qnoN"


KEYS = {"p256dh": "x", "auth": "y"}


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nonsense",
        "http://push.example/x",
        "https://",
        "https://user:word@push.example/",
        "https://push.example/#part",
        "ftp://push.example/",
        "https://push.example/" + "x" * 3000,
        "{}",
        json.dumps({"endpoint": "https://push.example/", "keys": KEYS}),
        json.dumps({"endpoint": 7, "keys": KEYS}),
        "{" * 10_000,
    ],
)
def test_what_is_no_subscription_is_gone_and_not_repeated(token: str) -> None:
    with pytest.raises(TokenRejected) as caught:
        read_subscription(token)

    assert not token or token not in str(caught.value)


@given(st.text(max_size=300) | st.binary(max_size=200).map(lambda data: json.dumps({"endpoint": str(data)})))
def test_any_token_is_a_subscription_or_gone(token: str) -> None:
    try:
        assert read_subscription(token).endpoint.startswith("https://")
    except TokenRejected:
        return


class _OldDistributor:
    """An UnifiedPush endpoint from before it became Web Push: takes plain bytes."""

    def __init__(self) -> None:
        self.status = 200
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        self.headers.append(dict(request.headers))
        return web.Response(status=self.status)


@pytest.fixture
async def distributor() -> AsyncIterator[_OldDistributor]:
    found = _OldDistributor()
    app = web.Application()
    app.router.add_post("/up", found.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/up"
    yield found
    await runner.cleanup()


@pytest.fixture
async def plain(clock: MovableClock, tmp_path: Path) -> AsyncIterator[WebPush]:

    config = Config.model_validate({"contact": "mailto:ops@example.com", "allow_http": True})
    async with make_client(allow_private=True) as client:
        yield WebPush(Account("push-web", config, tmp_path), VendorHttp("webpush", client, clock), clock)


async def test_a_bare_address_gets_plain_text(plain: WebPush, distributor: _OldDistributor) -> None:
    await plain.send(note(distributor.url, data={"seq": 1}))

    assert json.loads(distributor.bodies[0])["body"] == "tea?"
    assert "Content-Encoding" not in distributor.headers[0]


@pytest.mark.parametrize(
    ("status", "error", "after"),
    [
        (400, NotificationRejected, None),
        (404, TokenRejected, None),
        (406, TryLater, None),
        (410, TokenRejected, None),
        (413, NotificationRejected, None),
        (302, NotificationRejected, None),
        (500, TryLater, None),
        (507, TryLater, 300.0),
    ],
)
async def test_each_answer_concerns_this_subscription_only(
    plain: WebPush, distributor: _OldDistributor, status: int, error: type[PushError], after: float | None
) -> None:
    distributor.status = status

    with pytest.raises(error) as caught:
        await plain.send(note(distributor.url))

    assert caught.value.retry_after_seconds == after


async def test_addresses_inside_are_not_called(clock: MovableClock, tmp_path: Path) -> None:

    assert Plugin.calls_addresses_of_users
    config = Config.model_validate({"contact": "mailto:ops@example.com", "allow_http": True})
    async with make_client() as client:  # as the plugin gets it
        vendor = WebPush(Account("push-web", config, tmp_path), VendorHttp("webpush", client, clock), clock)
        with pytest.raises(TryLater, match="cannot be reached"):
            await vendor.send(note("http://127.0.0.1:9/x"))


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    account = Account("push-web", Config.model_validate({"contact": "mailto:ops@example.com"}), tmp_path)

    first, second = vapid_key(account), vapid_key(account)

    assert first.private_numbers() == second.private_numbers()
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_texts_survive_lone_surrogates(caplog: pytest.LogCaptureFixture) -> None:

    caplog.set_level(logging.DEBUG)
    text = build_text(Notification(id="1", token="x", body="a\ud800b"), 4096)

    assert json.loads(text)["body"] == "a?b"
