from collections.abc import Sequence

from balefire import Event, EventConsumer, hookimpl


class Counter:
    name, seen = "counter", 0

    async def consume(self, events: Sequence[Event]) -> None:
        self.seen += len(events)


@hookimpl
def register_event_consumers() -> list[EventConsumer]:
    return [Counter()]
