"""Wires groups to the kernel."""

from collections.abc import AsyncIterator

from pydantic import Field

from balefire import ConversationKind, LoadingCache, Manifest, PluginContext, Route, Settings, hookimpl
from balefire_groups.desk import Desk
from balefire_groups.kind import GroupKind
from balefire_groups.operations import GroupOperations
from balefire_groups.records import GroupTable


class Config(Settings):
    """The table ``[plugins.groups]``."""

    max_members: int = Field(3000, ge=2, description="members of a group, where it has no limit of its own")
    remembered_groups: int = Field(100_000, ge=1, description="group records kept in memory at most")


class Plugin:
    """Groups."""

    @hookimpl
    def describe(self) -> Manifest:
        return Manifest(
            summary="Groups: membership, roles, permissions, notices",
            summary_zh="群组：成员、角色、权限与通知",
            config=Config,
            provides=("conversation-kind:group",),
            migrations="balefire_groups.migrations",
        )

    @hookimpl
    async def lifespan(self, ctx: PluginContext[Config]) -> AsyncIterator[None]:
        table = GroupTable(ctx.database)
        groups = LoadingCache(table.load, ctx.clock, max_entries=ctx.config.remembered_groups)
        self._kind = GroupKind(groups, ctx.members)
        self._operations = GroupOperations(Desk(ctx, table, groups, ctx.config.max_members))
        yield

    @hookimpl
    def register_conversation_kinds(self, ctx: PluginContext[Config]) -> list[ConversationKind]:
        return [self._kind]

    @hookimpl
    def register_routes(self, ctx: PluginContext[Config]) -> list[Route]:
        return [*self._operations.operations()]
