"""A plugin that never answers: in a hook that others wait for, in one that nobody does, and as a consumer."""

import asyncio
from collections.abc import Sequence

from balefire import Event, EventConsumer, Message, Payload, hookimpl


class Sleeper:
    name = "sleeper"

    async def consume(self, events: Sequence[Event]) -> None:
        await asyncio.Event().wait()


@hookimpl
def register_event_consumers() -> list[EventConsumer]:
    return [Sleeper()]


@hookimpl
async def amend_message(payload: Payload) -> Payload | None:
    await asyncio.Event().wait()
    return None


@hookimpl
async def on_message_stored(message: Message) -> None:
    await asyncio.Event().wait()
