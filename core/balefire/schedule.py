"""When a job is due next: every so many seconds, or by a cron expression."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

from balefire_hookspecs import Job

if TYPE_CHECKING:
    from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]  # ships no type information

_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


class Schedule(Protocol):
    """Tells how long to wait. ``last_ms`` is when the job was last begun, 0 if never."""

    def delay_seconds(self, last_ms: int, now_ms: int) -> float:
        """Seconds from now until the next run; 0 or less: it is due, or was missed and is made up once."""


@dataclass(frozen=True, slots=True)
class Every:
    """A fixed distance between the beginnings of two runs."""

    seconds: float

    def delay_seconds(self, last_ms: int, now_ms: int) -> float:
        """The first run comes one distance after the start. A clock set back never makes a wait longer than that."""
        return min(self.seconds, self.seconds - (now_ms - last_ms) / 1000) if last_ms else self.seconds


@dataclass(frozen=True, slots=True)
class Cron:
    """Five fields: minute, hour, day of month, month, day of week (0 and 7 are Sunday). All must match."""

    trigger: CronTrigger
    began_ms: int

    def delay_seconds(self, last_ms: int, now_ms: int) -> float:
        """Counted from the last run, so a clock that is set back does not run anything twice."""
        reference = datetime.fromtimestamp((last_ms or self.began_ms) / 1000, UTC)
        due = self.trigger.get_next_fire_time(reference, reference)
        return float("inf") if due is None else due.timestamp() - now_ms / 1000


def schedule_of(job: Job, now_ms: int) -> Schedule:
    """The job's schedule.

    :raises ValueError: it has none, both, or one that cannot be read; the text says what is allowed.
    """
    if (job.every_seconds is None) == (job.cron is None):
        raise ValueError("a job has either every_seconds or cron")
    if job.every_seconds is not None:
        if job.every_seconds <= 0:
            raise ValueError(f"every_seconds must be greater than 0, got {job.every_seconds:g}")
        return Every(job.every_seconds)
    return Cron(_trigger(job.cron or "", job.timezone), now_ms)


def _trigger(expression: str, timezone: str) -> CronTrigger:
    from zoneinfo import ZoneInfo  # with APScheduler, the slow part of starting up; few platforms need it at once

    from apscheduler.triggers.cron import CronTrigger

    fields = expression.split()
    if len(fields) != 5:
        raise ValueError(f"cron must have five fields (minute hour day month weekday), got {expression!r}")
    try:
        zone = ZoneInfo(timezone)
        minute, hour, day, month, weekday = fields
        return CronTrigger(
            minute=minute, hour=hour, day=day, month=month, day_of_week=_weekdays(weekday), timezone=zone
        )
    except (ValueError, KeyError, OSError) as error:
        raise ValueError(f"cron {expression!r} in time zone {timezone!r} cannot be read: {error}") from error


def _weekdays(field: str) -> str:
    """APScheduler counts from Monday and knows no ranges over the weekend; cron counts from Sunday."""
    if field == "*":
        return field
    return ",".join(_DAYS[day] for part in field.lower().split(",") for day in _expand(part))


def _expand(part: str) -> list[int]:
    span, _, step = part.partition("/")
    first, dash, last = span.partition("-")
    if span == "*":
        begin, end = 0, 6
    else:
        begin = _day_number(first)
        end = _day_number(last) if dash else (6 if step else begin)
    days = end - begin if end >= begin else end + 7 - begin
    return sorted({(begin + offset) % 7 for offset in range(0, days + 1, int(step or 1))})


def _day_number(text: str) -> int:
    number = _DAYS.index(text) if text in _DAYS else int(text)
    if not 0 <= number <= 7:
        raise ValueError(f"a day of the week is 0 to 7, got {number}")
    return number
