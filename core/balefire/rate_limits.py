"""Token buckets: how often a caller may ask."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

_MOST_BUCKETS = 50_000
"""Callers remembered at once; whoever asked longest ago is forgotten first, which is in their favour."""


@dataclass(frozen=True, slots=True)
class Rate:
    """``burst`` requests at once, refilled at ``per_minute``."""

    per_minute: float
    burst: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """The state of a caller's bucket after a request. Seconds are from now."""

    is_granted: bool
    limit: int
    remaining: int
    full_after_seconds: float
    retry_after_seconds: float

    def headers(self) -> dict[str, str]:
        """The RateLimit-* headers of an answer."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(round(self.full_after_seconds + 0.5)),
        }


class RateLimits:
    """Buckets by caller. Used from one event loop; memory is bounded."""

    def __init__(self, most_buckets: int = _MOST_BUCKETS) -> None:
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._most = most_buckets

    def take(self, caller: str, rate: Rate, now: float) -> Allowance:
        """Take one token from the caller's bucket.

        :param caller: any key; include the name of the rate when callers have several.
        :param now: monotonic seconds.
        """
        per_second = rate.per_minute / 60
        tokens, since = self._buckets.pop(caller, (float(rate.burst), now))
        tokens = min(float(rate.burst), tokens + (now - since) * per_second)
        is_granted = tokens >= 1
        tokens -= is_granted
        self._buckets[caller] = (tokens, now)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return Allowance(
            is_granted,
            rate.burst,
            int(tokens),
            (rate.burst - tokens) / per_second,
            0.0 if is_granted else (1 - tokens) / per_second,
        )
