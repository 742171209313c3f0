"""The client against a real platform, in both encodings."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.client.conftest import QUICK, Place, join, until

from balefire.client import (
    ChatMessage,
    Client,
    ConnectionEnded,
    Marked,
    NoAnswer,
    NotAuthenticated,
    Presence,
    Replaced,
    RequestFailed,
    Typing,
)
from balefire.client.codec import Encoding
from balefire.testing import next_event

ALICE_AND_BOB = "private/alice,bob"


@pytest.fixture(params=["json", "msgpack"])
def encoding(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
async def alice(place: Place, encoding: Encoding) -> AsyncIterator[Client]:
    client = await join(place, "alice", encoding=encoding)
    yield client
    await client.close()


@pytest.fixture
async def bob(place: Place, encoding: Encoding) -> AsyncIterator[Client]:
    client = await join(place, "bob", encoding=encoding)
    yield client
    await client.close()


async def test_a_message_is_acknowledged_and_arrives(alice: Client, bob: Client) -> None:
    sent = await alice.send("private/bob", "这是一个很短的文本内容！")

    message = await next_event(bob)

    assert sent.seq == 1
    assert (message.message, message.sender, message.text) == (sent.message, "alice", "这是一个很短的文本内容！")
    assert (message.conversation, message.seq, message.at) == (ALICE_AND_BOB, 1, sent.at)


async def test_messages_arrive_in_the_order_of_their_numbers(alice: Client, bob: Client) -> None:
    await asyncio.gather(*(alice.send("private/bob", f"{n}") for n in range(50)))

    assert [(await next_event(bob)).seq for _ in range(50)] == list(range(1, 51))


async def test_the_same_id_is_stored_once(alice: Client, bob: Client) -> None:
    first = await alice.send("private/bob", "once", id="once-1")
    again = await alice.send("private/bob", "once", id="once-1")
    await alice.send("private/bob", "end")

    assert again == first
    assert [(await next_event(bob)).text for _ in range(2)] == ["once", "end"]


async def test_own_messages_come_back_only_from_other_devices(place: Place, alice: Client, encoding: Encoding) -> None:
    tablet = await join(place, "alice", encoding=encoding)
    await alice.send("private/bob", "from the first")

    assert (await next_event(tablet)).text == "from the first"

    await tablet.send("private/bob", "from the tablet")
    assert (await next_event(alice)).text == "from the tablet"
    await tablet.close()


async def test_a_refusal_names_code_and_field(alice: Client) -> None:
    with pytest.raises(RequestFailed) as refused:
        await alice.send("nonsense/bob", "hello")

    assert (refused.value.code, refused.value.where) == ("invalid_input", "to")


async def test_a_frame_too_large_is_refused_before_it_is_sent(alice: Client) -> None:
    with pytest.raises(RequestFailed, match="too_large"):
        await alice.send("private/bob", "x" * 300_000)

    assert (await alice.send("private/bob", "still here")).seq == 1


async def test_read_marks_reach_the_other_side(alice: Client, bob: Client) -> None:
    sent = await alice.send("private/bob", "read me")

    answer = await bob.mark(ALICE_AND_BOB, read=sent.seq)

    assert answer.read == 1
    marked = await next_event(alice, Marked)
    assert (marked.user, marked.read) == ("bob", 1)


async def test_typing_and_presence_are_seen(place: Place, alice: Client, bob: Client) -> None:
    await alice.send("private/bob", "hello")
    await alice.watch(["bob", "carol"])
    seen = {(p.user, p.online) for p in [await next_event(alice, Presence), await next_event(alice, Presence)]}
    assert seen == {("bob", True), ("carol", False)}

    await bob.typing(ALICE_AND_BOB)
    assert (await next_event(alice, Typing)).user == "bob"

    await bob.close()
    assert (await next_event(alice, Presence)).online is False


async def test_a_recalled_message_is_replaced_for_everyone(alice: Client, bob: Client) -> None:
    sent = await alice.send("private/bob", "oops")
    await alice.recall(sent.message)

    replaced = await next_event(bob, Replaced)

    assert (replaced.seq, replaced.flags & 2) == (1, 2)
    assert "oops" not in str(replaced.fields)


async def test_history_reads_backwards_in_pages(alice: Client) -> None:
    for n in range(7):
        await alice.send("private/bob", f"{n}")

    newest = await alice.history(ALICE_AND_BOB, limit=3)
    older = await alice.history(ALICE_AND_BOB, before=newest[-1].seq, limit=10)

    assert [m.text for m in newest] == ["6", "5", "4"]
    assert [m.text for m in older] == ["3", "2", "1", "0"]


async def test_history_passes_over_what_was_directed_at_others(place: Place, alice: Client) -> None:
    group = {"id": "team", "name": "Team", "owner": "alice", "members": ["bob", "carol"]}
    assert (await place.platform.http.post("/v1/groups", json=group)).is_success
    await alice.send("group/team", "for all")
    for n in range(7):
        await alice.send("group/team", f"for bob {n}", only=["bob"])
    carol = await join(place, "carol")

    assert (await carol.history("group/team", limit=3))[0].text == "for all"
    assert await carol.history("group/team", before=1, limit=3) == []
    await carol.close()


async def test_the_list_shows_what_is_unread(alice: Client, bob: Client) -> None:
    await alice.send("private/bob", "one")
    await alice.send("private/bob", "two")
    await alice.send("private/carol", "hi")

    (line,) = await bob.conversations()

    assert (line.conversation, line.last_seq, line.unread) == (ALICE_AND_BOB, 2, 2)
    assert line.last is not None
    assert line.last.fields == {"text": "two"}
    assert len(await alice.conversations()) == 2


async def test_what_happened_while_away_is_delivered_in_order(place: Place, alice: Client, encoding: Encoding) -> None:
    for n in range(450):  # more than two pages
        await alice.send("private/bob", f"{n}")

    bob = await join(place, "bob", encoding=encoding)

    assert [(await next_event(bob)).text for _ in range(450)] == [f"{n}" for n in range(450)]
    await bob.close()


async def test_sends_survive_a_restart_of_the_server(place: Place, alice: Client, bob: Client) -> None:
    await alice.send("private/bob", "before")
    await place.stop()
    waiting = asyncio.create_task(alice.send("private/bob", "during"))
    await until(lambda: not alice.is_connected)

    await place.start()

    assert (await waiting).seq == 2
    await alice.send("private/bob", "after")
    assert [(await next_event(bob)).text for _ in range(3)] == ["before", "during", "after"]


async def test_no_answer_within_the_deadline_is_an_error_of_its_own(place: Place, alice: Client) -> None:
    await place.stop()

    with pytest.raises(NoAnswer):
        await alice.send("private/bob", "anybody?", deadline_seconds=0.2)

    await place.start()


async def test_a_wrong_token_is_refused_for_good(place: Place, encoding: Encoding) -> None:
    with pytest.raises(NotAuthenticated):
        async with Client(place.platform.url, "not a token", encoding=encoding):
            pytest.fail("a wrong token was welcomed")


async def test_a_token_may_be_fetched_when_it_is_needed(place: Place, encoding: Encoding) -> None:
    fetched = 0

    async def fetch() -> str:
        nonlocal fetched
        fetched += 1
        return await place.platform.token("alice")

    async with Client(place.platform.url, fetch, encoding=encoding) as client:
        assert (client.user, fetched) == ("alice", 1)


async def test_a_revoked_token_is_replaced_by_another(place: Place, encoding: Encoding) -> None:
    fetched: list[str] = []

    async def fetch() -> str:
        if len(fetched) == 1:
            fetched.append("none to be had")
            raise OSError("the login service is down")
        fetched.append(await place.platform.token("alice"))
        return fetched[-1]

    async with Client(place.platform.url, fetch, encoding=encoding, backoff=QUICK) as client:
        await place.platform.http.post("/v1/users/alice/revoke-tokens")
        await until(lambda: len(fetched) >= 3 and client.is_connected)

        assert (await client.send("private/bob", "still me")).seq == 1


async def test_a_revoked_token_without_another_ends_the_client(place: Place, encoding: Encoding) -> None:
    client = await join(place, "alice", encoding=encoding)
    await place.platform.http.post("/v1/users/alice/revoke-tokens")

    with pytest.raises(NotAuthenticated):
        async for _ in client.events():
            pass
    with pytest.raises(NotAuthenticated):
        await client.send("private/bob", "too late")
    await client.close()


async def test_a_closed_client_ends_its_stream_and_refuses_requests(place: Place, encoding: Encoding) -> None:
    client = await join(place, "alice", encoding=encoding)

    await client.close()
    await client.close()

    assert [event async for event in client.events()] == []
    with pytest.raises(ConnectionEnded):
        await client.send("private/bob", "too late")


async def test_cursors_in_a_file_outlive_the_program(place: Place, alice: Client, tmp_path: Path) -> None:
    file = tmp_path / "cursors.db"
    first = await join(place, "bob", cursors=file)
    await alice.send("private/bob", "one")
    await alice.send("private/bob", "two")
    stream = first.events()
    while not isinstance(event := await anext(stream), ChatMessage) or event.text != "one":
        pass
    while not isinstance(event := await anext(stream), ChatMessage):  # asking for the next one takes "one" over
        pass
    await first.close()

    second = await join(place, "bob", cursors=file, start="all")

    assert (await next_event(second)).text == "two"
    await second.close()


async def test_starting_now_skips_what_was_said_before(place: Place, alice: Client) -> None:
    await alice.send("private/bob", "long ago")
    bob = await join(place, "bob", start="now")
    await bob.conversations()

    await alice.send("private/bob", "just now")

    assert (await next_event(bob)).text == "just now"
    await bob.close()


async def test_a_slow_program_is_handed_everything_in_order(place: Place, alice: Client) -> None:
    bob = await join(place, "bob", queue_size=5)

    for n in range(300):
        await alice.send("private/bob", f"{n}")

    assert [(await next_event(bob)).text for _ in range(300)] == [f"{n}" for n in range(300)]
    await bob.close()


async def test_callbacks_hear_what_they_asked_for(alice: Client, bob: Client) -> None:
    heard: list[str] = []

    async def note(message: ChatMessage) -> None:
        if message.text == "trouble":
            raise RuntimeError("this callback has a fault")
        heard.append(message.text)

    bob.on(ChatMessage, note)
    for text in ("one", "trouble", "two"):
        await alice.send("private/bob", text)

    await until(lambda: heard == ["one", "two"])
    with pytest.raises(RuntimeError, match="use one of them"):
        await anext(bob.events())
