"""Waiting for what a client hears."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar, cast, overload

from balefire.client import ChatMessage, Client, Event

E = TypeVar("E")


@overload
async def next_event(client: Client, *, within_seconds: float = ...) -> ChatMessage: ...
@overload
async def next_event(client: Client, kind: type[E], *, within_seconds: float = ...) -> E: ...
async def next_event(client: Client, kind: type[object] = ChatMessage, *, within_seconds: float = 10.0) -> object:
    """The next event of this kind that a client hears, a message unless you say otherwise; others are passed over.

    :raises TimeoutError: none came in time.
    """
    async with asyncio.timeout(within_seconds), aclosing(cast(AsyncGenerator[Event], client.events())) as events:
        async for event in events:
            if type(event) is kind:
                return event
    raise ConnectionError("the client was closed before such an event came")
