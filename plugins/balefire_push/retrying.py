"""When a failed notification is tried again, and when a lane goes slower."""

import asyncio
import random
from typing import Final

import msgspec

from balefire import Urgency

RATE_PAUSE_SECONDS: Final = 5.0
LONGEST_RATE_PAUSE_SECONDS: Final = 900.0


class Backoff(msgspec.Struct, frozen=True):
    """Full jitter: a random time up to a limit that doubles with every attempt."""

    first_seconds: float
    cap_seconds: float
    max_attempts: int = 8

    def delay(self, attempts: int, chance: random.Random) -> float:
        """Seconds until the next attempt, after this many."""
        return chance.uniform(0, min(self.cap_seconds, self.first_seconds * 2.0 ** min(attempts - 1, 30)))


BACKOFFS: Final[dict[Urgency, Backoff]] = {
    "call": Backoff(0.3, 5.0),
    "message": Backoff(1.0, 300.0),
    "bulk": Backoff(5.0, 900.0),
}


class Throttle:
    """How many notifications of a lane are on their way at once: halved by a rate limit, one more for each round of
    successes, never more than ``most``."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(most)
        self._freed = asyncio.Event()
        self.in_flight = 0

    @property
    def limit(self) -> int:
        return int(self._limit)

    async def enter(self) -> None:
        """Wait for a place."""
        while self.in_flight >= self.limit:
            self._freed.clear()
            await self._freed.wait()
        self.in_flight += 1

    def leave(self) -> None:
        self.in_flight -= 1
        self._freed.set()

    def speed_up(self) -> None:
        self._limit = min(float(self._most), self._limit + 1 / self._limit)

    def slow_down(self) -> None:
        self._limit = max(1.0, self._limit / 2)


class Pauses:
    """How long a lane stands still after a rate limit that names no time: longer each time, until something works."""

    def __init__(self) -> None:
        self._next = RATE_PAUSE_SECONDS

    def take(self, asked: float | None) -> float:
        """The pause for one more rate limit."""
        if asked is not None:
            return asked
        pause, self._next = self._next, min(LONGEST_RATE_PAUSE_SECONDS, self._next * 2)
        return pause

    def reset(self) -> None:
        self._next = RATE_PAUSE_SECONDS
