"""Keeps deliveries in the table ``robots_delivery``.

New ones are written before the event consumer moves on. What becomes of them is written behind: the changes of many
deliveries share a transaction, and one that is lost in a crash costs a repetition under the same key.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlmodel import col

from balefire import Conversation, Database, StorageUnavailable
from balefire_robots.delivery import OPEN, Delivery
from balefire_robots.tables import RobotsDelivery as Row

PAUSE_SECONDS = 1.0


class DeliveryLog:
    """What every robot was told, and what it did about it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changed: dict[tuple[str, int], dict[str, Any]] = {}
        self._wake = asyncio.Event()

    async def add(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Write deliveries durably; returns those that were not there already."""
        if self._database.dialect == "sqlite":
            from sqlalchemy.dialects.sqlite import insert
        else:
            from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]  # same calls, other class
        statement = insert(Row).on_conflict_do_nothing().returning(col(Row.robot), col(Row.event_id))
        async with self._database.write() as connection:
            rows = (await connection.execute(statement.values([_full_row(d) for d in deliveries]))).all()
        new = {(robot, event_id) for robot, event_id in rows}
        return [d for d in deliveries if (d.robot, d.event_id) in new]

    def note(self, delivery: Delivery) -> None:
        """Remember to write what became of this delivery, soon."""
        self._changed[delivery.robot, delivery.event_id] = _row(delivery)
        self._wake.set()

    async def write_behind(self) -> None:
        """Write what was noted, for as long as the plugin runs."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.flush()
            except StorageUnavailable:  # /readyz says so; the changes stay noted
                self._wake.set()
                await asyncio.sleep(PAUSE_SECONDS)

    async def flush(self) -> None:
        """Write what was noted, now.

        :raises StorageUnavailable: nothing was written; it stays noted.
        """
        changed, self._changed = self._changed, {}
        if not changed:
            return
        statement = (
            update(Row)
            .where(col(Row.robot) == bindparam("of_robot"), col(Row.event_id) == bindparam("of_event"))
            .values({name: bindparam(name) for name in next(iter(changed.values()))})
        )
        rows = [{"of_robot": robot, "of_event": event_id, **row} for (robot, event_id), row in changed.items()]
        try:
            async with self._database.write() as connection:
                await connection.execute(statement, rows)
        except BaseException:
            self._changed = changed | self._changed
            raise

    async def unfinished(self, robot: str, *, after: int, limit: int) -> list[Delivery]:
        """Deliveries that still have to be made, in the order of the log."""
        query = (
            select(Row)
            .where(col(Row.robot) == robot, col(Row.event_id) > after, col(Row.state).in_(OPEN))
            .order_by(col(Row.event_id))
            .limit(limit)
        )
        return await self._fetch(query)

    async def page(self, robot: str, *, before: int, limit: int, state: str = "") -> list[Delivery]:
        """A page for the robot's author, newest first; ``before`` 0 starts at the newest."""
        with contextlib.suppress(StorageUnavailable):  # better a page a second old than none
            await self.flush()
        query = select(Row).where(col(Row.robot) == robot).order_by(col(Row.event_id).desc()).limit(limit)
        if before:
            query = query.where(col(Row.event_id) < before)
        if state:
            query = query.where(col(Row.state) == state)
        return await self._fetch(query)

    async def get(self, robot: str, event_id: int) -> Delivery | None:
        """One delivery."""
        await self.flush()
        found = await self._fetch(select(Row).where(col(Row.robot) == robot, col(Row.event_id) == event_id))
        return found[0] if found else None

    async def forget(self, *, finished_before: int) -> None:
        """Delete what was finished before this time (ms)."""
        statement = delete(Row).where(col(Row.finished_at) > 0, col(Row.finished_at) < finished_before)
        async with self._database.write() as connection:
            await connection.execute(statement)

    async def _fetch(self, query: Any) -> list[Delivery]:
        async with self._database.read() as connection:
            return [_delivery(row) for row in (await connection.execute(query)).mappings()]


def _row(delivery: Delivery) -> dict[str, Any]:
    return {
        "state": delivery.state,
        "attempts": delivery.attempts,
        "round": delivery.round,
        "answers": ",".join(map(str, delivery.answers)),
        "error": delivery.error,
        "started_at": delivery.started_at,
        "finished_at": delivery.finished_at,
    }


def _full_row(delivery: Delivery) -> dict[str, Any]:
    where = delivery.conversation
    return {
        "robot": delivery.robot,
        "event_id": delivery.event_id,
        "kind": where.kind,
        "target": where.target,
        "line": where.line,
        "received_at": delivery.received_at,
        **_row(delivery),
    }


def _delivery(row: Mapping[str, Any]) -> Delivery:
    return Delivery(
        robot=row["robot"],
        event_id=row["event_id"],
        conversation=Conversation(row["kind"], row["target"], row["line"]),
        received_at=row["received_at"],
        state=row["state"],
        attempts=row["attempts"],
        round=row["round"],
        answers=[int(answer) for answer in row["answers"].split(",") if answer],
        error=row["error"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
    )
