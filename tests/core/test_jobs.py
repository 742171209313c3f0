"""What jobs promise: on time by the kernel's clock, one run at a time, missed runs made up once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from balefire import Job, MessageStore, StorageUnavailable, hookimpl
from balefire.jobs import JobRunner, ScheduledJob
from balefire.plugin_host import PluginHost
from balefire.plugin_record import PluginRecord
from balefire.schedule import schedule_of
from balefire.testing.clock import TestClock

MONDAY = int(datetime(2026, 1, 5, 8, 59, tzinfo=UTC).timestamp() * 1000)


class Context:
    def __init__(self, record: PluginRecord) -> None:
        self.record = record

    async def close(self) -> None: ...


class Cursors:
    """The part of a message store that jobs use."""

    def __init__(self) -> None:
        self.saved: dict[str, int] = {}
        self.is_down = False

    async def load_cursor(self, consumer: str) -> int | None:
        if self.is_down:
            raise StorageUnavailable("the disk is gone")
        return self.saved.get(consumer)

    async def save_cursors(self, positions: Mapping[str, int]) -> None:
        if self.is_down:
            raise StorageUnavailable("the disk is gone")
        self.saved.update(positions)


class Bench:
    """A host with one plugin of jobs, a clock to move, and the runner under test."""

    def __init__(self) -> None:
        self.clock = TestClock(MONDAY)
        self.cursors = Cursors()
        self.jobs: list[Job] = []
        self.host = PluginHost({"worker": {}}, (), Context, self.clock, extra={"worker": self})
        self.runner = JobRunner(self.host, self.clock, store=lambda: cast(MessageStore, self.cursors))

    @hookimpl
    def register_jobs(self) -> list[Job]:
        return list(self.jobs)

    async def start(self, *jobs: Job) -> None:
        self.jobs = list(jobs)
        if not self.host.records:
            self.host.load()
            await self.host.start()
        await self.runner.start()
        await self.settle()

    async def restart(self, *jobs: Job) -> None:
        """As after a crash: a new runner, the same store."""
        await self.runner.stop()
        self.jobs = list(jobs)
        self.runner = JobRunner(self.host, self.clock, store=lambda: cast(MessageStore, self.cursors))
        await self.host.reload("worker")
        await self.runner.start()
        await self.settle()

    async def settle(self) -> None:
        """Until every job waits for the clock, runs, or will never run."""
        async with asyncio.timeout(10):
            while self.clock.sleepers + self.busy() < len(self.runner.jobs):
                await asyncio.sleep(0)

    def busy(self) -> int:
        return sum(1 for scheduled in self.runner.jobs if scheduled.is_running or scheduled.task is None)

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        await self.settle()

    @property
    def only(self) -> ScheduledJob:
        [scheduled] = self.runner.jobs
        return scheduled


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    await bench.runner.stop()
    await bench.host.stop()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.001)


class Runs:
    """Counts runs, and does what it is told in each."""

    def __init__(self, act: Callable[[], Awaitable[None]] | None = None) -> None:
        self.count = 0
        self.act = act

    async def __call__(self) -> None:
        self.count += 1
        if self.act is not None:
            await self.act()


async def test_a_job_runs_every_so_many_seconds(bench: Bench) -> None:
    run = Runs()
    await bench.start(Job("beat", run, every_seconds=10))

    assert run.count == 0
    await bench.advance(9)
    assert run.count == 0
    await bench.advance(1)
    assert run.count == 1
    await bench.advance(10)
    assert run.count == 2


async def test_a_cron_job_runs_at_its_hour_in_its_time_zone(bench: Bench) -> None:
    utc, shanghai = Runs(), Runs()
    await bench.start(
        Job("utc", utc, cron="0 9 * * 1-5"), Job("shanghai", shanghai, cron="0 9 * * *", timezone="Asia/Shanghai")
    )

    await bench.advance(60)
    assert (utc.count, shanghai.count) == (1, 0)
    await bench.advance(16 * 3600)
    assert (utc.count, shanghai.count) == (1, 1)


async def test_a_run_that_is_late_makes_the_next_wait_its_turn(bench: Bench) -> None:
    gate, running, most = asyncio.Event(), 0, 0

    async def slow() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await gate.wait()
        running -= 1

    run = Runs(slow)
    await bench.start(Job("slow", run, every_seconds=10))
    await bench.advance(10)
    await bench.advance(10)
    assert run.count == 1

    gate.set()
    await until(lambda: run.count == 2)
    assert most == 1


async def test_a_failing_run_is_counted_and_the_schedule_goes_on(bench: Bench) -> None:
    async def fail() -> None:
        raise ValueError("no such table")

    run = Runs(fail)
    await bench.start(Job("fails", run, every_seconds=10))
    await bench.advance(10)
    assert (bench.only.runs, bench.only.failures, bench.only.trouble) == (1, 1, "ValueError: no such table")

    run.act = None
    await bench.advance(10)
    assert (bench.only.runs, bench.only.failures, bench.only.trouble) == (2, 1, "")


async def test_a_run_that_exits_or_hangs_costs_that_run_only(bench: Bench) -> None:
    async def leave() -> None:
        raise SystemExit(1)

    run = Runs(leave)
    await bench.start(Job("odd", run, every_seconds=10, timeout_seconds=0.02))
    await bench.advance(10)
    assert bench.only.trouble == "it called sys.exit"

    async def cancels_itself() -> None:
        raise asyncio.CancelledError

    run.act = cancels_itself
    await bench.advance(10)
    assert bench.only.trouble == "it cancelled itself"

    run.act = asyncio.Event().wait  # type: ignore[assignment]  # hangs; what it returns is never seen
    await bench.advance(10)
    await until(lambda: bench.only.runs == 3)
    assert bench.only.trouble == "it took longer than 0.02 s and was cancelled"


async def test_runs_missed_while_the_process_was_down_are_made_up_once(bench: Bench) -> None:
    run = Runs()
    job = Job("daily", run, cron="0 9 * * *")
    await bench.start(job)
    await bench.advance(60)
    assert run.count == 1

    await bench.runner.stop()
    await bench.clock.advance(5 * 86_400)
    await bench.restart(job)

    await until(lambda: run.count == 2)
    await bench.advance(3600)
    assert run.count == 2


async def test_a_job_that_was_not_missed_does_not_run_at_start(bench: Bench) -> None:
    run = Runs()
    job = Job("hourly", run, every_seconds=3600)
    await bench.start(job)
    await bench.advance(3600)
    await bench.restart(job)
    assert run.count == 1

    await bench.advance(3599)
    assert run.count == 1
    await bench.advance(1)
    assert run.count == 2


async def test_a_clock_that_is_set_back_runs_nothing_twice(bench: Bench) -> None:
    run = Runs()
    await bench.start(Job("daily", run, cron="0 9 * * *"))
    await bench.advance(60)
    assert run.count == 1

    bench.clock.jump(-12 * 3600)
    await bench.advance(13 * 3600)
    assert run.count == 1
    await bench.advance(24 * 3600)
    assert run.count == 2


async def test_a_store_that_is_away_does_not_stop_jobs(bench: Bench) -> None:
    bench.cursors.is_down = True
    run = Runs()

    await bench.start(Job("hourly", run, every_seconds=3600))
    await bench.advance(3600)

    assert run.count == 1


async def test_a_reload_ends_old_jobs_and_begins_new_ones(bench: Bench) -> None:
    old, new, kept = Runs(), Runs(), Runs()
    staying = Job("stays", kept, every_seconds=10)
    await bench.start(Job("beat", old, every_seconds=10), staying)
    await bench.advance(5)

    bench.jobs = [Job("beat", new, every_seconds=10), staying]
    await bench.host.reload("worker")
    await bench.settle()
    await bench.advance(5)
    assert (old.count, new.count, kept.count) == (0, 0, 1)
    await bench.advance(5)
    assert (old.count, new.count, kept.count) == (0, 1, 1)


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        ({}, "a job has either every_seconds or cron"),
        ({"every_seconds": 1, "cron": "* * * * *"}, "a job has either every_seconds or cron"),
        ({"every_seconds": 0}, "every_seconds must be greater than 0, got 0"),
        ({"every_seconds": "10"}, "not supported between"),
        ({"cron": "* * * *"}, "cron must have five fields"),
        ({"cron": "61 * * * *"}, "cannot be read"),
        ({"cron": "* * * * 9"}, "a day of the week is 0 to 7, got 9"),
        ({"cron": "0 9 * * *", "timezone": "Mars/Olympus"}, "in time zone 'Mars/Olympus' cannot be read"),
    ],
)
async def test_a_schedule_that_cannot_be_read_is_told_and_others_run(
    bench: Bench, when: dict[str, Any], reason: str
) -> None:
    run = Runs()
    await bench.start(Job("odd", Runs(), **when), Job("good", run, every_seconds=10))
    await bench.advance(10)

    odd, good = bench.runner.jobs
    assert reason in odd.trouble
    assert good.runs == run.count == 1


@pytest.mark.parametrize(
    ("field", "days"),
    [
        ("0", {6}),
        ("7", {6}),
        ("1-5", {0, 1, 2, 3, 4}),
        ("sat,sun", {5, 6}),
        ("5-1", {4, 5, 6, 0}),
        ("*/2", {6, 1, 3, 5}),
        ("MON", {0}),
    ],
)
def test_days_of_the_week_are_crons_not_apschedulers(field: str, days: set[int]) -> None:
    async def run() -> None: ...

    schedule = schedule_of(Job("weekly", run, cron=f"0 12 * * {field}"), MONDAY)
    now, found = MONDAY, set()
    for _ in range(len(days)):
        now += int(schedule.delay_seconds(now, now) * 1000)
        found.add(datetime.fromtimestamp(now / 1000, UTC).weekday())

    assert found == days
