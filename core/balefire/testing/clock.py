"""A clock that a test moves."""

import asyncio
import heapq
import itertools
import time


class TestClock:
    """Time for tests, implementing the ``Clock`` of the contract. Use it from one event loop.

    It stands still until ``advance`` moves it; with ``auto_advance`` it also flows like real time, for platforms whose
    background work must go on. ``sleep`` returns as soon as the clock has passed the sleeper's hour, either way.
    """

    __test__ = False  # pytest would take it for a test class by its name

    def __init__(self, now_ms: int = 1_767_225_600_000, *, auto_advance: bool = False) -> None:
        self._epoch_ms = now_ms
        self._moved = 0.0
        self._began = time.monotonic() if auto_advance else None
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._tickets = itertools.count()

    def now_ms(self) -> int:
        """Wall-clock time: milliseconds since the epoch, UTC."""
        return self._epoch_ms + int(self.monotonic() * 1000)

    def monotonic(self) -> float:
        """Seconds since this clock was made."""
        return self._moved + (0.0 if self._began is None else time.monotonic() - self._began)

    @property
    def sleepers(self) -> int:
        """How many calls of ``sleep`` are waiting; poll it to know that the code under test has come to rest."""
        return sum(not future.done() for _, _, future in self._sleepers)

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has moved this far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.monotonic() + seconds, next(self._tickets), future))
        if self._began is None:
            await future
        else:
            await asyncio.wait({future}, timeout=seconds)
            future.cancel()

    async def advance(self, seconds: float) -> None:
        """Move the clock and wake whoever is due, in order; each runs before the next wakes.

        A sleeper that goes back to sleep within the same stretch is woken again.
        """
        target = self.monotonic() + seconds
        while self._sleepers and self._sleepers[0][0] <= target:
            due, _, future = heapq.heappop(self._sleepers)
            self._moved += max(0.0, due - self.monotonic())
            if not future.done():
                future.set_result(None)
                await _settle()
        self._moved += max(0.0, target - self.monotonic())
        await _settle()

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back, as an operator would: ``monotonic`` and the sleepers do not notice."""
        self._epoch_ms += int(seconds * 1000)


async def _settle() -> None:
    """Let tasks that are ready run: one turn of the loop each for a wake-up and the calls that follow from it."""
    for _ in range(20):
        await asyncio.sleep(0)
