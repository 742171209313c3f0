"""The robot runtime: hands messages to the robots that plugins register, each at its own pace, nothing lost."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from pydantic import Field

from balefire import (
    EventConsumer,
    HealthCheck,
    Job,
    Manifest,
    Metric,
    Operation,
    PluginContext,
    Settings,
    StorageUnavailable,
    hookimpl,
)
from balefire_robots.routes import RobotRoutes
from balefire_robots.runner import Limits
from balefire_robots.runtime import RobotRuntime

DAY_MS = 86_400_000


class Config(Settings):
    """The table ``[plugins.robots]``."""

    concurrency: int = Field(16, ge=1, description="conversations that one robot answers at a time")
    max_hops: int = Field(3, ge=0, description="how many robots may answer each other before a person speaks again")
    pause_after: int = Field(5, ge=1, description="failures in a row after which a robot is paused")
    pause_seconds: float = Field(30.0, gt=0, description="length of the first pause; it doubles up to 10 minutes")
    max_attempts: int = Field(5, ge=1, description="server stops during one delivery after which it is given up")
    keep_days: int = Field(7, ge=1, description="days for which finished deliveries are kept")


class Plugin:
    """Wires the runtime; everything else is in its modules."""

    runtime: RobotRuntime

    @hookimpl
    def describe(self) -> Manifest:
        """Ask for the store and the directory, where the robots' accounts are."""
        return Manifest(
            summary="Runs robots: ordered, durable deliveries with a log for their authors",
            summary_zh="运行机器人：有序、持久的投递，并为作者保留投递记录",
            config=Config,
            requires=("storage", "directory"),
            provides=("robots",),
            migrations="balefire_robots.migrations",
        )

    @hookimpl
    async def lifespan(self, ctx: PluginContext[Config]) -> AsyncIterator[None]:
        """Follow the registered robots; write behind until the end."""
        config = ctx.config
        self.runtime = RobotRuntime(
            ctx,
            limits=Limits(config.concurrency, config.max_attempts),
            max_hops=config.max_hops,
            pause_after=config.pause_after,
            pause_seconds=config.pause_seconds,
        )
        self._ctx = ctx
        # Called when every plugin has been started: robots begin when they can answer, not earlier.
        ctx.watch_providers(self.runtime.providers_changed)
        ctx.spawn(self.runtime.keep_up(), name="robots")
        ctx.spawn(self.runtime.deliveries.write_behind(), name="robot deliveries")
        yield
        try:
            await asyncio.wait_for(self.runtime.deliveries.flush(), timeout=5)
        except (TimeoutError, StorageUnavailable):
            ctx.log.warning("the last deliveries to robots were not noted; they will be repeated under the same keys")

    @hookimpl
    def register_event_consumers(self, ctx: PluginContext[Config]) -> list[EventConsumer]:
        """Read every message from a durable cursor."""
        return [self.runtime]

    @hookimpl
    def register_routes(self, ctx: PluginContext[Config]) -> list[Operation]:
        """The author's view."""
        return RobotRoutes(ctx, self.runtime).operations()

    @hookimpl
    def register_jobs(self, ctx: PluginContext[Config]) -> list[Job]:
        """Forget old deliveries."""
        return [Job("forget-deliveries", self._forget, every_seconds=3600)]

    @hookimpl
    def register_health_checks(self, ctx: PluginContext[Any]) -> list[HealthCheck]:
        """Name the robots that are paused."""
        return [HealthCheck("robots", self._check, is_critical=False)]

    @hookimpl
    def register_metrics(self, ctx: PluginContext[Any]) -> list[Metric]:
        """Count what robots do."""
        runners = self.runtime.runners
        return [
            Metric(
                "balefire_robot_answers_total",
                "messages a robot handled",
                lambda: {(name,): float(runner.handled) for name, runner in runners.items()},
                labels=("robot",),
                kind="counter",
            ),
            Metric(
                "balefire_robot_failures_total",
                "messages a robot failed on",
                lambda: {(name,): float(runner.failed) for name, runner in runners.items()},
                labels=("robot",),
                kind="counter",
            ),
            Metric(
                "balefire_robot_waiting",
                "messages in memory that wait for a robot",
                lambda: {(name,): float(runner.waiting) for name, runner in runners.items()},
                labels=("robot",),
            ),
        ]

    async def _forget(self) -> None:
        oldest = self._ctx.clock.now_ms() - self._ctx.config.keep_days * DAY_MS
        await self.runtime.deliveries.forget(finished_before=oldest)

    async def _check(self) -> str | None:
        paused = self.runtime.paused()
        return f"paused after repeated failures: {', '.join(sorted(paused))}" if paused else None
