"""Plugins over REST: how they are doing, and reloading one."""

from typing import Annotated

from pydantic import BaseModel, Field

from balefire import Operation, PluginContext, PluginStatus, Settings

Name = Annotated[str, Field(min_length=1, max_length=100, description="a plugin's name")]


class PluginView(BaseModel):
    """How a plugin is doing."""

    name: str
    version: str
    state: str = Field(description="loaded, running, failed, skipped, off or muted")
    reason: str = Field(description="why it is not simply running")
    summary: str
    summary_zh: str
    hooks: list[str]
    source: str = Field(description="where it was found")


class PluginList(BaseModel):
    """Every configured plugin, in configuration order."""

    items: list[PluginView]


class PluginApi:
    """Operations on plugins."""

    def __init__(self, ctx: PluginContext[Settings]) -> None:
        self._ctx = ctx

    def operations(self) -> list[Operation]:
        """What is registered."""
        tags = ("plugins",)
        errors = {404: "There is no such plugin", 500: "The new one did not start; the old one runs on"}
        return [
            Operation("GET", "/v1/plugins", self.list_plugins, "admin", tags),
            Operation("POST", "/v1/plugins/{name}/reload", self.reload_plugin, "admin", tags, errors=errors),
        ]

    async def list_plugins(self) -> PluginList:
        """The plugins and their states, with the reason where one is not running."""
        return PluginList(items=[_view(status) for status in self._ctx.platform.plugins()])

    async def reload_plugin(self, name: Name) -> PluginView:
        """Load a plugin's code anew and swap it in. Connections stay open; on failure the old one runs on."""
        await self._ctx.platform.reload_plugin(name)
        return next(_view(status) for status in self._ctx.platform.plugins() if status.name == name)


def _view(status: PluginStatus) -> PluginView:
    return PluginView(
        name=status.name,
        version=status.version,
        state=status.state,
        reason=status.reason,
        summary=status.summary,
        summary_zh=status.summary_zh,
        hooks=list(status.hooks),
        source=status.source,
    )
