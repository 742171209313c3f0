"""The event log: messages and other events in one order, and cursors on it."""

import asyncio

from tests.store.conftest import OpenStore
from tests.store.talking import PAIR, TEAM, draft, say, say_many

from balefire import Event
from balefire_store_sql import SqlMessageStore


def event(kind: str, **fields: object) -> Event:
    return Event(id=0, kind=kind, at=5, **fields)  # type: ignore[arg-type]  # given by name


async def read_all(store: SqlMessageStore, page: int = 1000) -> list[Event]:
    events: list[Event] = []
    while found := await store.read_log(after=events[-1].id if events else 0, limit=page):
        events += found
    return events


async def test_messages_and_events_are_one_log_in_id_order(store: SqlMessageStore) -> None:
    first = await say_many(store, "alice", 2)
    joined, left = await store.append_events([event("member.added", user="bob"), event("member.removed", user="bob")])
    second = await say_many(store, "bob", 2, PAIR)

    log = await read_all(store)

    assert [e.id for e in log] == [first[0].id, first[1].id, joined.id, left.id, second[0].id, second[1].id]
    assert [e.kind for e in log] == ["message.stored"] * 2 + ["member.added", "member.removed"] + ["message.stored"] * 2
    assert [e.message for e in log if e.message] == first + second
    assert (log[0].conversation, log[0].user, log[0].at) == (TEAM, "alice", first[0].at)


async def test_an_event_comes_back_as_it_was(store: SqlMessageStore) -> None:
    (stored,) = await store.append_events(
        [event("hooks.posted", conversation=PAIR, user="alice", data={"a": [1, None], "b": "\x00"})]
    )

    assert stored.id > 0
    assert await store.read_log(after=0) == [stored]


async def test_pages_of_the_log_join_without_gap_or_repeat(store: SqlMessageStore) -> None:
    for n in range(10):
        await say(store, draft("alice", f"{n}"), draft("alice", f"{n}b"))
        await store.append_events([event("demo.ticked", data={"n": n})] * (n % 3))

    whole = await read_all(store)

    assert len(whole) == 29
    assert await read_all(store, page=3) == whole
    assert await store.last_event_id() == whole[-1].id


async def test_an_empty_log_ends_at_zero(store: SqlMessageStore) -> None:
    assert await store.last_event_id() == 0
    assert list(await store.read_log(after=0)) == []


async def test_a_reader_never_sees_a_gap_that_fills_later(store: SqlMessageStore) -> None:
    """Whoever follows the log while it is written has everything in the end."""
    seen: list[Event] = []

    async def write(writer: int) -> None:
        for n in range(30):
            await say(store, draft(f"user{writer}", f"{n}"))
            await store.append_events([event("demo.ticked", user=f"user{writer}")])

    async def follow(writers: "asyncio.Future[list[None]]") -> None:
        is_last = False
        while not is_last:
            is_last = writers.done()
            seen.extend(await store.read_log(after=seen[-1].id if seen else 0, limit=7 if not is_last else 1000))

    writers = asyncio.gather(*(write(n) for n in range(4)))
    await follow(writers)
    await writers

    assert seen == await read_all(store)
    assert len(seen) == 240


async def test_a_repeat_is_no_second_event(store: SqlMessageStore) -> None:
    await say(store, draft("alice", "1"))
    await say(store, draft("alice", "1"))

    assert len(await read_all(store)) == 1


async def test_cursors_are_kept_by_name(open_store: OpenStore) -> None:
    store = await open_store()
    assert await store.load_cursor("push") is None

    await store.save_cursors({"push": 2**62, "robots": 5})
    await store.save_cursors({"robots": 6})
    await store.save_cursors({})

    again = await open_store()
    assert await again.load_cursor("push") == 2**62
    assert await again.load_cursor("robots") == 6


async def test_a_check_writes_without_a_trace_in_the_log(store: SqlMessageStore) -> None:
    await store.check()
    await store.check()

    assert await store.last_event_id() == 0
