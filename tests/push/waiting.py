"""Waiting for what will be so, without sleeping for a time to pass."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

DEADLINE_SECONDS = 20.0


async def until(is_so: Callable[[], bool | Awaitable[bool]]) -> None:
    """Return as soon as it is so; fail after the deadline."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            answer = is_so()
            if await answer if inspect.isawaitable(answer) else answer:
                return
            await asyncio.sleep(0.005)
