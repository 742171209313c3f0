"""Wires the push hub to the platform."""

from collections.abc import AsyncIterator

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
    hookimpl,
)
from balefire_push.hub import Hub
from balefire_push.routes import PushRoutes


class Config(Settings):
    """The table ``[plugins.push]``."""

    concurrency: int = Field(50, ge=1, le=1000, description="notifications on their way to one vendor at a time")
    life_seconds: int = Field(86_400, ge=1, le=2_592_000, description="how long a notification is worth sending")
    probe_seconds: float = Field(
        300.0, gt=0, description="how often a vendor that refuses our credentials is asked again"
    )
    keep_hours: int = Field(24, ge=1, description="how long finished notifications stay in the outbox to be looked at")
    badges: bool = Field(True, description="send the number of unread messages for the app's icon")
    sound: str = Field("default", description='what the phone plays; "" for nothing')


class Plugin:
    """Wires the hub; everything else is in its modules."""

    hub: Hub

    @hookimpl
    def describe(self) -> Manifest:
        """Vendors are looked up when something is to be sent, so they need not be there at start."""
        return Manifest(
            summary="Pushes messages to the phones of those who are not online, and says why it did or did not",
            summary_zh="向不在线的用户推送消息，并说明推送或不推送的原因",
            config=Config,
            requires=("storage", "directory"),
            provides=("push",),
            migrations="balefire_push.migrations",
        )

    @hookimpl
    async def lifespan(self, ctx: PluginContext[Config]) -> AsyncIterator[None]:
        """Send what an earlier process left; give back what is under way at stop."""
        self.hub = Hub(ctx)
        await self.hub.start()
        yield
        await self.hub.stop()

    @hookimpl
    def register_event_consumers(self, ctx: PluginContext[Config]) -> list[EventConsumer]:
        """Who is to be pushed to."""
        return [self.hub.recipients]

    @hookimpl
    def register_routes(self, ctx: PluginContext[Config]) -> list[Operation]:
        """The operations under ``/v1/push``."""
        hub = self.hub
        routes = PushRoutes(ctx, hub.outbox, hub.dispatcher, hub.desk, hub.traces, life_seconds=ctx.config.life_seconds)
        return routes.operations()

    @hookimpl
    def register_jobs(self, ctx: PluginContext[Config]) -> list[Job]:
        """House-keeping."""
        return [Job("push-housekeeping", self.hub.keep_house, every_seconds=60.0)]

    @hookimpl
    def register_health_checks(self, ctx: PluginContext[Config]) -> list[HealthCheck]:
        """Vendors that refuse what we send."""
        return [HealthCheck("push", self.hub.trouble, is_critical=False)]

    @hookimpl
    def register_metrics(self, ctx: PluginContext[Config]) -> list[Metric]:
        """Figures of decisions, outbox and lanes."""
        hub = self.hub
        return [
            Metric("balefire_push_waiting", "Notifications not finished yet", hub.waiting, ("vendor",)),
            Metric("balefire_push_in_flight", "Notifications on their way now", hub.in_flight, ("vendor",)),
            Metric(
                "balefire_push_outcomes", "Attempts by outcome", hub.outcomes, ("vendor", "outcome"), kind="counter"
            ),
            Metric("balefire_push_decisions", "Decisions by rule", hub.decisions, ("decision", "rule"), kind="counter"),
        ]
