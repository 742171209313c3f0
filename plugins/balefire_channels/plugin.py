"""Wires channels to the kernel."""

from collections.abc import AsyncIterator

from balefire import ConversationKind, Job, Manifest, PluginContext, Route, Settings, hookimpl
from balefire_channels.book import ChannelBook
from balefire_channels.kind import ChannelKind
from balefire_channels.life import ChannelDesk
from balefire_channels.operations import ChannelOperations
from balefire_channels.records import ChannelTable
from balefire_channels.subscriptions import Subscriptions


class Plugin:
    """Channels."""

    @hookimpl
    def describe(self) -> Manifest:
        return Manifest(
            summary="Channels: broadcasts to subscribers, and a thread with each of them",
            summary_zh="频道：向订阅者广播，并与每位订阅者单独对话",
            provides=("conversation-kind:channel",),
            migrations="balefire_channels.migrations",
        )

    @hookimpl
    async def lifespan(self, ctx: PluginContext[Settings]) -> AsyncIterator[None]:
        book = ChannelBook(ChannelTable(ctx.database), ctx.clock)
        subscriptions = Subscriptions(ctx)
        self._kind = ChannelKind(book, ctx.members)
        self._desk = ChannelDesk(ctx, book, subscriptions)
        self._operations = ChannelOperations(ctx, book, self._desk, subscriptions)
        self._desk.remember_closed(await book.load())
        yield

    @hookimpl
    def register_conversation_kinds(self, ctx: PluginContext[Settings]) -> list[ConversationKind]:
        return [self._kind]

    @hookimpl
    def register_jobs(self, ctx: PluginContext[Settings]) -> list[Job]:
        return [Job("clear-closed-channels", self._desk.clear_closed, every_seconds=600)]

    @hookimpl
    def register_routes(self, ctx: PluginContext[Settings]) -> list[Route]:
        return [*self._operations.operations()]
