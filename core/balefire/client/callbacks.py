"""Functions that want to hear of events, called one at a time."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from balefire.client.frames import Event
from balefire.client.inbox import Inbox

log = logging.getLogger(__name__)

Callback = Callable[[Any], Awaitable[None] | None]


class Callbacks:
    """Hands the events of an inbox to functions, plain or async, by the kind they asked for."""

    def __init__(self) -> None:
        self._wanted: list[tuple[type[Event], Callback]] = []

    @property
    def is_empty(self) -> bool:
        return not self._wanted

    def add(self, kind: type[Event], call: Callback) -> None:
        """Call this function with every event of this very kind."""
        self._wanted.append((kind, call))

    async def run(self, inbox: Inbox) -> None:
        """Take events until the inbox ends. What a function raises is logged; the event counts as taken over.

        :raises Exception: what the inbox ended with.
        """
        while True:
            event = await inbox.take()
            for kind, call in self._wanted:
                if type(event) is kind:
                    await _call(call, event)
            inbox.done(event)


async def _call(call: Callback, event: Event) -> None:
    try:
        if (waiting := call(event)) is not None:
            await waiting
    except Exception:
        log.exception("a callback for %s failed", type(event).__name__)
