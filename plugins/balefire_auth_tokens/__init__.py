"""Signed tokens: what clients present when they connect."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from pydantic import Field

from balefire import Authenticator, Job, Manifest, PluginContext, Route, Settings, TokenIssuer, hookimpl
from balefire_auth_tokens.revocations import Revocations
from balefire_auth_tokens.signing import Signer
from balefire_auth_tokens.tokens import SignedTokens

if TYPE_CHECKING:
    import click


class Config(Settings):
    """The table ``[plugins.auth-tokens]``."""

    leeway_seconds: int = Field(30, ge=0, le=300, description="how far the clocks of issuer and checker may differ")


class Plugin:
    @hookimpl
    def describe(self) -> Manifest:
        return Manifest(
            summary="Signed tokens with scopes, expiry and revocation",
            summary_zh="带权限范围、有效期并可吊销的签名令牌",
            config=Config,
            requires=("database",),
            migrations="balefire_auth_tokens.migrations",
        )

    @hookimpl
    async def lifespan(self, ctx: PluginContext[Config]) -> AsyncIterator[None]:
        self.revocations = Revocations(ctx.database, ctx.clock)
        await self.revocations.load()
        signer = Signer(ctx.secret("signing-key"))
        self.tokens = SignedTokens(ctx, signer, self.revocations, leeway_seconds=ctx.config.leeway_seconds)
        yield

    @hookimpl
    def register_authenticators(self) -> list[Authenticator]:
        return [self.tokens]

    @hookimpl
    def register_token_issuers(self) -> list[TokenIssuer]:
        return [self.tokens]

    @hookimpl
    def register_routes(self, ctx: PluginContext[Config]) -> list[Route]:
        from balefire_auth_tokens.operations import TokenApi

        return [*TokenApi(ctx, self.tokens).operations()]

    @hookimpl
    def register_jobs(self) -> list[Job]:
        return [Job("forget-expired", self.revocations.forget_expired, every_seconds=3600)]

    @hookimpl
    def register_commands(self) -> list[click.Command]:
        from balefire_auth_tokens.command import token

        return [token]
