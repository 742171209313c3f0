"""Reading back: pages of history, single messages, replaced payloads."""

import pytest
from tests.store.talking import NEWS, TEAM, draft, say, say_many

from balefire import Conversation, Payload
from balefire_store_sql import SqlMessageStore


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"after_seq": 2}, [3, 4, 5]),
        ({"before_seq": 4}, [1, 2, 3]),
        ({"after_seq": 1, "before_seq": 4}, [2, 3]),
        ({"limit": 2}, [1, 2]),
        ({"limit": 2, "newest_first": True}, [5, 4]),
        ({"before_seq": 4, "limit": 2, "newest_first": True}, [3, 2]),
        ({"after_seq": 5}, []),
    ],
)
async def test_a_page_lies_between_its_bounds(
    store: SqlMessageStore, bounds: dict[str, int], expected: list[int]
) -> None:
    await say_many(store, "alice", 5)
    await say_many(store, "alice", 5, NEWS)

    page = await store.history(TEAM, **bounds)  # type: ignore[arg-type]  # one of them is a boolean

    assert [m.seq for m in page] == expected


async def test_an_unknown_conversation_is_empty(store: SqlMessageStore) -> None:
    nowhere = Conversation("group", "nowhere")

    assert list(await store.history(nowhere)) == []
    assert await store.last_seq(nowhere) == 0
    assert await store.get_message(12345) is None


async def test_replacing_a_payload_keeps_everything_else(store: SqlMessageStore) -> None:
    (said,) = await say(store, draft("alice", "1", to=("bob",)))

    replaced = await store.replace_payload(said.id, Payload("recall", {"by": "alice"}, push_text="x"), 3)

    assert replaced is not None
    assert replaced.payload == Payload("recall", {"by": "alice"}, push_text="x")
    assert replaced.is_recalled
    assert (replaced.id, replaced.seq, replaced.at, replaced.to) == (said.id, said.seq, said.at, said.to)
    assert list(await store.history(TEAM)) == [replaced]


async def test_replacing_what_is_not_there_yields_nothing(store: SqlMessageStore) -> None:
    assert await store.replace_payload(12345, Payload("recall"), 2) is None


async def test_a_payload_of_every_json_shape_comes_back(store: SqlMessageStore) -> None:
    fields = {"a": [1, 2.5, None, True, {"b": "x"}], "c": {}, "d": "\u0000'\"\\", "e": -(2**53)}
    wanted = draft("alice", "1")
    payload = Payload("card", fields, mentions=("bob", "*"), push_text="look")
    submission = type(wanted.submission)(
        sender="alice", conversation=TEAM, payload=payload, client_message_id="1", origin="robot"
    )

    (appended,) = await store.append([type(wanted)(submission, at=1)])

    read = await store.get_message(appended.message.id)
    assert read == appended.message
    assert read is not None
    assert read.payload == payload
    assert read.origin == "robot"
