"""Ids of messages and events: 63-bit integers that rise with time.

41 bits of milliseconds since 2025-01-01, 7 bits for the node, 15 bits of counter. An id is also a position in its
node's log, so a node's ids rise strictly whatever its clock does.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Final

EPOCH_MS: Final = 1_735_689_600_000
"""2025-01-01T00:00:00Z, in milliseconds since the Unix epoch."""

MAX_NODE: Final = 127

_COUNTER_BITS: Final = 15
_NODE_BITS: Final = 7
_COUNTER_MASK: Final = (1 << _COUNTER_BITS) - 1
_LAST_SLOT: Final = (1 << (63 - _NODE_BITS)) - 1


def node_of(id_: int) -> int:
    """The number of the node that gave this id out."""
    return id_ >> _COUNTER_BITS & MAX_NODE


def made_at_ms(id_: int) -> int:
    """Milliseconds since the Unix epoch when this id was given out; later than true if ids were borrowed."""
    return (id_ >> _COUNTER_BITS + _NODE_BITS) + EPOCH_MS


class IdSequence:
    """Gives out one node's ids, strictly rising, also when the clock jumps back.

    More than 32 768 ids in one millisecond are borrowed from the milliseconds to come. Safe to use from any thread.

    :param node: 0 to 127, unique among the processes that share a database.
    :param now_ms: wall-clock time in milliseconds since the Unix epoch.
    :param floor: every id given out is higher than this one; the highest id in the store, after a restart.
    """

    def __init__(self, node: int, *, now_ms: Callable[[], int], floor: int = 0) -> None:
        if not 0 <= node <= MAX_NODE:
            raise ValueError(f"node: must be 0 to {MAX_NODE}, got {node}")
        self._node = node
        self._now_ms = now_ms
        self._lock = threading.Lock()
        self._next_slot = 1  # so that no id is 0, which stands for "from the beginning"
        self.raise_above(floor)

    def raise_above(self, floor: int) -> None:
        """Give out only ids higher than ``floor`` from now on; a lower floor than before changes nothing."""
        with self._lock:
            beyond = (floor >> _COUNTER_BITS + _NODE_BITS) + 1 << _COUNTER_BITS
            self._next_slot = max(self._next_slot, beyond if floor else 0)

    def take(self, count: int = 1) -> Sequence[int]:
        """The next ``count`` ids, in rising order.

        :raises OverflowError: the clock is beyond the year 2094, where 63 bits end.
        """
        # A slot is an id without its node: time and counter side by side, so that a full counter carries over.
        with self._lock:
            start = max(self._next_slot, (self._now_ms() - EPOCH_MS) << _COUNTER_BITS)
            self._next_slot = start + count
        if start + count > _LAST_SLOT:
            raise OverflowError("the clock is past the last time that ids can express (2094-09-07)")
        first = self._id(start)
        if (start & _COUNTER_MASK) + count <= _COUNTER_MASK + 1:
            return range(first, first + count)
        return [self._id(slot) for slot in range(start, start + count)]

    def _id(self, slot: int) -> int:
        milliseconds = slot >> _COUNTER_BITS
        return (milliseconds << _NODE_BITS | self._node) << _COUNTER_BITS | slot & _COUNTER_MASK
