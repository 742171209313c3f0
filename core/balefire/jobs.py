"""Runs what plugins registered as jobs, on time, one run of each at a time.

APScheduler computes the times of cron expressions. The waiting is done here, on the kernel's clock: a test moves it,
a run that is late makes the next one wait instead of skipping it, and a clock set back repeats nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from balefire.bounded import TookTooLong, bounded
from balefire.plugin_record import summarize
from balefire.schedule import Every, Schedule, schedule_of
from balefire_hookspecs import Clock, Job, MessageStore

if TYPE_CHECKING:
    from balefire.plugin_host import PluginHost

log = logging.getLogger(__name__)

LONGEST_SLEEP_SECONDS: Final = 30.0
"""A wait is looked at again this often, so that a wall clock set forward is noticed."""

REMEMBER_FROM_SECONDS: Final = 60.0
"""Jobs that run more often than this are not worth a write each; there is nothing to make up."""


@dataclass(slots=True, eq=False)
class ScheduledJob:
    """A job and how it has been doing. ``trouble`` is why its last run failed, "" if it did not."""

    plugin: str
    job: Job
    last_ms: int = 0
    runs: int = 0
    failures: int = 0
    trouble: str = ""
    is_running: bool = False
    task: asyncio.Task[None] | None = None

    @property
    def cursor(self) -> str:
        """Under this name the store keeps when it last ran."""
        return f"job:{self.plugin}/{self.job.name}"


class JobRunner:
    """The jobs of every active plugin; follows reloads by itself.

    :param store: where to remember when a job last ran, so that a run missed while the process was down is made up;
        ``None`` remembers nothing.
    """

    def __init__(self, host: PluginHost, clock: Clock, *, store: Callable[[], MessageStore] | None = None) -> None:
        self._host = host
        self._clock = clock
        self._store = store
        self._jobs: dict[tuple[str, str], ScheduledJob] = {}

    def troubles(self) -> dict[str, str]:
        """Jobs whose last run failed, or that cannot be run at all, and why."""
        return {f"{job.plugin}/{job.job.name}": job.trouble for job in self._jobs.values() if job.trouble}

    @property
    def jobs(self) -> list[ScheduledJob]:
        """What is scheduled, for figures and health."""
        return list(self._jobs.values())

    async def start(self) -> None:
        """Begin; a job that was due while the process was down runs once at once."""
        self._host.on_changed.append(self._refresh)
        self._refresh()

    async def stop(self) -> None:
        """Cancel everything. Safe to call twice, or without ``start``."""
        if self._refresh in self._host.on_changed:
            self._host.on_changed.remove(self._refresh)
        tasks = [scheduled.task for scheduled in self._jobs.values() if scheduled.task is not None]
        self._jobs.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _refresh(self) -> None:
        """Keep the jobs that are still the same, end the others, begin the new ones."""
        wanted = {(plugin, job.name): job for plugin, job in self._host.registered("register_jobs")}
        for key, scheduled in list(self._jobs.items()):
            if wanted.get(key) is not scheduled.job:
                if scheduled.task is not None:
                    scheduled.task.cancel()
                del self._jobs[key]
        for (plugin, name), job in wanted.items():
            if (plugin, name) not in self._jobs:
                self._jobs[plugin, name] = self._begin(ScheduledJob(plugin, job))

    def _begin(self, scheduled: ScheduledJob) -> ScheduledJob:
        try:
            schedule = schedule_of(scheduled.job, self._clock.now_ms())
        except Exception as error:  # of a type that no schedule has, say
            scheduled.trouble = str(error)
            log.error("job %r of plugin %r is not run: %s", scheduled.job.name, scheduled.plugin, error)
            return scheduled
        name = f"job:{scheduled.plugin}:{scheduled.job.name}"
        scheduled.task = asyncio.get_running_loop().create_task(self._keep(scheduled, schedule), name=name)
        return scheduled

    async def _keep(self, scheduled: ScheduledJob, schedule: Schedule) -> None:
        is_remembered = not (isinstance(schedule, Every) and schedule.seconds < REMEMBER_FROM_SECONDS)
        if is_remembered:
            scheduled.last_ms = await self._recall(scheduled)
        while True:
            await self._wait(scheduled, schedule)
            # Noted before the run: whoever crashes in it is not started over and over by its own crash.
            scheduled.last_ms = self._clock.now_ms()
            if is_remembered:
                await self._remember(scheduled)
            await self._run(scheduled)

    async def _wait(self, scheduled: ScheduledJob, schedule: Schedule) -> None:
        if isinstance(schedule, Every):
            await self._clock.sleep(max(0.0, schedule.delay_seconds(scheduled.last_ms, self._clock.now_ms())))
            return
        while (delay := schedule.delay_seconds(scheduled.last_ms, self._clock.now_ms())) > 0:
            await self._clock.sleep(min(delay, LONGEST_SLEEP_SECONDS))

    async def _run(self, scheduled: ScheduledJob) -> None:
        """One run in a task of its own: a run that hangs or exits ends alone."""
        scheduled.is_running = True
        limit = scheduled.job.timeout_seconds
        trouble = ""
        try:
            await bounded(scheduled.job.run, limit)
        except TookTooLong:
            trouble = f"it took longer than {limit:g} s and was cancelled"
        except Exception as error:
            log.debug("job %r failed", scheduled.job.name, exc_info=error)
            trouble = summarize(error)
        finally:
            scheduled.is_running = False
        self._note(scheduled, trouble)

    def _note(self, scheduled: ScheduledJob, trouble: str) -> None:
        scheduled.runs += 1
        scheduled.trouble = trouble
        if trouble:
            scheduled.failures += 1
            log.error("job %r of plugin %r failed: %s", scheduled.job.name, scheduled.plugin, trouble)

    async def _recall(self, scheduled: ScheduledJob) -> int:
        try:
            return (await self._store().load_cursor(scheduled.cursor) or 0) if self._store else 0
        except Exception as error:  # a store is a plugin too
            log.warning("when job %r last ran is not known: %s", scheduled.cursor, error)
            return 0

    async def _remember(self, scheduled: ScheduledJob) -> None:
        try:
            if self._store is not None:
                await self._store().save_cursors({scheduled.cursor: scheduled.last_ms})
        except Exception as error:  # a store is a plugin too
            log.warning("when job %r last ran was not saved: %s", scheduled.cursor, error)
