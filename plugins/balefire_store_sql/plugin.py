"""Wires the store: settings, life, registration."""

from collections.abc import AsyncIterator

from pydantic import Field

from balefire import Manifest, MessageStore, PluginContext, Settings, hookimpl
from balefire_store_sql.store import SqlMessageStore


class Config(Settings):
    """The table ``[plugins.store-sql]``. Where the database is stands in ``[database]``."""

    recent_messages: int = Field(
        8192, ge=0, le=1_000_000, description="messages remembered to answer repeated sends from memory"
    )
    conversations: int = Field(
        100_000, ge=1000, le=10_000_000, description="conversations whose counters are remembered (SQLite)"
    )
    log_process: bool = Field(
        False,
        description="write the log in a process of its own (SQLite): half as many messages more a second on two free "
        "cores, for 80 MB of memory and a start that is 0.3 s slower",
    )


class Plugin:
    """The message store ``sql``."""

    @hookimpl
    def describe(self) -> Manifest:
        return Manifest(
            summary="Keeps messages, members, devices and the event log in SQLite or PostgreSQL",
            summary_zh="把消息、成员、设备和事件日志保存在 SQLite 或 PostgreSQL 中",
            config=Config,
            provides=("storage",),
            migrations="balefire_store_sql.migrations",
        )

    @hookimpl
    async def lifespan(self, ctx: PluginContext[Config]) -> AsyncIterator[None]:
        self._store = SqlMessageStore(
            ctx.database,
            now_ms=ctx.clock.now_ms,
            recent_messages=ctx.config.recent_messages,
            conversations=ctx.config.conversations,
            log_process=ctx.config.log_process,
        )
        await self._store.open()
        try:
            yield
        finally:
            await self._store.close()

    @hookimpl
    def register_message_stores(self, ctx: PluginContext[Config]) -> list[MessageStore]:
        return [self._store]
