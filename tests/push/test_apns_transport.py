"""The APNs vendor on real TLS and HTTP/2 sockets: one connection, one provider token, nothing lost, nothing doubled."""

import asyncio
import json
import os
import ssl
from collections import Counter
from pathlib import Path

import pytest
from tests.push.conftest import TOPIC, MakeVendor, MovableClock, note_for

from balefire import Misconfigured, NotificationRejected, Outcome, PushError, RateLimited, TokenRejected, TryLater
from balefire.testing.push_vendor import attempt
from balefire_push_apns.settings import AccountSource, Config
from balefire_push_apns.vendor import Apns
from balefire_push_sandbox.faults import Fault
from balefire_push_sandbox.phones import Phone
from balefire_push_sandbox.sandbox import Sandbox


def ids_shown(sandbox: Sandbox) -> Counter[str]:
    return Counter(shown.id for shown in sandbox.phones.accepted)


async def deliver_all(vendor: Apns, phone: Phone, count: int) -> list[str]:
    """Send so many at once, repeat what is to be tried again, as the hub does; the ids."""
    notes = [note_for(phone, number) for number in range(count)]
    left = notes
    while left:
        outcomes = await attempt(vendor, left)
        assert {outcome.kind for outcome in outcomes} <= {"delivered", "retry"}, outcomes
        left = [note for note, outcome in zip(left, outcomes, strict=True) if outcome.kind == "retry"]
    return [note.id for note in notes]


async def test_one_connection_and_one_token_carry_everything(sandbox: Sandbox, vendor: Apns, phone: Phone) -> None:
    ids = await deliver_all(vendor, phone, 500)

    assert ids_shown(sandbox) == Counter(ids)
    assert sandbox.servers["production"].connections_made == 1
    assert sandbox.tokens.tokens_seen == 1


async def test_only_one_stream_is_open_until_the_token_was_accepted(
    sandbox: Sandbox, make_vendor: MakeVendor, phone: Phone
) -> None:
    vendor = make_vendor(timeout_seconds=0.3)
    server = sandbox.servers["production"]
    server.limits.first_streams = 100  # Apple may announce more than it then allows
    server.limits.answer_delay_ms = 2
    sandbox.faults.add(Fault(kind="silence"))

    outcomes = await attempt(vendor, [note_for(phone, number) for number in range(20)])
    most_before = server.most_streams
    await deliver_all(vendor, phone, 20)

    assert {outcome.kind for outcome in outcomes} <= {"retry", "delivered"}
    assert most_before == 1
    assert server.most_streams > 1


async def test_the_servers_limit_of_streams_is_kept(sandbox: Sandbox, vendor: Apns, phone: Phone) -> None:
    server = sandbox.servers["production"]
    server.limits.streams, server.limits.answer_delay_ms = 7, 2

    ids = await deliver_all(vendor, phone, 100)

    assert server.most_streams == 7
    assert ids_shown(sandbox) == Counter(ids)
    assert server.connections_made == 1


@pytest.mark.parametrize("after", [0, 1, 50, 199])
async def test_after_goaway_nothing_is_lost_or_doubled(
    sandbox: Sandbox, vendor: Apns, phone: Phone, after: int
) -> None:
    sandbox.faults.add(Fault(kind="goaway", after=after, times=1))

    outcomes = await attempt(vendor, [note_for(phone, number) for number in range(200)])

    assert [outcome.kind for outcome in outcomes] == ["delivered"] * 200
    assert set(ids_shown(sandbox).values()) == {1}
    assert len(ids_shown(sandbox)) == 200
    assert sandbox.servers["production"].connections_made <= 2


async def test_goaway_again_and_again(sandbox: Sandbox, vendor: Apns, phone: Phone) -> None:
    for _ in range(10):
        sandbox.faults.add(Fault(kind="goaway", after=20))

    ids = await deliver_all(vendor, phone, 250)

    assert ids_shown(sandbox) == Counter(ids)


async def test_streams_that_apple_has_seen_end_on_the_old_connection(
    sandbox: Sandbox, vendor: Apns, phone: Phone
) -> None:
    await attempt(vendor, [note_for(phone, 1000)])
    sandbox.faults.add(Fault(kind="slow", delay_ms=100, times=5))
    sandbox.faults.add(Fault(kind="goaway"))

    ids = await deliver_all(vendor, phone, 6)

    requests = {request.headers["apns-id"]: request.connection for request in sandbox.servers["production"].requests}
    assert [requests[note_id] for note_id in ids] == [1] * 6
    assert ids_shown(sandbox)[ids[0]] == 1


async def test_refused_streams_are_sent_again(sandbox: Sandbox, vendor: Apns, phone: Phone) -> None:
    sandbox.faults.add(Fault(kind="refuse", after=3, times=2))

    outcomes = await attempt(vendor, [note_for(phone, number) for number in range(10)])

    assert {outcome.kind for outcome in outcomes} == {"delivered"}
    assert set(ids_shown(sandbox).values()) == {1}


async def test_a_lost_connection_loses_nothing(sandbox: Sandbox, vendor: Apns, phone: Phone) -> None:
    sandbox.faults.add(Fault(kind="drop", after=30))

    ids = await deliver_all(vendor, phone, 100)

    assert set(ids_shown(sandbox)) == set(ids)


async def test_large_bodies_wait_for_the_windows(sandbox: Sandbox, vendor: Apns, phone: Phone) -> None:
    sandbox.servers["production"].limits.window_bytes = 500

    outcomes = await attempt(vendor, [note_for(phone, n, body=f"{n}" + "x" * 9_000) for n in range(100)])

    assert {outcome.kind for outcome in outcomes} == {"delivered"}
    assert {len(shown.body) > 3_000 for shown in sandbox.phones.accepted} == {True}


async def test_an_unregistered_token_says_since_when(sandbox: Sandbox, vendor: Apns, phone: Phone) -> None:
    sandbox.phones.uninstall(phone.id)

    with pytest.raises(TokenRejected, match="410 Unregistered") as refused:
        await vendor.send(note_for(phone))

    assert refused.value.invalid_since_ms == phone.gone_since > 0


REASONS: list[tuple[int, str, type[PushError]]] = [
    (400, "BadCollapseId", NotificationRejected),
    (400, "BadDeviceToken", TokenRejected),
    (400, "BadExpirationDate", NotificationRejected),
    (400, "BadMessageId", NotificationRejected),
    (400, "BadPriority", NotificationRejected),
    (400, "BadTopic", Misconfigured),
    (400, "DeviceTokenNotForTopic", TokenRejected),
    (400, "DuplicateHeaders", NotificationRejected),
    (400, "IdleTimeout", TryLater),
    (400, "InvalidPushType", NotificationRejected),
    (400, "MissingDeviceToken", NotificationRejected),
    (400, "MissingTopic", Misconfigured),
    (400, "PayloadEmpty", NotificationRejected),
    (400, "TopicDisallowed", Misconfigured),
    (403, "BadCertificate", Misconfigured),
    (403, "BadCertificateEnvironment", Misconfigured),
    (403, "Forbidden", Misconfigured),
    (403, "InvalidProviderToken", Misconfigured),
    (403, "MissingProviderToken", Misconfigured),
    (403, "UnrelatedKeyIdInToken", Misconfigured),
    (403, "BadEnvironmentKeyIdInToken", Misconfigured),
    (404, "BadPath", NotificationRejected),
    (405, "MethodNotAllowed", NotificationRejected),
    (410, "Unregistered", TokenRejected),
    (410, "ExpiredToken", TokenRejected),
    (413, "PayloadTooLarge", NotificationRejected),
    (429, "TooManyProviderTokenUpdates", RateLimited),
    (429, "TooManyRequests", TryLater),
    (500, "InternalServerError", TryLater),
    (503, "ServiceUnavailable", TryLater),
    (503, "Shutdown", TryLater),
    (418, "Teapot", NotificationRejected),
    (403, "SomethingNew", Misconfigured),
    (502, "", TryLater),
]


@pytest.mark.parametrize(("status", "reason", "expected"), REASONS)
async def test_every_reason_has_its_class(
    sandbox: Sandbox, vendor: Apns, phone: Phone, status: int, reason: str, expected: type[PushError]
) -> None:
    sandbox.faults.add(Fault(kind="answer", status=status, reason=reason))

    with pytest.raises(PushError) as refused:
        await vendor.send(note_for(phone))

    assert type(refused.value) is expected
    assert phone.token not in str(refused.value)


async def test_too_many_token_updates_pause_the_lane_and_change_the_connection(
    sandbox: Sandbox, vendor: Apns, phone: Phone
) -> None:
    await vendor.send(note_for(phone, 1))
    sandbox.faults.add(Fault(kind="answer", status=429, reason="TooManyProviderTokenUpdates"))

    with pytest.raises(RateLimited) as limited:
        await vendor.send(note_for(phone, 2))
    await vendor.send(note_for(phone, 3))

    assert limited.value.retry_after_seconds == 1200
    assert sandbox.servers["production"].connections_made == 2
    assert sandbox.tokens.tokens_seen == 1


async def test_an_expired_token_is_replaced_once_for_all(
    sandbox: Sandbox, vendor: Apns, phone: Phone, clock: MovableClock
) -> None:
    await vendor.send(note_for(phone))
    clock.move(25 * 60)
    sandbox.faults.add(Fault(kind="answer", status=403, reason="ExpiredProviderToken", times=50))

    first = await attempt(vendor, [note_for(phone, number) for number in range(50)])
    second = await attempt(vendor, [note_for(phone, number) for number in range(50)])

    assert [outcome.kind for outcome in first] == ["auth_expired"] * 50
    assert [outcome.kind for outcome in second] == ["delivered"] * 50
    assert sandbox.tokens.tokens_seen == 2


async def test_a_token_that_was_just_signed_is_not_signed_again(sandbox: Sandbox, vendor: Apns, phone: Phone) -> None:
    sandbox.faults.add(Fault(kind="answer", status=403, reason="ExpiredProviderToken"))

    with pytest.raises(Misconfigured, match="clock"):
        await vendor.send(note_for(phone))


async def test_an_unknown_environment_is_found_out(sandbox: Sandbox, vendor: Apns) -> None:
    phone = sandbox.make_phone(environment="sandbox")

    await vendor.send(note_for(phone, environment=""))

    assert sandbox.phones.count == 1


async def test_a_known_environment_is_not_guessed_at(sandbox: Sandbox, vendor: Apns) -> None:
    phone = sandbox.make_phone(environment="sandbox")

    with pytest.raises(TokenRejected, match="BadDeviceToken"):
        await vendor.send(note_for(phone, environment="production"))


@pytest.mark.parametrize(
    ("style", "push_type", "topic", "priority"),
    [("alert", "alert", TOPIC, "10"), ("data", "background", TOPIC, "5"), ("voip", "voip", f"{TOPIC}.voip", "10")],
)
async def test_styles_become_push_types(
    sandbox: Sandbox, vendor: Apns, phone: Phone, style: str, push_type: str, topic: str, priority: str
) -> None:
    token = phone.voip_token if style == "voip" else phone.token

    await vendor.send(note_for(phone, style=style, token=token, badge=3, data={"k": "v"}))

    headers = sandbox.servers["production"].requests[-1].headers
    assert (headers["apns-push-type"], headers["apns-topic"], headers["apns-priority"]) == (push_type, topic, priority)
    assert sandbox.phones.accepted[0].data == {"k": "v"}


async def test_a_repeat_with_the_same_collapse_key_replaces(sandbox: Sandbox, vendor: Apns, phone: Phone) -> None:
    key = "会话/" + "x" * 100  # longer than Apple's 64 bytes, and no header text

    await vendor.send(note_for(phone, 1, body="one", collapse_key=key))
    await vendor.send(note_for(phone, 2, body="two", collapse_key=key))

    assert [shown.body for shown in sandbox.phones.screen(phone.id)] == ["two"]


async def test_a_certificate_does_instead_of_a_key(sandbox: Sandbox, make_vendor: MakeVendor, phone: Phone) -> None:
    certificate = sandbox.authority.issue_push_certificate(TOPIC)
    vendor = make_vendor(key_file=None, key_id=None, team_id=None, certificate_file=str(certificate))

    outcomes = await attempt(vendor, [note_for(phone, number) for number in range(50)])

    assert {outcome.kind for outcome in outcomes} == {"delivered"}
    assert sandbox.tokens.tokens_seen == 0


async def test_an_untrusted_server_gets_nothing(sandbox: Sandbox, make_vendor: MakeVendor, phone: Phone) -> None:
    vendor = make_vendor(ca_file=None)

    with pytest.raises(TryLater, match="certificate is not trusted"):
        await vendor.send(note_for(phone))

    assert not sandbox.servers["production"].requests


async def test_a_wrong_key_is_the_operators_to_mend(sandbox: Sandbox, make_vendor: MakeVendor, phone: Phone) -> None:
    vendor = make_vendor(team_id="WRONGTEAM1")

    with pytest.raises(Misconfigured, match="InvalidProviderToken"):
        await vendor.send(note_for(phone))


async def test_a_dead_connection_is_noticed_and_replaced(
    sandbox: Sandbox, make_vendor: MakeVendor, phone: Phone
) -> None:
    vendor = make_vendor(timeout_seconds=0.2, pong_within_seconds=0.1)
    await vendor.send(note_for(phone, 1))
    server = sandbox.servers["production"]
    for connection in server.connections:
        assert connection.transport is not None
        connection.transport.pause_reading()  # as if the network had swallowed it

    with pytest.raises(TryLater, match="did not answer"):
        await vendor.send(note_for(phone, 2))
    await deliver_all(vendor, phone, 3)

    assert server.connections_made == 2


async def test_an_idle_connection_is_kept_alive(sandbox: Sandbox, make_vendor: MakeVendor, phone: Phone) -> None:
    vendor = make_vendor(ping_after_seconds=0.01, pong_within_seconds=5)
    await vendor.send(note_for(phone, 1))
    server = sandbox.servers["production"]

    async with asyncio.timeout(5):
        while server.pings < 3:
            await asyncio.sleep(0.005)
    await vendor.send(note_for(phone, 2))

    assert server.connections_made == 1


async def test_requests_that_hang_are_reset_when_nobody_waits(
    sandbox: Sandbox, make_vendor: MakeVendor, phone: Phone
) -> None:
    vendor = make_vendor(timeout_seconds=0.1)
    await vendor.send(note_for(phone, 0))
    sandbox.faults.add(Fault(kind="silence", times=20))

    outcomes = await attempt(vendor, [note_for(phone, number) for number in range(20)])

    assert {outcome.kind for outcome in outcomes} == {"retry"}
    async with asyncio.timeout(5):
        while sandbox.servers["production"].waiting:
            await asyncio.sleep(0.005)
    assert await attempt(vendor, [note_for(phone, 99)]) == [
        Outcome(kind="delivered", vendor_message_id=note_for(phone, 99).id)
    ]
    assert sandbox.servers["production"].connections_made == 1


async def test_the_account_file_may_come_late_and_change(
    sandbox: Sandbox, tmp_path: Path, clock: MovableClock, phone: Phone
) -> None:
    config = Config.model_validate({"account_file": "later.json"})
    vendor = Apns(config, AccountSource(config, tmp_path), clock)
    with pytest.raises(TryLater, match="not there yet"):
        await vendor.send(note_for(phone))

    (tmp_path / "later.json").write_text(json.dumps(sandbox.account() | {"team_id": "WRONGTEAM1"}))
    with pytest.raises(Misconfigured):
        await vendor.send(note_for(phone))
    (tmp_path / "later.json").write_text(json.dumps(sandbox.account()))
    os.utime(tmp_path / "later.json", ns=(1, 1))
    await vendor.send(note_for(phone))

    assert sandbox.phones.count == 1
    vendor.close()


async def test_nothing_listens_there(make_vendor: MakeVendor, phone: Phone) -> None:
    vendor = make_vendor(production_host="127.0.0.1:9")

    outcomes = await attempt(vendor, [note_for(phone, number) for number in range(20)])

    assert {outcome.kind for outcome in outcomes} == {"retry"}
    assert all(outcome.after_seconds for outcome in outcomes)


async def test_a_server_without_http2_is_told_apart(
    tmp_path: Path, sandbox: Sandbox, make_vendor: MakeVendor, phone: Phone
) -> None:
    tls = sandbox.authority.server_tls()
    tls.set_alpn_protocols(["http/1.1"])
    tls.verify_mode = ssl.CERT_NONE
    server = await asyncio.start_server(
        lambda reader, writer: writer.write(b"HTTP/1.1 400 Bad\r\n\r\n"), "127.0.0.1", 0, ssl=tls
    )
    port = server.sockets[0].getsockname()[1]

    with pytest.raises(TryLater):
        await make_vendor(production_host=f"127.0.0.1:{port}").send(note_for(phone))

    server.close()
