"""The durable outbox: what is to be pushed survives the process, and is pushed with the same id again."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, get_args

import msgspec
from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from balefire import Clock, Database, PushStyle, Urgency
from balefire_push.tables import PushJob

State = Literal["ready", "running", "done", "dead", "cancelled"]
URGENCIES: Final = get_args(Urgency)  # their places are the order in which they are sent
LEASE_SECONDS: Final = 60
BATCH: Final = 1000
"""Rows that one transaction of house-keeping touches: messages are written between two of them."""
REASON_LENGTH: Final = 200

_NAMESPACE: Final = uuid.UUID("5b0c9a52-6d1b-4d2c-9f0e-0b5a1efc3a11")


class Content(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is shown and carried; kept as JSON."""

    title: str = ""
    body: str = ""
    data: dict[str, Any] = {}
    thread: str = ""
    sound: str = ""
    collapse_key: str = ""
    style: PushStyle = "alert"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the outbox; see ``PushJob``."""

    id: int = 0
    note_id: str
    message_id: int
    user: str
    device: str
    vendor: str
    urgency: Urgency
    content: Content
    expires_at: int
    state: State = "ready"
    run_at: int = 0
    attempts: int = 0
    created_at: int = 0
    finished_at: int = 0
    outcome: str = ""
    reason: str = ""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a claimed job: a new state, or "ready" again at ``run_at``."""

    job: Job
    state: State
    outcome: str = ""
    reason: str = ""
    run_at: int = 0
    counts: bool = True
    """Whether the attempt counts towards the limit of attempts."""


def note_id(message_id: int, user: str, device: str) -> str:
    """The notification's id: the same whenever and wherever it is computed, so that a repeat is known as one."""
    return str(uuid.uuid5(_NAMESPACE, f"{message_id}/{user}/{device}"))


class Outbox:
    """Jobs in the database. Claims carry a lease: what a killed process had claimed is claimed again after it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        # A node number belongs to one living process, so what an earlier one had claimed is known by it.
        self._node = f"{database.node}-"
        self.owner = self._node + uuid.uuid4().hex[:24]

    async def add(self, jobs: Sequence[Job]) -> None:
        """Enter jobs; one that was entered before (same message, user and device) is left as it is."""
        if not jobs:
            return
        now = self._clock.now_ms()
        rows = [_new_row(job, now) for job in jobs]
        async with self._database.write() as connection:
            await connection.execute(self._insert().on_conflict_do_nothing(), rows)

    async def claim(self, vendor: str, *, limit: int) -> list[Job]:
        """Take up to ``limit`` due jobs of a vendor, the urgent ones first. What expired meanwhile is given up."""
        table, now = _table(), self._clock.now_ms()
        due = (
            select(table.c.id)
            .where(table.c.vendor == vendor, table.c.state == "ready", table.c.run_at <= now)
            .order_by(table.c.urgency, table.c.run_at)
            .limit(limit)
        )
        if self._database.dialect == "postgresql":
            due = due.with_for_update(skip_locked=True)
        take = (
            update(table)
            .where(table.c.id.in_(due.scalar_subquery()))
            .values(
                state="running",
                owner=self.owner,
                lease_until=now + LEASE_SECONDS * 1000,
                attempts=table.c.attempts + 1,
            )
            .returning(*table.c)
        )
        async with self._database.write() as connection:
            jobs = [_job(row) for row in (await connection.execute(take)).mappings()]
        return sorted(jobs, key=lambda job: (URGENCIES.index(job.urgency), job.run_at, job.id))

    async def finish(self, results: Sequence[Result]) -> None:
        """Write what became of claimed jobs. One whose lease was lost meanwhile is somebody else's and left alone."""
        if not results:
            return
        table = _table()
        statement = (
            update(table)
            .where(table.c.id == bindparam("of_id"), table.c.owner == self.owner, table.c.state == "running")
            .values({name: bindparam(name) for name in _result_row(results[0], 0)})
        )
        now = self._clock.now_ms()
        rows = [{"of_id": result.job.id, **_result_row(result, now)} for result in results]
        async with self._database.write() as connection:
            await connection.execute(statement, rows)

    async def recover(self, *, of_this_node: bool = False) -> int:
        """Make claimed jobs ready again whose lease is over; at start and stop, all of this node's. How many."""
        table = _table()
        lost = table.c.owner.startswith(self._node) if of_this_node else table.c.lease_until < self._clock.now_ms()
        change = update(table).values(state="ready", owner="")
        return await self._in_batches(change, table.c.finished_at == 0, table.c.state == "running", lost)

    async def cancel(self, message_ids: Sequence[int], *, reason: str) -> int:
        """Call off what is queued for these messages; what is on its way is not tried again if it fails. How many."""
        table, now = _table(), self._clock.now_ms()
        theirs = table.c.message_id.in_(message_ids)
        await self._in_batches(
            update(table).values(expires_at=now), theirs, table.c.state == "running", table.c.expires_at > now
        )
        change = update(table).values(state="cancelled", reason=reason, finished_at=now)
        return await self._in_batches(change, theirs, table.c.state == "ready")

    async def replay(self, job_id: int, *, expires_at: int) -> bool:
        """Give a dead or cancelled job another life; whether there is such a one."""
        table, now = _table(), self._clock.now_ms()
        statement = (
            update(table)
            .where(table.c.id == job_id, table.c.state.in_(("dead", "cancelled")))
            .values(state="ready", run_at=now, attempts=0, expires_at=expires_at, finished_at=0, outcome="", reason="")
        )
        async with self._database.write() as connection:
            return bool((await connection.execute(statement)).rowcount)

    async def expire(self) -> None:
        """Give up what waited for its vendor until its time was over."""
        table, now = _table(), self._clock.now_ms()
        change = update(table).values(
            state="dead", outcome="expired", reason="its time was over before it could be sent", finished_at=now
        )
        await self._in_batches(change, table.c.finished_at == 0, table.c.state == "ready", table.c.expires_at <= now)

    async def purge(self, *, finished_before: int) -> None:
        """Delete what ended before this time (ms)."""
        table = _table()
        await self._in_batches(delete(table), table.c.finished_at > 0, table.c.finished_at < finished_before)

    async def next_due(self, vendor: str) -> int | None:
        """When the next job of a vendor is due (ms); ``None`` if none waits."""
        table = _table()
        query = select(func.min(table.c.run_at)).where(table.c.vendor == vendor, table.c.state == "ready")
        async with self._database.read() as connection:
            found = (await connection.execute(query)).scalar()
        return None if found is None else int(found)

    async def waiting(self) -> Mapping[str, int]:
        """How many jobs are not finished, by vendor."""
        table = _table()
        query = (
            select(table.c.vendor, func.count()).where(table.c.state.in_(("ready", "running"))).group_by(table.c.vendor)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return dict(map(tuple, rows))

    async def get(self, job_id: int) -> Job | None:
        found = await self._select({"id": job_id}, after=0, limit=1)
        return found[0] if found else None

    async def page(self, filters: Mapping[str, Any], *, after: int, limit: int) -> list[Job]:
        """Jobs in id order after ``after`` whose columns equal ``filters``."""
        return await self._select(filters, after=after, limit=limit)

    async def _in_batches(self, change: Any, *conditions: Any) -> int:
        """Change the rows that meet the conditions, some at a time, searched for outside the transaction. How many."""
        table, count = _table(), 0
        find = select(table.c.id).where(*conditions).limit(BATCH)
        while True:
            async with self._database.read() as connection:
                ids = list((await connection.execute(find)).scalars())
            if ids:
                async with self._database.write() as connection:
                    found = await connection.execute(change.where(table.c.id.in_(ids), *conditions))
                    count += int(found.rowcount)
            if len(ids) < BATCH:
                return count

    async def _select(self, filters: Mapping[str, Any], *, after: int, limit: int) -> list[Job]:
        table = _table()
        query = select(table).where(table.c.id > after).order_by(table.c.id).limit(limit)
        for name, value in filters.items():
            query = query.where(table.c[name] == value)
        async with self._database.read() as connection:
            return [_job(row) for row in (await connection.execute(query)).mappings()]

    def _insert(self) -> Any:
        insert = insert_sqlite if self._database.dialect == "sqlite" else insert_postgresql
        return insert(_table())


def _table() -> Any:
    return PushJob.__table__  # type: ignore[attr-defined]  # SQLModel adds it without declaring it


def _new_row(job: Job, now: int) -> dict[str, Any]:
    return {
        "note_id": job.note_id,
        "message_id": job.message_id,
        "user": job.user,
        "device": job.device,
        "vendor": job.vendor,
        "urgency": URGENCIES.index(job.urgency),
        "state": "ready",
        "run_at": job.run_at or now,
        "lease_until": 0,
        "owner": "",
        "attempts": 0,
        "created_at": now,
        "expires_at": job.expires_at,
        "finished_at": 0,
        "outcome": "",
        "reason": "",
        "content": msgspec.json.encode(job.content).decode(),
    }


def _result_row(result: Result, now: int) -> dict[str, Any]:
    return {
        "state": result.state,
        "outcome": result.outcome,
        "reason": result.reason[:REASON_LENGTH],
        "run_at": result.run_at or result.job.run_at,
        "attempts": result.job.attempts if result.counts else result.job.attempts - 1,
        "finished_at": 0 if result.state == "ready" else now,
    }


def _job(row: Mapping[str, Any]) -> Job:
    return Job(
        id=row["id"],
        note_id=row["note_id"],
        message_id=row["message_id"],
        user=row["user"],
        device=row["device"],
        vendor=row["vendor"],
        urgency=URGENCIES[row["urgency"]],
        content=msgspec.json.decode(row["content"], type=Content),
        expires_at=row["expires_at"],
        state=row["state"],
        run_at=row["run_at"],
        attempts=row["attempts"],
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        outcome=row["outcome"],
        reason=row["reason"],
    )
