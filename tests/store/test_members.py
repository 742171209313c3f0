"""Members, their cursors, and a user's conversation list."""

import asyncio
import contextlib

from tests.store.talking import NEWS, PAIR, TEAM, draft, say, say_many

from balefire import Conversation, Device, InvalidInput, Member, MessageFlags
from balefire_store_sql import SqlMessageStore


def members(conversation: Conversation, *users: str, **fields: object) -> list[Member]:
    return [Member(conversation=conversation, user=user, **fields) for user in users]  # type: ignore[arg-type]  # by name


async def unread(store: SqlMessageStore, user: str) -> dict[Conversation, int]:
    return {summary.conversation: summary.unread for summary in await store.summaries(user)}


# -- records ---------------------------------------------------------------------------------------------------------


async def test_a_member_comes_back_as_put(store: SqlMessageStore) -> None:
    alice = Member(
        conversation=TEAM,
        user="alice",
        role="owner",
        alias="阿丽",
        visible_from_seq=3,
        settings={"muted": True, "pinned": {"at": 5}},
        joined_at=99,
    )

    await store.put_members([alice])

    assert await store.get_member(TEAM, "alice") == alice
    assert await store.get_member(TEAM, "bob") is None
    assert await store.get_member(NEWS, "alice") is None


async def test_a_text_that_the_database_cannot_keep_is_the_callers_mistake(store: SqlMessageStore) -> None:
    with contextlib.suppress(InvalidInput):
        await store.put_members(members(TEAM, "alice", alias="a\0b"))
        found = await store.get_member(TEAM, "alice")
        assert found is not None and found.alias == "a\0b"

    with contextlib.suppress(InvalidInput):
        (message,) = await say(store, draft("al\0ice", "1"))
        assert message.sender == "al\0ice"
    (message,) = await say(store, draft("bob", "1", text="a\0b \U0001f525"))
    assert await store.get_message(message.id) == message


async def test_many_members_are_found_at_once_and_strangers_left_out(store: SqlMessageStore) -> None:
    names = [f"u{number}" for number in range(1200)]
    await store.put_members([*members(TEAM, *names), *members(TEAM, "bob", role="removed"), *members(NEWS, "carol")])

    found = await store.get_members(TEAM, [*names, "bob", "carol"])

    assert {member.user for member in found} == {*names, "bob"}
    assert await store.get_members(NEWS, []) == []


async def test_replacing_a_member_keeps_their_cursors(store: SqlMessageStore) -> None:
    await store.put_members(members(TEAM, "alice"))
    await say_many(store, "bob", 3)
    await store.mark(TEAM, "alice", read_seq=2, delivered_seq=3)

    await store.put_members(members(TEAM, "alice", role="manager", visible_from_seq=2))

    alice = await store.get_member(TEAM, "alice")
    assert alice is not None
    assert (alice.role, alice.visible_from_seq, alice.read_seq, alice.delivered_seq) == ("manager", 2, 2, 3)


async def test_pages_of_members_follow_user_ids_byte_by_byte(store: SqlMessageStore) -> None:
    users = ["Zoe", "alice", "bob", "Émile", "用户"]
    await store.put_members(members(TEAM, *reversed(users)))

    pages, after = [], ""
    while page := await store.members(TEAM, after=after, limit=2):
        pages.append([member.user for member in page])
        after = page[-1].user

    assert pages == [["Zoe", "alice"], ["bob", "Émile"], ["用户"]]


async def test_members_with_a_phone_are_found_without_the_others(store: SqlMessageStore) -> None:
    await store.put_members([*members(TEAM, "alice", "bob", "carol", "dave"), *members(TEAM, "gone", role="removed")])
    for user, fields in {
        "alice": {"token": "t-alice"},
        "bob": {},
        "dave": {"voip_token": "v-dave"},
        "gone": {"token": "t-gone"},
        "stranger": {"token": "t-stranger"},
    }.items():
        await store.put_device(Device(user=user, id="phone", vendor="apns", **fields))  # type: ignore[arg-type]  # by name
    await store.put_device(Device(user="alice", id="tablet", vendor="apns", token="t-tablet"))

    assert [m.user for m in await store.members(TEAM, only_reachable=True)] == ["alice", "dave"]
    assert [m.user for m in await store.members(TEAM, only_reachable=True, after="alice", limit=1)] == ["dave"]


async def test_removed_members_are_known_but_not_counted(store: SqlMessageStore) -> None:
    await store.put_members(members(TEAM, "alice", "bob"))
    await store.put_members(members(TEAM, "bob", role="removed", left_at_seq=7))

    assert await store.count_members(TEAM) == 1
    assert [m.user for m in await store.members(TEAM)] == ["alice"]
    assert [m.user for m in await store.members(TEAM, include_removed=True)] == ["alice", "bob"]
    assert await store.memberships("bob") == []
    removed = await store.get_member(TEAM, "bob")
    assert removed is not None
    assert removed.left_at_seq == 7


async def test_memberships_can_be_narrowed_to_kinds(store: SqlMessageStore) -> None:
    await store.put_members([*members(TEAM, "alice"), *members(NEWS, "alice"), *members(PAIR, "alice", "bob")])

    assert set(await store.memberships("alice")) == {TEAM, NEWS, PAIR}
    assert set(await store.memberships("alice", kinds=["group", "private"])) == {TEAM, PAIR}
    assert await store.memberships("nobody") == []


async def test_members_may_come_before_the_first_message(store: SqlMessageStore) -> None:
    await store.put_members(members(TEAM, "alice"))

    (first,) = await say(store, draft("alice", "1", initial_members=("alice", "mallory")))

    assert first.seq == 1
    assert [m.user for m in await store.members(TEAM)] == ["alice"]


async def test_ten_thousand_members_enter_at_once(store: SqlMessageStore) -> None:
    await store.put_members(members(NEWS, *(f"user{n:05}" for n in range(10_000))))

    assert await store.count_members(NEWS) == 10_000


async def test_the_same_members_may_be_put_concurrently(store: SqlMessageStore) -> None:
    everyone = [f"user{n}" for n in range(30)]

    await asyncio.gather(
        *(store.put_members(members(TEAM, *everyone[::direction])) for direction in (1, -1) for _ in range(5))
    )

    assert await store.count_members(TEAM) == 30


# -- marks -----------------------------------------------------------------------------------------------------------


async def test_marks_go_forward_only_and_not_past_the_end(store: SqlMessageStore) -> None:
    await store.put_members(members(TEAM, "alice"))
    await say_many(store, "bob", 5)

    positions = []
    for read, delivered in [(3, 0), (1, 4), (99, 99), (0, 0)]:
        marked = await store.mark(TEAM, "alice", read_seq=read, delivered_seq=delivered)
        assert marked is not None
        positions.append((marked.read_seq, marked.delivered_seq))

    assert positions == [(3, 0), (3, 4), (5, 5), (5, 5)]
    assert await store.get_member(TEAM, "alice") == marked


async def test_only_members_have_marks(store: SqlMessageStore) -> None:
    await say_many(store, "bob", 1)
    await store.put_members(members(TEAM, "carol", role="removed"))

    assert await store.mark(TEAM, "alice", read_seq=1) is None
    assert await store.mark(TEAM, "carol", read_seq=1) is None
    assert await store.mark(NEWS, "alice", read_seq=1) is None


async def test_concurrent_marks_end_at_the_highest(store: SqlMessageStore) -> None:
    await store.put_members(members(TEAM, *(f"user{n}" for n in range(5))))
    await say_many(store, "bob", 20)

    marks = await asyncio.gather(
        *(store.mark(TEAM, f"user{n % 5}", read_seq=1 + n * 7 % 20, delivered_seq=20) for n in range(100))
    )

    assert all(marked is not None and marked.delivered_seq == 20 for marked in marks)
    assert {m.read_seq for m in await store.members(TEAM)} <= set(range(16, 21))


async def test_a_mark_that_cannot_be_written_fails_alone(store: SqlMessageStore) -> None:
    await store.put_members([Member(conversation=TEAM, user=user) for user in ("alice", "bob", "carol")])
    await say_many(store, "alice", 3)

    outcomes = await asyncio.gather(
        *(store.mark(TEAM, user, read_seq=seq) for user, seq in (("alice", 1), ("bob", 2**70), ("carol", 3))),
        return_exceptions=True,
    )

    assert [member.read_seq for member in outcomes if isinstance(member, Member)] == [1, 3]
    assert isinstance(outcomes[1], Exception)


# -- conversation list -----------------------------------------------------------------------------------------------


async def test_unread_counts_counted_messages_of_others(store: SqlMessageStore) -> None:
    await store.put_members(members(TEAM, "alice", "bob"))
    await say(
        store,
        draft("bob", "1"),
        draft("bob", "not counted", flags=0),
        draft("alice", "mine"),
        draft("bob", "2"),
        draft("bob", "for carol", to=("carol",)),
        draft("bob", "for alice", to=("alice",)),
    )

    assert await unread(store, "alice") == {TEAM: 3}
    assert await unread(store, "bob") == {TEAM: 1}

    await store.mark(TEAM, "alice", read_seq=4)
    assert await unread(store, "alice") == {TEAM: 1}
    await store.mark(TEAM, "alice", read_seq=6)
    assert await unread(store, "alice") == {TEAM: 0}


async def test_history_before_joining_is_not_unread(store: SqlMessageStore) -> None:
    await say_many(store, "bob", 5)
    await store.put_members(members(TEAM, "alice", visible_from_seq=4))
    await store.put_members(members(TEAM, "carol", visible_from_seq=6))

    assert await unread(store, "alice") == {TEAM: 2}
    assert await unread(store, "carol") == {TEAM: 0}


async def test_a_list_has_the_last_message_the_reader_may_see(store: SqlMessageStore) -> None:
    await store.put_members(members(TEAM, "alice", "bob"))
    await store.put_members(members(TEAM, "late", visible_from_seq=3))
    await store.put_members(members(NEWS, "alice"))
    open_, secret = await say(store, draft("bob", "open"), draft("bob", "secret", to=("carol",)))

    last = {summary.conversation: summary.last_message for summary in await store.summaries("alice")}
    assert last == {TEAM: open_, NEWS: None}
    assert [summary.last_message for summary in await store.summaries("bob")] == [secret]
    assert [summary.last_message for summary in await store.summaries("late")] == [None]


async def test_a_list_shows_no_message_that_has_expired(store: SqlMessageStore) -> None:
    await store.put_members(members(TEAM, "alice"))
    await say(store, draft("bob", "1", text="lasting"), draft("bob", "2", text="brief", expires_after_ms=1))

    (summary,) = await store.summaries("alice")

    assert summary.last_message is not None and summary.last_message.client_message_id == "1"
    assert summary.last_seq == 2


async def test_pages_of_a_list_follow_the_conversations_keys(store: SqlMessageStore) -> None:
    mine = [Conversation("group", f"g{n}", line) for n in range(5) for line in (0, 2, 10)]
    await store.put_members([member for conversation in mine for member in members(conversation, "alice", "bob")])
    await store.put_members(members(TEAM, "bob"))
    await store.put_members(members(NEWS, "alice", role="removed"))

    seen: list[str] = []
    while page := await store.summaries("alice", after=seen[-1] if seen else "", limit=4):
        seen += [summary.conversation.key for summary in page]

    assert seen == sorted(conversation.key for conversation in mine)


async def test_unread_of_a_long_absence_is_a_difference_of_counters(store: SqlMessageStore) -> None:
    await store.put_members(members(TEAM, "alice"))
    for batch in range(3):
        await say(store, *(draft("bob", f"{batch}-{n}", flags=int(MessageFlags.COUNTED)) for n in range(1000)))

    assert await unread(store, "alice") == {TEAM: 3000}
