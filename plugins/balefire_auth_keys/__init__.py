"""API keys: for servers and tools that act without a person signing in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from balefire import Authenticator, Manifest, PluginContext, Route, Settings, hookimpl
from balefire_auth_keys.keys import OPERATOR_KEY, ApiKeys

if TYPE_CHECKING:
    import click


class Plugin:
    @hookimpl
    def describe(self) -> Manifest:
        return Manifest(
            summary="API keys with scopes, stored hashed; makes the operator's at the first start",
            summary_zh="带权限范围的 API 密钥，仅存哈希；首次启动时生成管理员密钥",
            requires=("database", "directory"),
            migrations="balefire_auth_keys.migrations",
        )

    @hookimpl
    async def lifespan(self, ctx: PluginContext[Settings]) -> AsyncIterator[None]:
        self.keys = ApiKeys(ctx)
        await self.keys.provide_operator_key(ctx.secret(OPERATOR_KEY))
        yield

    @hookimpl
    def register_authenticators(self) -> list[Authenticator]:
        return [self.keys]

    @hookimpl
    def register_routes(self, ctx: PluginContext[Settings]) -> list[Route]:
        from balefire_auth_keys.operations import KeyApi

        return [*KeyApi(ctx, self.keys).operations()]

    @hookimpl
    def register_commands(self) -> list[click.Command]:
        from balefire_auth_keys.command import key

        return [key]
