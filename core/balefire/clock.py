"""The system's clock: the one the kernel uses unless a test brings its own."""

import asyncio
import time


class SystemClock:
    """Wall-clock and monotonic time of this machine."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds that only go forward; for durations."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait, without blocking the event loop."""
        await asyncio.sleep(seconds)
