"""Lets templates take turns: a slow one holds up its own hook, not the others and not the server's threads."""

import asyncio
from typing import Final
from weakref import WeakValueDictionary

from balefire_incoming_hooks.rendering import Occasion, Templates

AT_ONCE: Final = 2


class Turns:
    """Renders in threads: one template at a time for each who asks, ``AT_ONCE`` in all, first come, first served."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(AT_ONCE)
        self._own: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def render(self, whose: str, templates: Templates, occasion: Occasion) -> str:
        """See ``Templates.render``.

        :param whose: a hook, or somebody who tries a template.
        """
        turn = self._own.setdefault(whose, asyncio.Lock())
        async with turn, self._all:
            return await asyncio.to_thread(templates.render, occasion)
