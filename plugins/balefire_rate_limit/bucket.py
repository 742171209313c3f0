"""Token buckets, one per sender, in one number each."""

from collections import OrderedDict

from balefire import Clock


class TokenBuckets:
    """Buckets that hold ``burst`` tokens and gain ``per_second``. A sender not seen for long has a full one.

    Kept as the time at which a bucket will be full again (the generic cell rate algorithm). At most ``max_senders``
    are remembered; the one that has been silent longest is forgotten first, which can only help them.
    """

    def __init__(self, per_second: float, burst: int, clock: Clock, *, max_senders: int = 100_000) -> None:
        self._interval = 1.0 / per_second
        self._depth = burst * self._interval
        self._clock = clock
        self._max_senders = max_senders
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, sender: str) -> float:
        """Take one token; 0 if there was one, otherwise the seconds until there will be."""
        now = self._clock.monotonic()
        full_at = self._full_at.get(sender, now)
        if full_at < now:
            full_at = now
        missing = full_at + self._interval - now - self._depth
        if missing > 1e-9:
            return missing
        self._full_at[sender] = full_at + self._interval
        self._full_at.move_to_end(sender)
        if len(self._full_at) > self._max_senders:
            self._full_at.popitem(last=False)
        return 0.0

    def __len__(self) -> int:
        return len(self._full_at)
