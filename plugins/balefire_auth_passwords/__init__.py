"""Signing in with a password."""

from collections.abc import AsyncIterator

from balefire import Manifest, PluginContext, Route, hookimpl
from balefire_auth_passwords.accounts import Accounts
from balefire_auth_passwords.hashing import Hashing
from balefire_auth_passwords.settings import Config


class Plugin:
    @hookimpl
    def describe(self) -> Manifest:
        return Manifest(
            summary="Sign in with a password (Argon2)",
            summary_zh="密码登录（Argon2）",
            config=Config,
            requires=("database", "directory", "tokens"),
            migrations="balefire_auth_passwords.migrations",
        )

    @hookimpl
    async def lifespan(self, ctx: PluginContext[Config]) -> AsyncIterator[None]:
        hashing = Hashing(time_cost=ctx.config.time_cost, memory_kib=ctx.config.memory_kib)
        self.accounts = Accounts(ctx.database, ctx.clock, hashing)
        yield

    @hookimpl
    def register_routes(self, ctx: PluginContext[Config]) -> list[Route]:
        from balefire_auth_passwords.operations import PasswordApi

        return [*PasswordApi(ctx, self.accounts).operations()]
