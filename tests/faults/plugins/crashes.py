"""A plugin that raises wherever it is called, and once more in its health check."""

from collections.abc import Sequence

from balefire import Event, EventConsumer, HealthCheck, Message, Payload, hookimpl


class Stumbler:
    name = "stumbler"

    async def consume(self, events: Sequence[Event]) -> None:
        raise RuntimeError("stumbled")


async def check() -> str | None:
    raise RuntimeError("cannot even say how it is")


@hookimpl
def register_event_consumers() -> list[EventConsumer]:
    return [Stumbler()]


@hookimpl
def register_health_checks() -> list[HealthCheck]:
    return [HealthCheck("crashes", check, is_critical=False)]


@hookimpl
async def amend_message(payload: Payload) -> Payload | None:
    raise RuntimeError("cannot amend")


@hookimpl
async def on_message_stored(message: Message) -> None:
    raise RuntimeError("cannot hear")
