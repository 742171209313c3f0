from collections.abc import AsyncIterator
from typing import Any

from balefire import PluginContext, hookimpl


@hookimpl
async def lifespan(ctx: PluginContext[Any]) -> AsyncIterator[None]:
    async with ctx.http_client():
        ctx.log.info("open")
        yield
    ctx.log.info("closed")
