"""The table of deliveries, on both databases."""

import pytest
from sqlmodel import SQLModel

from balefire import Conversation
from balefire.database import SqlDatabase
from balefire_incoming_hooks.tables import IncomingHook
from balefire_robots.delivery import Delivery
from balefire_robots.delivery_log import DeliveryLog
from balefire_robots.tables import RobotsDelivery

TEAM = Conversation("group", "team", 2)


def delivery(event_id: int, robot: str = "bot") -> Delivery:
    return Delivery(robot, event_id, TEAM, received_at=1000)


async def test_a_delivery_is_new_once(database: SqlDatabase) -> None:
    log = DeliveryLog(database)

    first = await log.add([delivery(1), delivery(2), delivery(1, "other")])
    again = await log.add([delivery(2), delivery(3)])

    assert [(d.robot, d.event_id) for d in first] == [("bot", 1), ("bot", 2), ("other", 1)]
    assert [d.event_id for d in again] == [3]


async def test_what_was_noted_is_written_together_and_found_again(database: SqlDatabase) -> None:
    log = DeliveryLog(database)
    one, two = await log.add([delivery(1), delivery(2)])

    one.answers.extend([71, 72])
    one.finish("done", 2000)
    two.finish("failed", 2001, error="x" * 900)
    log.note(one)
    log.note(two)
    await log.flush()
    found = await DeliveryLog(database).page("bot", before=0, limit=10)

    assert [(d.event_id, d.state, d.conversation) for d in found] == [(2, "failed", TEAM), (1, "done", TEAM)]
    assert found[1].answers == [71, 72]
    assert len(found[0].error) == 500


async def test_only_what_is_open_is_taken_up_again_in_order(database: SqlDatabase) -> None:
    log = DeliveryLog(database)
    added = await log.add([delivery(number) for number in (5, 3, 4, 1)])
    added[0].finish("done", 2000)
    log.note(added[0])
    await log.flush()

    first = await log.unfinished("bot", after=0, limit=2)
    rest = await log.unfinished("bot", after=3, limit=2)

    assert [d.event_id for d in first] == [1, 3]
    assert [d.event_id for d in rest] == [4]


async def test_pages_go_back_in_time_and_can_be_narrowed(database: SqlDatabase) -> None:
    log = DeliveryLog(database)
    added = await log.add([delivery(number) for number in range(1, 6)])
    for each in added[:2]:
        each.finish("failed", 2000)
        log.note(each)

    newest = await log.page("bot", before=0, limit=2)
    older = await log.page("bot", before=4, limit=2)
    failed = await log.page("bot", before=0, limit=9, state="failed")

    assert [[d.event_id for d in page] for page in (newest, older, failed)] == [[5, 4], [3, 2], [2, 1]]


async def test_finished_deliveries_are_forgotten_in_time(database: SqlDatabase) -> None:
    log = DeliveryLog(database)
    old, new, waiting = await log.add([delivery(1), delivery(2), delivery(3)])
    old.finish("done", 1000)
    new.finish("done", 3000)
    log.note(old)
    log.note(new)
    await log.flush()

    await log.forget(finished_before=2000)

    assert await log.get("bot", 1) is None
    assert await log.get("bot", 2) is not None
    assert (await log.unfinished("bot", after=0, limit=9))[0].event_id == waiting.event_id


@pytest.mark.parametrize("model", [RobotsDelivery, IncomingHook])
async def test_migrations_make_the_tables_that_the_code_describes(database: SqlDatabase, model: type[SQLModel]) -> None:
    described = SQLModel.metadata.tables[str(model.__tablename__)]

    def inspect(connection: object) -> dict[str, bool]:
        from sqlalchemy import inspect

        columns = inspect(connection).get_columns(described.name)
        return {column["name"]: bool(column["nullable"]) for column in columns}

    async with database.read() as connection:
        made = await connection.run_sync(inspect)

    assert made == {column.name: bool(column.nullable) for column in described.columns}
