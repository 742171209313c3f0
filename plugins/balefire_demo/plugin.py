"""Wires the demo into the platform. Enable it by running ``balefire demo``; it is for one's own computer only."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING

from pydantic import Field

from balefire import Manifest, PluginContext, Route, Settings, hookimpl

if TYPE_CHECKING:
    import click


class Config(Settings):
    """The table ``[plugins.demo]``."""

    replay_every_seconds: float = Field(15.0, ge=0.2, le=3600, description="pause between two GitHub events")
    replay_rounds: int = Field(5, ge=0, le=1000, description="how often the list of events is played; 0 for none")


class Plugin:
    """The plugin ``demo``."""

    @hookimpl
    def describe(self) -> Manifest:
        return Manifest(
            summary="People to sign in as with one click, and events that come in by themselves",
            summary_zh="演示：一键登录的用户，以及自动到来的事件",
            config=Config,
            requires=("storage", "directory"),
        )

    @hookimpl
    async def lifespan(self, ctx: PluginContext[Config]) -> AsyncIterator[None]:
        """Set the stage once the platform listens, then play."""
        # Its libraries take a while to import; the loop goes on meanwhile.
        course = await asyncio.to_thread(importlib.import_module, "balefire_demo.play")
        ctx.spawn(course.play(ctx), name="demo")
        yield

    @hookimpl
    def register_routes(self, ctx: PluginContext[Config]) -> list[Route]:
        """Signing in with one click."""
        from balefire_demo.accounts import AccountRoutes

        return AccountRoutes(ctx).routes()

    @hookimpl
    def register_commands(self) -> "Iterable[click.Command]":
        """``balefire demo``."""
        from balefire_demo.command import demo

        return [demo]
