"""The native protocol over real sockets, in both encodings (docs/reference/client-protocol.md)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.talking import Talker, connected, signed_in

from balefire import USER_SCOPES
from balefire.testing import Platform, start_platform

ENCODINGS = pytest.mark.parametrize("encoding", ["json", "msgpack"])


async def send(talker: Talker, to: str, text: str, key: str, **more: object) -> dict[str, object]:
    return await talker.ask("send", id=key, to=to, type="text", fields={"text": text}, **more)


# -- hello -------------------------------------------------------------------------------------------------------------


@ENCODINGS
async def test_hello_is_answered_with_who_and_what(platform: Platform, encoding: str) -> None:
    async with connected(platform, encoding) as talker:
        welcome = await talker.ask(
            "hello", id="1", token=await platform.token("alice"), device="phone", versions=[9, 1]
        )

    assert welcome["t"] == "welcome"
    assert welcome["user"] == "alice"
    assert welcome["version"] == 1
    assert welcome["limits"] == {"frame_bytes": 262_144, "page": 200, "watch": 500}


async def test_saying_nothing_at_first_is_given_ten_seconds_at_most(tmp_path: Path) -> None:
    settings = {"gateway-websocket": {"hello_seconds": 0.2}}
    async with start_platform(tmp_path, plugins=settings) as platform, connected(platform) as talker:
        assert (await talker.until("bye"))["code"] == "timeout"
        assert (await talker.until("closed"))["code"] == 4408


async def test_falling_silent_closes_after_two_heartbeats(tmp_path: Path) -> None:
    settings = {"gateway-websocket": {"heartbeat_seconds": 0.1}}
    async with start_platform(tmp_path, plugins=settings) as platform, signed_in(platform, "alice") as talker:
        bye = await talker.until("bye")

    assert (bye["code"], bye["reconnect_after_ms"]) == ("timeout", 0)


async def test_pings_keep_a_connection_open(tmp_path: Path) -> None:
    settings = {"gateway-websocket": {"heartbeat_seconds": 0.2}}
    async with start_platform(tmp_path, plugins=settings) as platform, signed_in(platform, "alice") as talker:
        for number in range(12):
            await asyncio.sleep(0.1)
            assert (await talker.ask("ping", id=str(number)))["t"] == "pong"


async def test_a_plain_request_is_told_to_come_with_a_websocket(platform: Platform) -> None:
    answer = await platform.http.get("/v1/socket")

    assert answer.status_code == 426
    assert answer.headers["sec-websocket-version"] == "13"


async def test_a_token_that_is_revoked_ends_its_sessions(platform: Platform) -> None:
    async with signed_in(platform, "alice") as talker:
        answer = await platform.http.post("/v1/users/alice/revoke-tokens")
        assert answer.is_success, answer.text

        bye = await talker.until("bye")
        assert bye["code"] == "token_revoked"
        assert (await talker.until("closed"))["code"] == 4401


async def test_a_token_that_expires_ends_its_session(tmp_path: Path) -> None:
    settings = {"gateway-websocket": {"heartbeat_seconds": 0.1}}
    async with start_platform(tmp_path, plugins=settings) as platform, connected(platform) as talker:
        await platform.add_user("alice")
        issuer = next(iter(platform.kernel.providers.token_issuers.values()))
        token, _ = await issuer.issue("alice", scopes=USER_SCOPES, ttl_seconds=1)
        await talker.say("hello", id="1", token=token)
        assert (await talker.hear())["t"] == "welcome"

        async def speak() -> None:
            while True:
                await talker.say("ping")
                await asyncio.sleep(0.05)

        speaking = asyncio.create_task(speak())
        bye = await talker.until("bye")
        closed = await talker.until("closed")
        speaking.cancel()

    assert bye["code"] == "token_expired"
    assert "reconnect_after_ms" not in bye
    assert closed["code"] == 4401


async def test_welcome_comes_before_anything_delivered_meanwhile(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    await platform.add_user("bob")
    memberships = platform.kernel.store.memberships

    async def slow(user: str, **options: object) -> object:
        if user == "bob":
            await send(alice, "private/bob", "early", "m-1")
            await asyncio.sleep(0.05)
        return await memberships(user, **options)  # type: ignore[arg-type]  # handed through

    async with signed_in(platform, "alice") as alice, connected(platform) as bob:
        monkeypatch.setattr(platform.kernel.store, "memberships", slow)
        await bob.say("hello", id="1", token=await platform.token("bob"))

        assert (await bob.hear())["t"] == "welcome"
        assert (await bob.hear())["id"] == "m-1"


async def test_a_connection_lost_during_hello_leaves_nobody_online(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    memberships, gate = platform.kernel.store.memberships, asyncio.Event()

    async def slow(user: str, **options: object) -> object:
        await gate.wait()
        return await memberships(user, **options)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(platform.kernel.store, "memberships", slow)
    async with connected(platform) as alice:
        await alice.say("hello", id="1", token=await platform.token("alice"))
        async with asyncio.timeout(5):
            while not platform.kernel.sessions.is_online("alice"):
                await asyncio.sleep(0.01)
    gateway = platform.kernel.providers.gateways["websocket"]
    async with asyncio.timeout(5):
        while gateway.count():  # type: ignore[attr-defined]  # the native gateway's own
            await asyncio.sleep(0.01)
    gate.set()

    async with asyncio.timeout(5):
        while platform.kernel.sessions.is_online("alice"):
            await asyncio.sleep(0.01)
    assert platform.kernel.sessions.count() == 0


# -- sending and receiving ---------------------------------------------------------------------------------------------


@ENCODINGS
async def test_a_private_message_is_acknowledged_and_delivered(platform: Platform, encoding: str) -> None:
    async with signed_in(platform, "alice", encoding) as alice, signed_in(platform, "bob", encoding) as bob:
        sent = await send(alice, "private/bob", "你好，世界 👋", "m-1")
        message = await bob.until("message")

    assert sent["t"] == "sent"
    assert sent["in"] == "private/alice,bob"
    assert sent["seq"] == 1
    assert message == {
        "t": "message",
        "message": sent["message"],
        "in": "private/alice,bob",
        "seq": 1,
        "from": "alice",
        "id": "m-1",
        "at": sent["at"],
        "type": "text",
        "fields": {"text": "你好，世界 👋"},
        "flags": 1,
    }


async def test_encodings_mix(platform: Platform) -> None:
    async with signed_in(platform, "alice", "json") as alice, signed_in(platform, "bob", "msgpack") as bob:
        await send(alice, "private/bob", "from json", "m-1")
        await send(bob, "private/alice", "from msgpack", "m-2")

        assert (await bob.until("message"))["fields"] == {"text": "from json"}
        assert (await alice.until("message"))["fields"] == {"text": "from msgpack"}


async def test_the_senders_other_devices_hear_it_and_this_one_does_not(platform: Platform) -> None:
    await platform.add_user("bob")
    async with (
        signed_in(platform, "alice", device="phone") as phone,
        signed_in(platform, "alice", device="laptop") as laptop,
    ):
        await send(phone, "private/bob", "hi", "m-1")

        assert (await laptop.until("message"))["id"] == "m-1"
        await phone.ask("ping", id="p")
        assert not [frame for frame in phone.passed_over if frame["t"] == "message"]


async def test_the_same_id_again_is_the_same_message_once(platform: Platform) -> None:
    async with signed_in(platform, "alice") as alice, signed_in(platform, "bob") as bob:
        first = await send(alice, "private/bob", "once", "m-1")
        again = await send(alice, "private/bob", "once", "m-1")
        second = await send(alice, "private/bob", "twice", "m-2")

        assert again == first
        assert second["seq"] == 2
        assert (await bob.until("message"))["seq"] == 1
        assert (await bob.until("message"))["seq"] == 2


async def test_the_same_id_after_a_restart_is_the_same_message(tmp_path: Path) -> None:
    async with start_platform(tmp_path) as platform, signed_in(platform, "alice") as alice:
        await platform.add_user("bob")
        first = await send(alice, "private/bob", "once", "m-1")

    async with start_platform(tmp_path) as platform, signed_in(platform, "alice") as alice:
        assert await send(alice, "private/bob", "once", "m-1") == first


async def test_numbers_count_up_without_gaps_in_the_order_of_sending(platform: Platform) -> None:
    async with signed_in(platform, "alice") as alice, signed_in(platform, "bob") as bob:
        for number in range(200):
            await alice.say("send", id=f"m-{number}", to="private/bob", type="text", fields={"text": str(number)})

        heard = [await bob.until("message") for _ in range(200)]

    assert [m["seq"] for m in heard] == list(range(1, 201))
    assert [m["fields"]["text"] for m in heard] == [str(number) for number in range(200)]


async def test_a_token_without_the_right_to_write_cannot_send(platform: Platform) -> None:
    token = await platform.token("reader", scopes=frozenset({"messages:read"}))
    async with connected(platform) as talker:
        await talker.ask("hello", id="1", token=token, device="d")
        refused = await send(talker, "private/bob", "x", "m-1")

    assert refused["code"] == "forbidden"


# -- catching up -------------------------------------------------------------------------------------------------------


@ENCODINGS
async def test_what_was_missed_is_listed_and_synchronised_in_bounded_pages(platform: Platform, encoding: str) -> None:
    await platform.add_user("bob")
    async with signed_in(platform, "alice", encoding) as alice:
        for number in range(25):
            await send(alice, "private/bob", f"text {number}", f"m-{number}")

    async with signed_in(platform, "bob", encoding) as bob:
        listed = await bob.ask("list", id="l")
        (item,) = listed["items"]
        assert (item["in"], item["last_seq"], item["unread"]) == ("private/alice,bob", 25, 25)
        assert item["last"]["fields"] == {"text": "text 24"}
        cursor, texts = 0, []
        while True:
            page = await bob.ask("sync", id=f"s{cursor}", cursors={"private/alice,bob": cursor}, limit=10)
            texts += [message["fields"]["text"] for message in page["messages"]]
            cursor = page["upto"]["private/alice,bob"]
            assert len(page["messages"]) <= 10
            if not page["more"]:
                break

    assert texts == [f"text {number}" for number in range(25)]
    assert cursor == 25


async def test_scrolling_back_goes_from_the_newest(platform: Platform) -> None:
    await platform.add_user("bob")
    async with signed_in(platform, "alice") as alice:
        for number in range(1, 13):
            await send(alice, "private/bob", str(number), f"m-{number}")

        newest = await alice.ask("history", id="1", in_="private/bob", limit=5)
        older = await alice.ask("history", id="2", in_="private/bob", before=8, limit=5)
        oldest = await alice.ask("history", id="3", in_="private/bob", before=3, limit=5)

    assert [m["seq"] for m in newest["messages"]] == [12, 11, 10, 9, 8]
    assert [m["seq"] for m in older["messages"]] == [7, 6, 5, 4, 3]
    assert [m["seq"] for m in oldest["messages"]] == [2, 1]
    assert (bool(newest["more"]), bool(older["more"]), bool(oldest["more"])) == (True, True, False)


async def test_reading_on_one_device_clears_the_other_and_shows_the_sender(platform: Platform) -> None:
    async with (
        signed_in(platform, "alice") as alice,
        signed_in(platform, "bob", device="phone") as phone,
        signed_in(platform, "bob", device="laptop") as laptop,
    ):
        await send(alice, "private/bob", "read me", "m-1")
        await phone.until("message")

        assert await phone.ask("mark", id="1", in_="private/alice", read=9) == {
            "t": "ok",
            "id": "1",
            "read": 1,
            "delivered": 1,
        }

        for other in (alice, laptop):
            marked = await other.until("marked", user="bob")
            assert marked["read"] == 1
        (item,) = (await laptop.ask("list", id="2"))["items"]
        assert item["unread"] == 0


# -- the rest ----------------------------------------------------------------------------------------------------------


async def test_typing_reaches_the_other_side_only_between_members(platform: Platform) -> None:
    async with (
        signed_in(platform, "alice") as alice,
        signed_in(platform, "bob") as bob,
        signed_in(platform, "eve") as eve,
    ):
        await send(alice, "private/bob", "hello", "m-1")
        await eve.say("typing", in_="private/alice,bob", on=True)
        await alice.say("typing", in_="private/bob", on=True)

        assert await bob.until("typing") == {"t": "typing", "in": "private/alice,bob", "user": "alice", "on": True}
        assert not [frame for frame in bob.passed_over if frame.get("user") == "eve"]


async def test_watching_tells_who_comes_and_goes(platform: Platform) -> None:
    async with signed_in(platform, "alice") as alice:
        assert (await alice.ask("watch", id="1", users=["bob"]))["t"] == "ok"
        assert (await alice.until("presence", user="bob"))["online"] is False
        async with signed_in(platform, "bob"):
            assert await alice.until("presence", online=True) == {
                "t": "presence",
                "user": "bob",
                "online": True,
                "platforms": ["test"],
            }
        assert (await alice.until("presence", user="bob"))["online"] is False


async def test_watching_tells_on_which_platforms_somebody_is(platform: Platform) -> None:
    def seen(frame: dict[str, Any]) -> tuple[bool, list[str]]:
        return frame["online"], frame.get("platforms", [])

    async with signed_in(platform, "alice") as alice:
        await alice.ask("watch", id="1", users=["bob"])
        assert seen(await alice.until("presence")) == (False, [])
        async with signed_in(platform, "bob", device="phone", kind="ios"):
            assert seen(await alice.until("presence")) == (True, ["ios"])
            async with signed_in(platform, "bob", device="laptop", kind="web"):
                assert seen(await alice.until("presence")) == (True, ["ios", "web"])
                async with signed_in(platform, "bob", device="laptop-2", kind="web"):
                    pass  # nothing new
            assert seen(await alice.until("presence")) == (True, ["ios"])
        assert seen(await alice.until("presence")) == (False, [])


async def test_a_push_token_belongs_to_who_registered_it_last(platform: Platform) -> None:
    async with signed_in(platform, "alice", device="phone") as alice:
        await alice.ask("device", id="1", vendor="apns", token="ab" * 32)
    async with signed_in(platform, "bob", device="phone") as bob:
        await bob.ask("device", id="1", vendor="apns", token="ab" * 32)
        devices = await platform.kernel.store.devices(["alice", "bob"])
        assert [(d.user, d.token) for user in ("alice", "bob") for d in devices[user]] == [
            ("alice", ""),
            ("bob", "ab" * 32),
        ]
        await bob.ask("device", id="2", vendor="apns", token="")

    devices = await platform.kernel.store.devices(["bob"])
    assert [(d.id, d.token) for d in devices["bob"]] == [("phone", "")]


async def test_a_mark_that_changes_nothing_is_answered_and_not_told_to_others(platform: Platform) -> None:
    async with signed_in(platform, "alice") as alice, signed_in(platform, "bob") as bob:
        for number in range(3):
            await send(alice, "private/bob", "read me", f"m-{number}")
        answers = [
            await bob.ask("mark", id=str(n), in_="private/alice", read=read) for n, read in enumerate((2, 2, 1, 3, 0))
        ]
        await alice.until("marked", read=3)
        await alice.ask("ping", id="p")

    assert [answer["read"] for answer in answers] == [2, 2, 2, 3, 3]
    assert [frame["read"] for frame in alice.passed_over if frame["t"] == "marked"] == [2]


async def test_a_device_registers_where_to_push(platform: Platform) -> None:
    async with signed_in(platform, "alice", device="phone") as alice:
        answer = await alice.ask("device", id="1", vendor="apns", token="ab" * 32, app="com.example.app", language="zh")

    devices = (await platform.kernel.store.devices(["alice"]))["alice"]
    assert answer["t"] == "ok"
    assert [(d.id, d.vendor, d.token, d.language) for d in devices] == [("phone", "apns", "ab" * 32, "zh")]


async def test_a_recall_replaces_the_message_everywhere(platform: Platform) -> None:
    async with signed_in(platform, "alice") as alice, signed_in(platform, "bob") as bob:
        sent = await send(alice, "private/bob", "oops", "m-1")
        refused = await bob.ask("recall", id="1", message=sent["message"])
        done = await alice.ask("recall", id="2", message=sent["message"])
        replaced = await bob.until("replaced")
        page = await bob.ask("history", id="3", in_="private/alice")

    assert refused["code"] == "forbidden"
    assert done["t"] == "ok"
    assert (replaced["seq"], replaced["type"], replaced["flags"] & 2) == (1, "recalled", 2)
    assert "oops" not in str(page)


async def test_a_transient_message_is_live_only(platform: Platform) -> None:
    async with signed_in(platform, "alice") as alice, signed_in(platform, "bob") as bob:
        await send(alice, "private/bob", "stored", "m-1")
        kinds = platform.kernel.providers.content_types
        transient = next(k.name for k in kinds.values() if not k.is_stored and k.name.startswith("stream"))
        sent = await alice.ask(
            "send", id="m-2", to="private/bob", type=transient, fields={"text": "so far", "stream": "s-1"}
        )
        heard = await bob.until("message", type=transient)
        page = await bob.ask("history", id="1", in_="private/alice")

    assert (sent["t"], sent.get("seq"), heard["seq"]) == ("sent", 0, 0), sent
    assert [m["seq"] for m in page["messages"]] == [1]


async def test_stopping_sends_clients_away_with_a_time_to_come_back(tmp_path: Path) -> None:
    async with (
        start_platform(tmp_path, settings={"server": {"drain_seconds": 0.5}}) as platform,
        signed_in(platform, "alice") as alice,
    ):
        stopping = asyncio.create_task(platform.kernel.stop())
        bye = await alice.until("bye")
        closed = await alice.until("closed")
        await stopping

    assert bye["code"] == "draining"
    assert 0 <= bye["reconnect_after_ms"] <= 500
    assert closed["code"] == 1012


async def test_a_client_that_does_not_read_is_told_to_synchronise_and_loses_nothing(tmp_path: Path) -> None:
    text = "x" * 4000
    async with (
        start_platform(tmp_path, plugins={"rate-limit": {"enabled": False}}) as platform,
        signed_in(platform, "alice") as alice,
        signed_in(platform, "bob") as bob,
    ):
        transport = bob.socket.get_extra_info("socket")
        assert transport is not None
        bob_protocol = bob.socket._conn.protocol  # type: ignore[union-attr]  # stop reading as a stuck phone does
        assert bob_protocol is not None
        bob_protocol.pause_reading()
        for number in range(1500):
            await send(alice, "private/bob", text, f"m-{number}")
        bob_protocol.resume_reading()
        async with asyncio.timeout(10):
            while (await bob.hear())["t"] != "resync":
                continue
        cursor = 0
        heard = 0
        while heard < 1500:
            page = await bob.ask("sync", id=f"s{cursor}", cursors={"private/alice,bob": cursor})
            heard += len(page["messages"])
            cursor = page["upto"]["private/alice,bob"]

    assert cursor == 1500
