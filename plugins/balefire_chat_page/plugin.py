"""Wires the chat page into the platform."""

from typing import Any

from pydantic import Field

from balefire import Manifest, PluginContext, Route, Settings, hookimpl
from balefire_chat_page.page import ChatPage


class Config(Settings):
    """The table ``[plugins.chat-page]``."""

    accounts_url: str = Field(
        "",
        pattern=r"^(/[A-Za-z0-9/_.-]*)?$",
        description="where the sign-in view finds accounts to pick from with one click; empty asks for a password",
    )


class Plugin:
    """The plugin ``chat-page``."""

    @hookimpl
    def describe(self) -> Manifest:
        return Manifest(
            summary="The chat page in the browser",
            summary_zh="浏览器里的聊天页面",
            config=Config,
            provides=("chat-page",),
        )

    @hookimpl
    def register_routes(self, ctx: PluginContext[Any]) -> list[Route]:
        return ChatPage(accounts_url=ctx.config.accounts_url).routes()
