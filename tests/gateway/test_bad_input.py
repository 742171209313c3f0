"""Bad, hostile and untimely input: a stable code, a connection that stays usable where it can, nobody else harmed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from tests.gateway.talking import Talker, connected, signed_in

from balefire import StorageUnavailable
from balefire.testing import Platform, start_platform


async def send(talker: Talker, to: str, text: str, key: str, **more: object) -> dict[str, object]:
    return await talker.ask("send", id=key, to=to, type="text", fields={"text": text}, **more)


@pytest.mark.parametrize(
    ("frame", "code", "where"),
    [
        ({"id": "1", "to": "private/nobody-here", "fields": {"text": "x"}}, "unknown_user", None),
        ({"id": "1", "to": "group/none", "fields": {"text": "x"}}, "no_such_group", None),
        ({"id": "1", "to": "nonsense", "fields": {"text": "x"}}, "invalid_input", "to"),
        ({"id": "1", "to": "private/", "fields": {"text": "x"}}, "invalid_input", "to"),
        ({"id": "1", "to": "private/bob#x", "fields": {"text": "x"}}, "invalid_input", "to"),
        ({"id": "1", "to": "private/bob", "type": "no-such-type"}, "invalid_input", "type"),
        ({"id": "1", "to": "private/bob", "fields": {}}, "invalid_input", None),
        ({"id": "1", "to": "private/bob", "fields": {"text": 7}}, "invalid_input", None),
        ({"id": "1", "to": "private/bob", "type": "recalled", "fields": {"by": "alice"}}, "server_only", None),
        ({"id": "1", "to": "private/bob", "fields": {"text": "x"}, "expires_after_ms": -1}, "invalid_input", None),
        ({"id": "1", "to": 7, "fields": {"text": "x"}}, "invalid_input", None),
        ({"id": "1", "to": "private/bob", "fields": {"text": "x" * 70_000}}, "too_large", "fields"),
    ],
)
async def test_a_bad_message_is_refused_and_the_connection_goes_on(
    platform: Platform, frame: dict[str, object], code: str, where: str | None
) -> None:
    await platform.add_user("bob")
    async with signed_in(platform, "alice") as alice:
        refused = await alice.ask("send", **frame)
        accepted = await send(alice, "private/bob", "still here", "m-2")

    assert refused["t"] == "error"
    assert refused["code"] == code, refused
    assert where is None or refused["where"] == where
    assert accepted["t"] == "sent"


async def test_broken_frames_are_answered_and_at_last_close(platform: Platform) -> None:
    async with signed_in(platform, "alice") as alice:
        await alice.socket.send_str('{"t": "list", "id": "7", "limit": "many"}')
        assert (await alice.until("error", id="7"))["code"] == "invalid_input"
        for broken in ("{", "[]", "null", '{"t": "no such"}', "\ud83d", '{"id": 3}', '""', "{}", "1"):
            await alice.socket.send_str(broken.encode("utf-8", "replace").decode())

        assert (await alice.until("bye"))["code"] == "bad_frames"
        assert (await alice.until("closed"))["code"] == 4400


async def test_a_frame_that_is_too_large_closes_with_1009(platform: Platform) -> None:
    async with signed_in(platform, "alice") as alice:
        await alice.socket.send_str("x" * 300_000)

        assert (await alice.until("closed"))["code"] == 1009


async def test_a_flood_of_refused_requests_closes(platform: Platform) -> None:
    async with signed_in(platform, "alice") as alice:
        for number in range(400):
            await alice.say("send", id=str(number), to="group/none", fields={"text": "x"})

        assert (await alice.until("bye"))["code"] == "flooding"


async def test_anything_before_hello_closes(platform: Platform) -> None:
    async with connected(platform) as talker:
        await talker.say("send", id="1", to="private/bob", fields={"text": "hi"})
        assert (await talker.until("bye"))["code"] == "unauthenticated"
        assert (await talker.until("closed"))["code"] == 4401


@pytest.mark.parametrize(
    "hello",
    [
        {"token": "nonsense"},
        {"token": ""},
        {"token": "a.b.c"},
        {"token": "bf_unknown_secret"},
    ],
)
async def test_a_refused_hello_is_told_why_and_closed(platform: Platform, hello: dict[str, object]) -> None:
    async with connected(platform) as talker:
        await talker.say("hello", id="1", **hello)
        bye = await talker.until("bye")
        closed = await talker.until("closed")

    assert bye["code"] == "unauthenticated"
    assert "reconnect_after_ms" not in bye
    assert closed["code"] == 4401


async def test_nobody_else_can_read_a_private_conversation(platform: Platform) -> None:
    await platform.add_user("bob")
    async with signed_in(platform, "alice") as alice, signed_in(platform, "eve") as eve:
        await send(alice, "private/bob", "secret", "m-1")

        for request in (
            {"t": "history", "id": "1", "in_": "private/alice,bob"},
            {"t": "mark", "id": "2", "in_": "private/alice,bob", "read": 1},
        ):
            answer = await eve.ask(str(request.pop("t")), **request)
            assert answer["t"] == "error", answer
        page = await eve.ask("sync", id="3", cursors={"group/none": 0})

    assert page["messages"] == []


async def test_an_unknown_subprotocol_falls_back_to_json(platform: Platform) -> None:
    url = platform.url.replace("http", "ws", 1) + "/v1/socket"
    async with aiohttp.ClientSession() as http, http.ws_connect(url, protocols=["something.else"]) as socket:
        assert socket.protocol is None
        await Talker(socket, "json").say("hello", id="1", token=await platform.token("alice"))
        assert (await Talker(socket, "json").hear())["t"] == "welcome"


async def test_a_version_that_is_not_spoken_has_a_code_of_its_own(platform: Platform) -> None:
    async with connected(platform) as talker:
        await talker.say("hello", id="1", token=await platform.token("alice"), versions=[99])
        assert (await talker.until("bye"))["code"] == "unsupported_version"
        assert (await talker.until("closed"))["code"] == 4406


async def test_before_hello_frames_are_small(platform: Platform) -> None:
    async with connected(platform) as talker:
        await talker.socket.send_str("x" * 20_000)
        assert (await talker.until("closed"))["code"] == 1009


@pytest.mark.parametrize("asked", ["authenticate", "memberships"])
async def test_a_store_that_fails_during_hello_sends_clients_away_for_a_while(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    async def fails(*arguments: object, **options: object) -> object:
        raise StorageUnavailable("the database restarts")

    token = await platform.token("alice")
    target: object = platform.kernel if asked == "authenticate" else platform.kernel.store
    monkeypatch.setattr(target, asked, fails)
    async with connected(platform) as talker:
        await talker.say("hello", id="1", token=token)
        assert (await talker.until("error"))["code"] == "storage_unavailable"
        bye = await talker.until("bye")
        assert (await talker.until("closed"))["code"] == 1013

    assert bye["code"] == "unavailable"
    assert bye["reconnect_after_ms"] > 0


async def test_a_hello_that_fails_unforeseen_is_not_left_waiting(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(credential: str) -> object:
        raise RuntimeError("a fault of an authenticator")

    monkeypatch.setattr(platform.kernel, "authenticate", fails)
    async with connected(platform) as talker:
        await talker.say("hello", id="1", token="any")
        assert (await talker.until("error"))["code"] == "internal_error"
        assert (await talker.until("bye"))["code"] == "unavailable"


async def test_a_flood_of_deliveries_before_welcome_is_bounded_and_leads_to_a_resync(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    memberships = platform.kernel.store.memberships

    async def slow(user: str, **options: object) -> object:
        found = await memberships(user, **options)  # type: ignore[arg-type]  # handed through
        (session,) = platform.kernel.sessions._by_user[user]
        for _ in range(20):
            session.connection.write(b"x" * 100_000)
        return found

    monkeypatch.setattr(platform.kernel.store, "memberships", slow)
    async with connected(platform) as talker:
        await talker.say("hello", id="1", token=await platform.token("alice"))
        assert (await talker.hear())["t"] == "welcome"
        assert (await talker.hear())["t"] == "resync"
        assert (await talker.ask("ping", id="p"))["t"] == "pong"


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
async def test_nesting_without_end_is_refused_like_any_other_broken_frame(platform: Platform, encoding: str) -> None:
    async with signed_in(platform, "alice", encoding) as alice:
        if encoding == "json":
            await alice.socket.send_str('{"t": "ping", "more": ' + "[" * 100_000 + "]" * 100_000 + "}")
        else:
            await alice.socket.send_bytes(b"\x82\xa1t\xa4ping\xa4more" + b"\x91" * 100_000 + b"\xc0")

        assert (await alice.until("error"))["code"] == "invalid_input"
        assert (await alice.ask("ping", id="p"))["t"] == "pong"


async def test_text_that_is_not_utf8_closes_with_1007(platform: Platform) -> None:
    async with signed_in(platform, "alice") as alice:
        await alice.socket._writer.send_frame(b'{"t": "ping", "id": "\xff"}', aiohttp.WSMsgType.TEXT)

        assert (await alice.until("closed"))["code"] == 1007


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
async def test_the_other_kind_of_message_is_not_understood(platform: Platform, encoding: str) -> None:
    async with signed_in(platform, "alice", encoding) as alice:
        if encoding == "json":
            await alice.socket.send_bytes(b'{"t": "ping", "id": "1"}')
        else:
            await alice.socket.send_str(msgspec.msgpack.encode({"t": "ping"}).decode("latin-1"))

        assert (await alice.until("error"))["code"] == "invalid_input"


@pytest.mark.parametrize(
    "value",
    [msgspec.msgpack.Ext(5, b"x"), {1: 2}, b"bytes", float("nan"), 2**64 - 1],
    ids=["extension", "key", "bytes", "nan", "integer"],
)
async def test_messagepack_carries_nothing_that_json_cannot(platform: Platform, value: object) -> None:
    await platform.add_user("bob")
    async with signed_in(platform, "alice", "msgpack") as alice:
        fields = {"text": "x", "extra": {"value": value}}
        refused = await alice.ask("send", id="1", to="private/bob", type="text", fields=fields)
        assert (refused["code"], refused["where"]) == ("invalid_input", "fields.extra")


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"t": "recall", "message": "9" * 19}, "not_found"),
        ({"t": "mark", "in": "private/bob", "read": 2**70}, "invalid_input"),
        ({"t": "history", "in": "private/bob", "before": 2**70}, "invalid_input"),
        ({"t": "sync", "cursors": {"private/bob": 2**70}}, "invalid_input"),
        ({"t": "typing", "in": "nonsense"}, "invalid_input"),
        ({"t": "mark", "in": "nonsense"}, "invalid_input"),
        ({"t": "device", "vendor": "apns", "token": "\x00"}, "invalid_input"),
    ],
)
async def test_a_request_out_of_bounds_is_refused_and_the_log_stays_quiet(
    platform: Platform, caplog: pytest.LogCaptureFixture, request_: dict[str, Any], code: str
) -> None:
    async with signed_in(platform, "alice") as alice:
        await alice.say(**request_, id="7")
        assert (await alice.until("error", id="7"))["code"] == code
        assert (await alice.ask("ping", id="p"))["t"] == "pong"

    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]


async def test_a_name_that_is_none_is_refused_with_its_field(platform: Platform) -> None:
    async with signed_in(platform, "alice") as alice:
        assert (await alice.ask("mark", id="1", in_="nonsense"))["where"] == "in"


async def test_a_conversation_that_cannot_be_read_does_not_keep_others_from_being_synchronised(
    platform: Platform,
) -> None:
    await platform.add_user("bob")
    async with signed_in(platform, "alice") as alice:
        await send(alice, "private/bob", "hello", "m-1")
        cursors = {"switched-off/x": 0, "group/none": 0, "private/bob,eve": 0, "private/alice,bob": 0}
        page = await alice.ask("sync", id="s", cursors=cursors)

    assert page["upto"] == {"private/alice,bob": 1}
    assert page["more"] == []
    assert [message["id"] for message in page["messages"]] == ["m-1"]


async def test_typing_too_often_is_not_passed_on_for_ever(tmp_path: Path) -> None:
    settings = {"gateway-websocket": {"heartbeat_seconds": 600}}
    async with (
        start_platform(tmp_path, plugins=settings) as platform,
        signed_in(platform, "alice") as alice,
        signed_in(platform, "bob") as bob,
    ):
        await send(alice, "private/bob", "hello", "m-1")
        for number in range(100):
            await alice.say("typing", in_="private/bob", on=True)
            await alice.ask("ping", id=str(number))
        await bob.until("typing")
        await bob.ask("ping", id="p")

        assert len([frame for frame in bob.passed_over if frame["t"] == "typing"]) < 60
        assert not [frame for frame in alice.passed_over if frame["t"] == "error"]


async def test_a_store_that_is_away_makes_nobody_a_flooder(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*arguments: object, **options: object) -> object:
        raise StorageUnavailable("the database restarts", retry_after_seconds=1)

    monkeypatch.setattr(platform.kernel.store, "summaries", fails)
    async with signed_in(platform, "alice") as alice:
        for number in range(310):
            assert (await alice.ask("list", id=str(number)))["code"] == "storage_unavailable"


async def test_long_last_messages_make_short_list_pages(platform: Platform) -> None:
    names = [f"friend-{number:03}" for number in range(40)]
    async with signed_in(platform, "alice") as alice:
        for name in names:
            await platform.add_user(name)
            assert (await send(alice, f"private/{name}", "字" * 9_000, name))["t"] == "sent"
        after, listed, pages = "", [], 0
        while True:
            message = await alice.ask("list", id=f"l{pages}", after=after, limit=100)
            assert len(msgspec.json.encode(message)) < 600_000
            listed += [item["in"] for item in message["items"]]
            pages += 1
            if not (after := message["next"]):
                break

    assert listed == [f"private/alice,{name}" for name in names]
    assert pages > 1
