"""Stops sending to a vendor that refuses our credentials, and tries again now and then."""

from balefire import Clock


class Circuit:
    """Closed while all is well. Open: one probe every ``probe_seconds``; the first success closes it."""

    def __init__(self, clock: Clock, probe_seconds: float) -> None:
        self._clock, self._probe_seconds = clock, probe_seconds
        self._probe_at = 0.0
        self.reason = ""

    @property
    def is_open(self) -> bool:
        return bool(self.reason)

    def open(self, reason: str) -> None:
        self.reason = reason
        self.probe()

    def probe(self) -> None:
        """One notification goes out to see; the next only after another while."""
        self._probe_at = self._clock.monotonic() + self._probe_seconds

    def close(self) -> None:
        self.reason = ""

    def wait_seconds(self) -> float:
        """How long until something may be sent; 0 for now."""
        return max(0.0, self._probe_at - self._clock.monotonic()) if self.is_open else 0.0
