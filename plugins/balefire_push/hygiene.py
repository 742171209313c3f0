"""Forgets tokens that a vendor rejected, unless the vendor suddenly rejects them by the dozen."""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from balefire import Clock, MessageStore

WINDOW: Final = 200
WINDOW_MS: Final = 10 * 60_000
TOLERATED: Final = 5
TOLERATED_SHARE: Final = 0.2


class MassInvalidationGuard:
    """A wrong project key makes some vendors call every token dead. Believes the first few rejections within ten
    minutes; more only while they are at most a fifth of the newest outcomes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._outcomes: deque[tuple[int, bool]] = deque(maxlen=WINDOW)
        self.held = 0

    def believes(self, *, is_gone: bool) -> bool:
        """Note an outcome; whether a rejection may be acted on."""
        now = self._clock.now_ms()
        self._outcomes.append((now, is_gone))
        while self._outcomes[0][0] < now - WINDOW_MS:
            self._outcomes.popleft()
        if not is_gone:
            return True
        gone = sum(was_gone for _, was_gone in self._outcomes)
        if gone <= TOLERATED or gone <= TOLERATED_SHARE * len(self._outcomes):
            return True
        self.held += 1
        return False


class TokenHygiene:
    """Forgets tokens for one vendor."""

    def __init__(
        self,
        vendor: str,
        store: Callable[[], MessageStore],
        tell: Callable[[str, str, str], Awaitable[None]],
        clock: Clock,
    ) -> None:
        """:param tell: calls ``on_push_rejected`` with user, vendor and reason."""
        self._vendor, self._store, self._tell = vendor, store, tell
        self.guard = MassInvalidationGuard(clock)

    async def rejected(self, token: str, *, sent_at: int, invalid_since_ms: int | None, reason: str) -> bool:
        """A vendor rejected this token; whether it was believed. A token registered again since then is kept.

        :param sent_at: when the rejected attempt was made (ms).
        """
        if not self.guard.believes(is_gone=True):
            return False
        rejected_at = sent_at if invalid_since_ms is None else min(sent_at, invalid_since_ms)
        device = await self._store().forget_token(self._vendor, token, registered_before=rejected_at + 1)
        if device is not None:
            await self._tell(device.user, self._vendor, reason)
        return True
