"""The client when things go wrong: lost answers, refusals, files that cannot be read, closing in the middle."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.client.conftest import Place, join, until

from balefire import Forbidden
from balefire.client import ChatMessage, Client, ConnectionEnded, CursorsFailed, ProtocolBroken
from balefire.client.link import STEADY_SECONDS, Link
from balefire.testing import next_event


def server_end(place: Place, user: str) -> Any:
    """The gateway's socket of this user's only session."""
    (session,) = place.platform.kernel.sessions._by_user[user]
    return session.connection._socket  # type: ignore[attr-defined]  # the native gateway's own


async def stored(place: Place) -> list[str]:
    found = await place.platform.kernel.store.history(place.platform.kernel.resolve("private/bob", "alice"))
    return [message.client_message_id for message in found]


async def test_an_answer_that_the_server_left_out_is_asked_for_again(place: Place) -> None:
    alice = await join(place, "alice")
    await alice.conversations()
    socket = server_end(place, "alice")
    socket._is_behind = True  # as after a mebibyte that nobody read
    sending = asyncio.create_task(alice.send("private/bob", "hello", id="m-1"))
    async with asyncio.timeout(10):
        while await stored(place) != ["m-1"]:
            await asyncio.sleep(0.01)
    assert not sending.done()

    socket.resume_writing()

    assert (await sending).seq == 1
    assert await stored(place) == ["m-1"]
    await alice.close()


async def test_the_same_message_sent_twice_at_once_is_answered_twice(place: Place) -> None:
    alice = await join(place, "alice")

    one, other = await asyncio.gather(
        alice.send("private/bob", "once", id="m-1"), alice.send("private/bob", "once", id="m-1")
    )

    assert one == other
    assert await stored(place) == ["m-1"]
    await alice.close()


async def test_a_message_may_have_any_id_of_its_own(place: Place) -> None:
    alice = await join(place, "alice")

    for number, key in enumerate(("ping", "hello", "r1"), start=1):
        assert (await alice.send("private/bob", "x", id=key)).seq == number

    await alice.close()


async def test_a_watch_that_is_refused_does_not_stop_catching_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob = await join(place, "alice"), await join(place, "bob")
    await bob.watch(["alice"])

    def refuse(*_: object) -> None:
        raise Forbidden("presence is nobody's business any more")

    monkeypatch.setattr("balefire.sessions.SessionTable.watch", refuse)
    await place.restart()
    await until(lambda: alice.is_connected)
    await alice.send("private/bob", "missed")

    assert (await next_event(bob)).text == "missed"
    await alice.close()
    await bob.close()


async def test_closing_ends_a_request_that_waits(place: Place) -> None:
    alice = await join(place, "alice")
    server_end(place, "alice")._is_behind = True
    sending = asyncio.create_task(alice.send("private/bob", "hello"))
    async with asyncio.timeout(10):
        while not await stored(place):
            await asyncio.sleep(0.01)

    await alice.close()

    async with asyncio.timeout(5):
        with pytest.raises(ConnectionEnded):
            await sending


async def test_cursors_that_cannot_be_read_are_said_at_once(place: Place, tmp_path: Path) -> None:
    (tmp_path / "cursors.db").write_text("this is no database, whatever it is called " * 100)

    with pytest.raises(CursorsFailed, match="cursors"):
        await join(place, "alice", cursors=tmp_path / "cursors.db")
    await until(lambda: not place.platform.kernel.sessions.is_online("alice"))


async def test_a_server_of_another_encoding_is_not_talked_to(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("balefire_gateway_websocket.gateway.ENCODINGS", {})

    with pytest.raises(ProtocolBroken, match="msgpack"):
        await join(place, "alice", encoding="msgpack")


async def test_a_server_that_lets_in_and_falls_over_is_spared(place: Place) -> None:
    attempts: list[int] = []

    class Counting:
        def seconds(self, attempt: int) -> float:
            attempts.append(attempt)
            return 0.0

    alice = await join(place, "alice")
    link = alice._link
    assert isinstance(link, Link)
    link._backoff = Counting()  # type: ignore[assignment]  # counts instead of waiting
    for number in range(1, 4):
        server_end(place, "alice")._transport.abort()
        await until(lambda: len(attempts) == number and alice.is_connected)  # noqa: B023 - awaited at once

    assert attempts == [0, 1, 2]
    assert STEADY_SECONDS > 1
    await alice.close()


async def test_restarts_in_the_middle_lose_nothing_and_double_nothing(place: Place) -> None:
    alice, bob = await join(place, "alice", deadline_seconds=120.0), await join(place, "bob")
    sending = [asyncio.create_task(alice.send("private/bob", f"{n}")) for n in range(200)]
    heard = asyncio.create_task(collect(bob, 200))
    for _ in range(3):
        await place.restart()
    sent = await asyncio.gather(*sending)

    messages = await heard
    assert [message.seq for message in messages] == list(range(1, 201))
    assert {message.message for message in messages} == {answer.message for answer in sent}
    await alice.close()
    await bob.close()


async def collect(client: Client, count: int) -> list[ChatMessage]:
    return [await next_event(client, within_seconds=120.0) for _ in range(count)]
