"""Why it rang, or did not: the newest decisions, kept in memory."""

from collections import Counter, OrderedDict
from typing import Final

import msgspec

from balefire_push.decision import Decision

KEPT: Final = 10_000


class Trace(msgspec.Struct, frozen=True):
    """A decision about one recipient of one message."""

    user: str
    message_id: int
    at: int
    decision: Decision


class Traces:
    """A ring of the newest decisions, found by user and message. Touch it from the event loop only."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._traces: OrderedDict[tuple[str, int], Trace] = OrderedDict()
        self.counts: Counter[tuple[str, str]] = Counter()

    def add(self, trace: Trace) -> None:
        """Keep it; the oldest goes when there is no room."""
        key = (trace.user, trace.message_id)
        self._traces[key] = trace
        self._traces.move_to_end(key)
        self.counts["pushed" if trace.decision.is_pushed else "silent", trace.decision.rule] += 1
        if len(self._traces) > self._kept:
            self._traces.popitem(last=False)

    def find(self, user: str, message_id: int) -> Trace | None:
        return self._traces.get((user, message_id))
