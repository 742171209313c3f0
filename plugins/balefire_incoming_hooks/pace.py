"""How often a hook may be called: a bucket of tokens per hook."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """The state of a hook's bucket after a call. ``wait_seconds`` is 0 when the call may go on."""

    burst: int
    remaining: int
    full_after_seconds: float
    wait_seconds: float

    def headers(self) -> dict[str, str]:
        """The RateLimit-* headers of the answer."""
        return {
            "RateLimit-Limit": str(self.burst),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(round(self.full_after_seconds + 0.5)),
        }


class Pace:
    """``burst`` calls at once, refilled at ``per_minute``; one bucket per hook. Used from one event loop."""

    def __init__(self, per_minute: float, burst: int) -> None:
        self._per_second = per_minute / 60
        self._burst = burst
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, hook: str, now: float) -> Turn:
        """Take a token; ``now`` in monotonic seconds."""
        tokens, since = self._buckets.get(hook, (float(self._burst), now))
        tokens = min(float(self._burst), tokens + (now - since) * self._per_second)
        wait = 0.0 if tokens >= 1 else (1 - tokens) / self._per_second
        tokens -= not wait
        self._buckets[hook] = (tokens, now)
        return Turn(self._burst, int(tokens), (self._burst - tokens) / self._per_second, wait)

    def forget(self, hook: str) -> None:
        """The hook is gone."""
        self._buckets.pop(hook, None)
