"""A plugin that fails while it starts."""

from collections.abc import AsyncIterator

from balefire import hookimpl


@hookimpl
async def lifespan() -> AsyncIterator[None]:
    raise OSError("the vendor's certificate has expired")
    yield
