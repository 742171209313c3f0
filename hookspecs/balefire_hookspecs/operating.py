"""What operators see and time drives: jobs, health checks, metrics."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Job:
    """Work on a schedule: every so many seconds, or by a five-field cron expression in ``timezone``.

    ``run`` is awaited with a limit of ``timeout_seconds``; a run that is still going when the next is due makes that
    one wait its turn, never overlap. Missed runs (the process was down) are made up once, not one by one.
    """

    name: str
    run: Callable[[], Awaitable[None]]
    every_seconds: float | None = None
    cron: str | None = None
    timezone: str = "UTC"
    timeout_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A line in ``/readyz``. ``check`` returns a sentence of what is wrong, or ``None``; within two seconds."""

    name: str
    check: Callable[[], Awaitable[str | None]]
    is_critical: bool = True


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure for ``/metrics``: read when scraped. Labels, if any, are the mapping's keys (label values)."""

    name: str
    help: str
    read: Callable[[], float | Mapping[tuple[str, ...], float]]
    labels: tuple[str, ...] = ()
    kind: Literal["counter", "gauge"] = "gauge"
