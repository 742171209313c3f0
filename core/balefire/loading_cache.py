"""A bounded cache for the message path: answers at once what it knows, and forgets exactly what changed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from balefire_hookspecs import Clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LoadingCache(Generic[K, V]):
    """Values loaded on first use, kept until ``forget`` or, where others may change them unasked, for a while.

    ``load`` answers ``None`` for what does not exist; that is not remembered. Touch it from the event loop only.
    A value that was forgotten while it was being loaded is loaded again, so nobody sees what stood there before.
    """

    def __init__(
        self,
        load: Callable[[K], Awaitable[V | None]],
        clock: Clock,
        *,
        max_entries: int = 100_000,
        max_age_seconds: float = 0,
    ) -> None:
        """:param max_age_seconds: 0 = until forgotten."""
        self._load = load
        self._clock = clock
        self._max_entries = max_entries
        self._max_age = max_age_seconds
        self._entries: OrderedDict[K, tuple[V, float]] = OrderedDict()
        self._changes = 0

    def peek(self, key: K) -> V | None:
        """The value if it is known now; otherwise ``fetch`` it."""
        entry = self._entries.get(key)
        if entry is None or (self._max_age and entry[1] < self._clock.monotonic()):
            return None
        return entry[0]

    async def fetch(self, key: K) -> V | None:
        """The value, loaded when it is not known; ``None`` if there is none. Raises what ``load`` raises."""
        known = self.peek(key)
        if known is not None:
            return known
        while True:
            changes = self._changes
            value = await self._load(key)
            if changes == self._changes:
                return self._remember(key, value)

    def forget(self, key: K) -> None:
        """The value changed, durably; the next reader loads it."""
        self._changes += 1
        self._entries.pop(key, None)

    def _remember(self, key: K, value: V | None) -> V | None:
        if value is not None:
            self._entries[key] = (value, self._clock.monotonic() + self._max_age)
            self._entries.move_to_end(key)
            if len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)
        return value
