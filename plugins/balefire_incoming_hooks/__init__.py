"""Incoming web hooks: an address that turns any JSON into a message by a robot, with a template."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from pydantic import Field

from balefire import (
    Job,
    Manifest,
    Metric,
    PluginContext,
    RawRoute,
    Route,
    Settings,
    StorageUnavailable,
    hookimpl,
)
from balefire_incoming_hooks.hook_book import HookBook, Seal
from balefire_incoming_hooks.pace import Pace
from balefire_incoming_hooks.receiving import Receiver
from balefire_incoming_hooks.routes import HookRoutes
from balefire_incoming_hooks.senders import Senders
from balefire_incoming_hooks.turns import Turns


class Config(Settings):
    """The table ``[plugins.incoming-hooks]``."""

    rate_per_minute: float = Field(600, gt=0, description="events a minute that one hook may bring")
    burst: int = Field(300, ge=1, description="events at once that one hook may bring")


class Plugin:
    """Wires the hooks; everything else is in its modules."""

    @hookimpl
    def describe(self) -> Manifest:
        """Ask for the store and the directory, where the senders' accounts are."""
        return Manifest(
            summary="Incoming web hooks with templates",
            summary_zh="传入的网络钩子，用模板把任意 JSON 变成消息",
            config=Config,
            requires=("storage", "directory"),
            migrations="balefire_incoming_hooks.migrations",
        )

    @hookimpl
    async def lifespan(self, ctx: PluginContext[Config]) -> AsyncIterator[None]:
        """Read the hooks; save their figures at the end."""
        self.book = HookBook(ctx.database)
        self.pace = Pace(ctx.config.rate_per_minute, ctx.config.burst)
        self.seal = Seal(ctx.secret("signing-keys"))
        await self.book.load()
        yield
        try:
            await asyncio.wait_for(self.book.save_figures(), timeout=5)
        except (TimeoutError, StorageUnavailable):
            ctx.log.warning("the last figures of the hooks were not saved")

    @hookimpl
    def register_routes(self, ctx: PluginContext[Config]) -> list[Route]:
        """The owners' operations, and the address that others post to."""
        senders, turns = Senders(ctx, self.book), Turns()
        receiver = Receiver(ctx, self.book, self.seal, self.pace, turns, senders)
        operations = HookRoutes(ctx, self.book, self.seal, self.pace, turns, senders).operations()
        return [*operations, RawRoute("POST", "/hooks/{secret}", receiver.receive)]

    @hookimpl
    def register_jobs(self, ctx: PluginContext[Config]) -> list[Job]:
        """Save the figures now and then."""
        return [Job("save-figures", self.book.save_figures, every_seconds=30)]

    @hookimpl
    def register_metrics(self, ctx: PluginContext[Any]) -> list[Metric]:
        """Count what the hooks did."""
        return [Metric("balefire_hook_events_total", "events by outcome", self._outcomes, ("outcome",), "counter")]

    def _outcomes(self) -> dict[tuple[str, ...], float]:
        figures = [hook.figures for hook in self.book.all()]
        return {
            (name,): float(sum(getattr(each, name) for each in figures)) for name in ("delivered", "ignored", "refused")
        }
