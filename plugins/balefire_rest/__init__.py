"""The common REST API: users, conversations, messages, devices, presence, plugins, audit log."""

from collections.abc import AsyncIterator

from balefire import EventConsumer, Manifest, PluginContext, Route, Settings, hookimpl


class Plugin:
    @hookimpl
    def describe(self) -> Manifest:
        return Manifest(
            summary="The common REST API, and the audit log",
            summary_zh="通用 REST 接口与审计日志",
            requires=("database", "directory", "storage"),
            migrations="balefire_rest.migrations",
        )

    @hookimpl
    async def lifespan(self, ctx: PluginContext[Settings]) -> AsyncIterator[None]:
        from balefire_rest.audit import AuditLog

        self.audit = AuditLog(ctx)
        yield

    @hookimpl
    def register_routes(self, ctx: PluginContext[Settings]) -> list[Route]:
        from balefire_rest.conversations import ConversationApi
        from balefire_rest.devices import DeviceApi
        from balefire_rest.messages import MessageApi
        from balefire_rest.plugins import PluginApi
        from balefire_rest.presence import PresenceApi
        from balefire_rest.users import UserApi

        return [
            *UserApi(ctx).operations(),
            *ConversationApi(ctx).operations(),
            *MessageApi(ctx).operations(),
            *DeviceApi(ctx).operations(),
            *PresenceApi(ctx).operations(),
            *PluginApi(ctx).operations(),
            *self.audit.operations(),
        ]

    @hookimpl
    def register_event_consumers(self) -> list[EventConsumer]:
        return [self.audit]
