"""The outbox on both databases: once in, claimed by one, back after a crash, with the same id."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.push.conftest import MovableClock
from tests.servers import PostgreSQL

from balefire.database import SqlDatabase
from balefire.migrations import migrate
from balefire_push.outbox import LEASE_SECONDS, Content, Job, Outbox, Result, note_id
from balefire_push.settling import give_up, put_back


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    server = PostgreSQL()
    server.start()
    yield server
    server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'balefire.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql").create_database()
    database = SqlDatabase(url)
    await database.open()
    await migrate(database, "push", "balefire_push.migrations")
    await database.close()
    return url


@pytest.fixture
async def databases(database_url: str) -> AsyncIterator[list[SqlDatabase]]:
    """Two nodes on one database."""
    found = [SqlDatabase(database_url, "normal", node=node) for node in (0, 1)]
    yield found
    for database in found:
        await database.close()


@pytest.fixture
def outbox(databases: list[SqlDatabase], clock: MovableClock) -> Outbox:
    return Outbox(databases[0], clock)


def job(clock: MovableClock, number: int = 1, **fields: Any) -> Job:
    values: dict[str, Any] = {
        "note_id": note_id(number, "carol", "phone"),
        "message_id": number,
        "user": "carol",
        "device": "phone",
        "vendor": "apns",
        "urgency": "message",
        "content": Content(title="Alice", body="五点喝茶? 👍", data={"n": number}),
        "expires_at": clock.now_ms() + 3_600_000,
    }
    return Job(**(values | fields))


async def test_what_goes_in_comes_out(outbox: Outbox, clock: MovableClock) -> None:
    await outbox.add([job(clock)])

    [claimed] = await outbox.claim("apns", limit=10)

    assert claimed.content == job(clock).content
    assert (claimed.note_id, claimed.attempts, claimed.state) == (note_id(1, "carol", "phone"), 1, "running")


async def test_a_repeat_after_a_crash_enters_nothing(outbox: Outbox, clock: MovableClock) -> None:
    await outbox.add([job(clock), job(clock, 2)])
    [first, _] = await outbox.claim("apns", limit=10)
    await outbox.finish([Result(job=first, state="done", outcome="delivered")])

    await outbox.add([job(clock), job(clock, 2), job(clock, 3)])

    assert [left.message_id for left in await outbox.claim("apns", limit=10)] == [3]


async def test_every_job_is_claimed_by_one(databases: list[SqlDatabase], clock: MovableClock) -> None:
    boxes = [Outbox(database, clock) for database in databases]
    await boxes[0].add([job(clock, number) for number in range(200)])

    async def drain(box: Outbox) -> list[int]:
        taken: list[int] = []
        while jobs := await box.claim("apns", limit=7):
            taken += [claimed.id for claimed in jobs]
        return taken

    first, second = await asyncio.gather(drain(boxes[0]), drain(boxes[1]))

    assert len(set(first + second)) == len(first + second) == 200


async def test_a_killed_process_leaves_its_jobs_to_the_lease(databases: list[SqlDatabase], clock: MovableClock) -> None:
    dead, other = Outbox(databases[0], clock), Outbox(databases[1], clock)
    await dead.add([job(clock)])
    [claimed] = await dead.claim("apns", limit=1)

    await other.recover()
    assert await other.claim("apns", limit=1) == []
    clock.move(LEASE_SECONDS + 1)
    await other.recover()
    [again] = await other.claim("apns", limit=1)

    assert (again.note_id, again.attempts) == (claimed.note_id, 2)
    await dead.finish([give_up(claimed, "rejected", "too late: the lease is lost")])
    found = await other.get(claimed.id)
    assert found is not None
    assert found.state == "running"


async def test_a_restarted_process_continues_at_once(databases: list[SqlDatabase], clock: MovableClock) -> None:
    await Outbox(databases[0], clock).add([job(clock)])
    [claimed] = await Outbox(databases[0], clock).claim("apns", limit=1)

    restarted = Outbox(databases[0], clock)
    await restarted.recover(of_this_node=True)

    [again] = await restarted.claim("apns", limit=1)
    assert again.note_id == claimed.note_id


async def test_calls_go_before_messages_before_bulk(outbox: Outbox, clock: MovableClock) -> None:
    await outbox.add([job(clock, 1, urgency="bulk"), job(clock, 2), job(clock, 3, urgency="call"), job(clock, 4)])

    claimed = await outbox.claim("apns", limit=10)

    assert [taken.message_id for taken in claimed] == [3, 2, 4, 1]


async def test_only_what_is_due_of_the_right_vendor(outbox: Outbox, clock: MovableClock) -> None:
    later = clock.now_ms() + 60_000
    await outbox.add([job(clock, 1, vendor="fcm"), job(clock, 2, run_at=later)])

    assert await outbox.claim("apns", limit=10) == []
    assert await outbox.next_due("apns") == later
    assert await outbox.next_due("xiaomi") is None
    assert await outbox.waiting() == {"apns": 1, "fcm": 1}


async def test_a_recall_cancels_what_is_queued(outbox: Outbox, clock: MovableClock) -> None:
    await outbox.add([job(clock, 1), job(clock, 2)])

    assert await outbox.cancel([1], reason="the message was recalled") == 1

    assert [left.message_id for left in await outbox.claim("apns", limit=10)] == [2]
    [cancelled] = await outbox.page({"state": "cancelled"}, after=0, limit=10)
    assert cancelled.reason == "the message was recalled"


async def test_what_was_recalled_on_its_way_is_not_tried_again(outbox: Outbox, clock: MovableClock) -> None:
    await outbox.add([job(clock, 1)])
    [claimed] = await outbox.claim("apns", limit=1)

    assert await outbox.cancel([1], reason="the message was recalled") == 0
    await outbox.finish([put_back(claimed)])
    await outbox.expire()

    [dead] = await outbox.page({}, after=0, limit=10)
    assert (dead.state, dead.outcome) == ("dead", "expired")


async def test_house_keeping_takes_any_number_a_batch_at_a_time(
    outbox: Outbox, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("balefire_push.outbox.BATCH", 3)
    await outbox.add([job(clock, 1, device=f"phone-{number}") for number in range(7)])
    await outbox.claim("apns", limit=7)

    clock.move(LEASE_SECONDS + 1)
    assert await outbox.recover() == 7
    assert await outbox.cancel([1], reason="the message was recalled") == 7
    await outbox.purge(finished_before=clock.now_ms() + 1)

    assert await outbox.page({}, after=0, limit=10) == []


async def test_a_dead_job_can_be_replayed_with_its_id(outbox: Outbox, clock: MovableClock) -> None:
    await outbox.add([job(clock)])
    [claimed] = await outbox.claim("apns", limit=1)
    await outbox.finish([give_up(claimed, "rejected", "x" * 500)])

    assert await outbox.replay(claimed.id, expires_at=clock.now_ms() + 1000)
    assert not await outbox.replay(claimed.id, expires_at=clock.now_ms() + 1000)

    [again] = await outbox.claim("apns", limit=1)
    assert (again.note_id, again.attempts, again.outcome) == (claimed.note_id, 1, "")


async def test_old_jobs_are_purged_and_waiting_ones_kept(outbox: Outbox, clock: MovableClock) -> None:
    await outbox.add([job(clock, 1), job(clock, 2)])
    [first] = await outbox.claim("apns", limit=1)
    await outbox.finish([Result(job=first, state="done", outcome="delivered")])
    clock.move(7200)

    await outbox.purge(finished_before=clock.now_ms() - 3_600_000)

    assert [left.message_id for left in await outbox.page({}, after=0, limit=10)] == [2]


async def test_what_nobody_sends_is_given_up_when_its_time_is_over(outbox: Outbox, clock: MovableClock) -> None:
    await outbox.add([job(clock, 1, vendor="nobody"), job(clock, 2, expires_at=clock.now_ms() + 10_000_000)])
    clock.move(3601)

    await outbox.expire()

    [dead] = await outbox.page({"state": "dead"}, after=0, limit=10)
    assert (dead.message_id, dead.outcome) == (1, "expired")


async def test_a_queued_job_takes_less_than_a_kibibyte(databases: list[SqlDatabase], clock: MovableClock) -> None:
    database = databases[0]
    if database.dialect == "postgresql":
        sizes = "SELECT pg_total_relation_size('push_job')"
    else:
        sizes = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"

    async def size() -> int:
        async with database.engine.connect() as connection:
            return int((await connection.exec_driver_sql(sizes)).scalar_one())

    before = await size()
    await Outbox(database, clock).add([job(clock, number) for number in range(5_000)])

    assert (await size() - before) / 5_000 < 1024
