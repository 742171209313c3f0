"""How long to wait before the n-th attempt to reconnect."""

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full jitter: ``random(0, min(cap, base * 2^n))``, so that a restart is not followed by a stampede."""

    base_seconds: float = 0.5
    cap_seconds: float = 30.0
    draw: Callable[[float, float], float] = random.uniform

    def seconds(self, attempt: int) -> float:
        """The wait before attempt number ``attempt`` (0 is the first one after a loss)."""
        return self.draw(0.0, min(self.cap_seconds, self.base_seconds * 2.0 ** min(attempt, 20)))
