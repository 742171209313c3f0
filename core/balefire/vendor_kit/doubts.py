"""For vendors whose word that a device is gone may also mean a passing trouble."""

import hashlib
from collections import OrderedDict
from typing import Final

REMEMBERED: Final = 10_000


class Doubts:
    """Counts such answers by device; one is believed when it comes often enough without a success in between."""

    def __init__(self, believed_after: int) -> None:
        self._believed_after = believed_after
        self._times: OrderedDict[bytes, int] = OrderedDict()

    def is_gone(self, token: str) -> bool:
        """Count one more such answer; whether it is believed now."""
        times = self._times.pop(_key(token), 0) + 1
        if times >= self._believed_after:
            return True
        self._times[_key(token)] = times
        if len(self._times) > REMEMBERED:
            self._times.popitem(last=False)
        return False

    def forget(self, token: str) -> None:
        """It worked after all."""
        self._times.pop(_key(token), None)


def _key(token: str) -> bytes:
    return hashlib.blake2b(token.encode("utf-8", "surrogatepass"), digest_size=16).digest()
