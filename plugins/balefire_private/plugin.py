"""Wires private conversations and the block list to the kernel."""

from collections.abc import AsyncIterator, Mapping, Sequence

from pydantic import Field

from balefire import Batcher, ConversationKind, LoadingCache, Manifest, PluginContext, Route, Settings, User, hookimpl
from balefire_private.blocks import BlockTable
from balefire_private.kind import PrivateKind
from balefire_private.operations import BlockOperations


class Config(Settings):
    """The table ``[plugins.private]``."""

    profile_seconds: float = Field(
        30, gt=0, description="how long a profile read from the directory is trusted: a ban acts after that time"
    )
    remembered_users: int = Field(100_000, ge=1, description="profiles and block lists kept in memory at most")


class Plugin:
    """Private conversations."""

    @hookimpl
    def describe(self) -> Manifest:
        return Manifest(
            summary="Private conversations between two people, and the block list",
            summary_zh="两人之间的私聊与黑名单",
            config=Config,
            provides=("conversation-kind:private",),
            migrations="balefire_private.migrations",
        )

    @hookimpl
    async def lifespan(self, ctx: PluginContext[Config]) -> AsyncIterator[None]:
        async def load_users(user_ids: Sequence[str]) -> Mapping[str, User]:
            return await ctx.directory.get(user_ids)

        table = BlockTable(ctx.database)
        limit = ctx.config.remembered_users
        blocks = LoadingCache(Batcher(table.blocked_by).get, ctx.clock, max_entries=limit)
        users = LoadingCache(
            Batcher(load_users).get, ctx.clock, max_entries=limit, max_age_seconds=ctx.config.profile_seconds
        )
        self._kind = PrivateKind(users, blocks)
        self._operations = BlockOperations(table, blocks, users, ctx.clock)
        yield

    @hookimpl
    def register_conversation_kinds(self, ctx: PluginContext[Config]) -> list[ConversationKind]:
        return [self._kind]

    @hookimpl
    def register_routes(self, ctx: PluginContext[Config]) -> list[Route]:
        return [*self._operations.operations()]
