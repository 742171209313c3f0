"""Appending: one order without gaps, each message once."""

import asyncio

import pytest
from tests.store.conftest import OpenStore
from tests.store.talking import NEWS, PAIR, TEAM, draft, numbers, say, say_many

from balefire import Conversation, Event, StorageUnavailable
from balefire_store_sql import SqlMessageStore, postgres_log


async def test_seq_counts_from_one_in_each_conversation(store: SqlMessageStore) -> None:
    messages = await say(
        store, draft("alice", "1"), draft("alice", "2", NEWS), draft("bob", "1"), draft("alice", "3", NEWS)
    )

    assert [(m.conversation, m.seq) for m in messages] == [(TEAM, 1), (NEWS, 1), (TEAM, 2), (NEWS, 2)]


async def test_ids_rise_over_batches_and_conversations(store: SqlMessageStore) -> None:
    first = await say_many(store, "alice", 5)
    second = await say_many(store, "alice", 5, NEWS)

    ids = [m.id for m in first + second]
    assert ids == sorted(set(ids))


async def test_a_message_is_read_back_as_it_was_said(store: SqlMessageStore) -> None:
    (said,) = await say(
        store,
        draft("alice", "1", text="héllo\x00 世界 🔥", to=("bob", "carol"), expires_after_ms=500, at=1000),
    )

    assert said.expires_at == 1500
    assert await store.get_message(said.id) == said
    assert list(await store.history(TEAM)) == [said]


async def test_lines_of_one_target_are_conversations_of_their_own(store: SqlMessageStore) -> None:
    other = Conversation("group", "team", 2)

    messages = await say(store, draft("alice", "1"), draft("alice", "2", other))

    assert [m.seq for m in messages] == [1, 1]
    assert [m.id for m in await store.history(other)] == [messages[1].id]


async def test_a_repeat_yields_the_message_stored_first(store: SqlMessageStore) -> None:
    (first,) = await store.append([draft("alice", "1", text="first")])
    (again,) = await store.append([draft("alice", "1", text="changed")])

    assert (first.is_new, again.is_new) == (True, False)
    assert again.message == first.message


async def test_a_repeat_within_the_batch_takes_no_seq(store: SqlMessageStore) -> None:
    appended = await store.append(
        [draft("alice", "1", text="first"), draft("alice", "1", PAIR, text="changed"), draft("alice", "2")]
    )

    assert [a.is_new for a in appended] == [True, False, True]
    assert [a.message.seq for a in appended] == [1, 1, 2]
    assert appended[1].message == appended[0].message
    assert appended[0].message.payload.fields == {"text": "first"}
    assert await store.last_seq(PAIR) == 0


async def test_repeats_are_known_after_a_restart(open_store: OpenStore) -> None:
    store = await open_store()
    said = await say_many(store, "alice", 3)
    await store.close()

    restarted = await open_store(node=0)
    appended = await restarted.append(
        [draft("alice", "new-1"), *(draft("alice", m.client_message_id) for m in said), draft("alice", "new-2")]
    )

    assert [a.is_new for a in appended] == [True, False, False, False, True]
    assert [a.message.seq for a in appended] == [4, 1, 2, 3, 5]
    assert [a.message for a in appended[1:4]] == said


async def test_a_repeat_sent_elsewhere_yields_the_first_too(store: SqlMessageStore) -> None:
    (first,) = await say(store, draft("alice", "1", TEAM))
    (again,) = await store.append([draft("alice", "1", NEWS)])

    assert again.message == first
    assert await store.last_seq(NEWS) == 0


async def test_the_same_id_of_two_senders_is_two_messages(store: SqlMessageStore) -> None:
    appended = await store.append([draft("alice", "1"), draft("bob", "1")])

    assert [a.is_new for a in appended] == [True, True]


async def test_a_batch_of_nothing_but_repeats_writes_nothing(store: SqlMessageStore) -> None:
    said = await say_many(store, "alice", 3)

    appended = await store.append([draft("alice", m.client_message_id) for m in said])

    assert [a.message for a in appended] == said
    assert await store.last_seq(TEAM) == 3


async def test_seqs_go_on_after_a_restart_and_ids_stay_above(open_store: OpenStore) -> None:
    store = await open_store()
    before = await say_many(store, "alice", 3)
    await store.close()

    after = await say(await open_store(), draft("bob", "1"))

    assert after[0].seq == 4
    assert after[0].id > before[-1].id


async def test_ids_rise_although_the_clock_was_set_back(open_store: OpenStore) -> None:
    store = await open_store(clock_is_ahead_by_ms=3_600_000)
    (message,) = await say(store, draft("alice", "1"))
    (event,) = await store.append_events([Event(id=0, kind="test.happened", at=1)])
    await store.close()

    store = await open_store()
    (later,) = await say(store, draft("alice", "2"))

    assert message.id < event.id < later.id
    assert [entry.id for entry in await store.read_log(after=event.id)] == [later.id]


async def test_a_thousand_drafts_are_one_batch(store: SqlMessageStore) -> None:
    messages = await say_many(store, "alice", 1000)

    assert [m.seq for m in messages] == list(range(1, 1001))
    assert list(await store.history(TEAM, limit=1000)) == messages


async def test_concurrent_appends_leave_no_gap(store: SqlMessageStore) -> None:
    batches = await asyncio.gather(*(store.append([draft(f"user{n}", f"{i}") for i in range(20)]) for n in range(10)))

    assert sorted(seq for batch in batches for seq in numbers(list(batch))) == list(range(1, 201))
    assert all(numbers(list(batch)) == sorted(numbers(list(batch))) for batch in batches)


async def test_a_first_contact_creates_conversation_and_members(store: SqlMessageStore) -> None:
    await say(store, draft("alice", "1", PAIR, initial_members=("alice", "bob"), at=77))

    members = await store.members(PAIR)
    assert [(m.user, m.role, m.joined_at, m.read_seq) for m in members] == [
        ("alice", "member", 77, 0),
        ("bob", "member", 77, 0),
    ]
    assert await store.memberships("bob") == [PAIR]


async def test_many_first_contacts_in_one_batch(store: SqlMessageStore) -> None:
    pairs = [Conversation("private", f"alice,user{n:03}") for n in range(300)]

    messages = await say(
        store,
        *(draft("alice", p.target, p, initial_members=("alice", p.target.split(",")[1])) for p in pairs),
        *(draft("alice", p.target + "-2", p, initial_members=("alice", p.target.split(",")[1])) for p in pairs),
    )

    assert [m.seq for m in messages] == [1] * 300 + [2] * 300
    assert len(await store.memberships("alice")) == 300
    assert await store.memberships("user007") == [pairs[7]]


async def test_later_messages_enter_nobody(store: SqlMessageStore) -> None:
    await say(store, draft("alice", "1", PAIR, initial_members=("alice",)))
    await say(store, draft("alice", "2", PAIR, initial_members=("alice", "bob")))

    assert [m.user for m in await store.members(PAIR)] == ["alice"]


async def test_what_is_refused_leaves_no_trace(store: SqlMessageStore) -> None:
    """A draft the database cannot take fails its batch; the next batch goes on where the last one stood."""
    said = await say_many(store, "alice", 2)
    impossible = draft("alice", "bad", flags=2**70)

    failure = await asyncio.gather(store.append([draft("alice", "3"), impossible]), return_exceptions=True)

    assert isinstance(failure[0], Exception)
    (third,) = await store.append([draft("alice", "3")])
    assert (third.is_new, third.message.seq) == (True, said[-1].seq + 1)


async def test_a_recalled_message_is_what_a_repeat_yields(store: SqlMessageStore) -> None:
    (said,) = await say(store, draft("alice", "1"))
    recalled = await store.replace_payload(said.id, type(said.payload)("recall"), 3)

    (again,) = await store.append([draft("alice", "1")])

    assert again.message == recalled


async def test_two_nodes_share_conversations_without_gap_or_double(open_store: OpenStore, database_url: str) -> None:
    """On SQLite two processes on one file are a mistake, but not one that loses or doubles anything."""
    first, second = await open_store(node=0), await open_store(node=1)

    async def talk(store: SqlMessageStore, name: str) -> None:
        for n in range(20):
            mine = [draft(name, f"{n}-{part}") for part in "ab"]
            await say(store, *mine, draft(name, f"{n}-news", NEWS), draft("shared", f"{n}"))

    await asyncio.gather(talk(first, "alice"), talk(second, "bob"))

    history = await first.history(TEAM, limit=1000)
    assert [m.seq for m in history] == list(range(1, 101))
    assert len({(m.sender, m.client_message_id) for m in history}) == 100
    assert [m.seq for m in await second.history(NEWS, limit=1000)] == list(range(1, 41))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # a SQLite file has one process anyway
async def test_a_node_number_has_one_process(open_store: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_log, "_NODE_LOCK_PATIENCE", "50ms")
    first, second = await open_store(node=5), await open_store(node=5)
    await say(first, draft("alice", "1"))

    with pytest.raises(StorageUnavailable, match="node number 5 is in use"):
        await say(second, draft("alice", "2"))

    await first.close()
    assert numbers(list(await second.append([draft("alice", "2")]))) == [2]


async def test_a_replacement_takes_over_when_the_one_before_it_closes(open_store: OpenStore) -> None:
    """As when the plugin is reloaded, or a process with the same number is started while the old one still drains."""
    old = await open_store()
    await say_many(old, "alice", 3)
    new = await open_store()

    waiting = asyncio.ensure_future(say(new, draft("bob", "1")))
    await say(old, draft("carol", "1"))
    await old.close()

    (message,) = await waiting
    assert [m.sender for m in await new.history(TEAM)][:3] == ["alice"] * 3
    assert {message.seq, *(m.seq for m in await new.history(TEAM))} == {1, 2, 3, 4, 5}
