"""Pauses a robot that keeps failing."""

from dataclasses import dataclass

from balefire import Clock


@dataclass(slots=True)
class Breaker:
    """Opens after ``after`` failures in a row; every failure from then on pauses the robot again, twice as long.

    While it is open nothing is delivered and nothing is lost; afterwards one message is tried before the others.
    """

    clock: Clock
    after: int
    pause_seconds: float
    longest_seconds: float = 600.0
    failures: int = 0
    _until: float = 0.0

    def succeeded(self) -> None:
        self.failures = 0

    def failed(self) -> float:
        """Count a failure; how many seconds to pause now, 0 for not at all."""
        self.failures += 1
        if self.failures < self.after:
            return 0.0
        pause = min(self.pause_seconds * 2.0 ** min(self.failures - self.after, 30), self.longest_seconds)
        self._until = self.clock.monotonic() + pause
        return pause

    @property
    def is_open(self) -> bool:
        """Nothing is to be delivered now."""
        return self.failures >= self.after and self.clock.monotonic() < self._until

    @property
    def is_trying(self) -> bool:
        """The pause is over, and the next message decides."""
        return self.failures >= self.after and not self.is_open
