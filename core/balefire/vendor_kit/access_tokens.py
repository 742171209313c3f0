"""One access token that all calls to a vendor share."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from balefire_hookspecs import AuthExpired, Clock, PushError


class AccessTokens:
    """Fetches an access token when the first call needs it, and again shortly before it ends.

    However many calls ask at once, it is fetched once; a caller that is cancelled does not cancel it for the others.
    Use one instance per account, from one event loop.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[tuple[str, float]]],
        clock: Clock,
        *,
        renew_early_seconds: float = 300.0,
    ) -> None:
        """
        :param fetch: asks the vendor; returns the token and how many seconds it lives. What it raises, every
            waiting call gets.
        :param renew_early_seconds: so long before its end a token is replaced; at half its life if that is less.
        """
        self._fetch = fetch
        self._clock = clock
        self._renew_early_seconds = renew_early_seconds
        self._token = ""
        self._renew_at = self._ends_at = -math.inf
        self._fetching: asyncio.Task[str] | None = None

    async def current(self) -> str:
        """The token to send now.

        :raises PushError: it could not be fetched, and there is none that still lives.
        """
        if self._token and self._clock.monotonic() < self._renew_at:
            return self._token
        try:
            return await self._fetched()
        except PushError:
            if self._token and self._clock.monotonic() < self._ends_at:
                return self._token
            raise

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[str]:
        """The token for one call: an ``AuthExpired`` out of the block refuses it."""
        token = await self.current()
        try:
            yield token
        except AuthExpired:
            self.refuse(token)
            raise

    def refuse(self, token: str) -> bool:
        """The vendor refused this token: it is not handed out again.

        :returns: whether it was the current one; if not, another call has seen to it already.
        """
        if token != self._token:
            return False
        self._token = ""
        return True

    async def _fetched(self) -> str:
        if self._fetching is None:
            self._fetching = asyncio.get_running_loop().create_task(self._renew())
            self._fetching.add_done_callback(self._finished)
        return await asyncio.shield(self._fetching)

    async def _renew(self) -> str:
        token, lives_seconds = await self._fetch()
        now = self._clock.monotonic()
        self._token = token
        self._ends_at = now + lives_seconds
        self._renew_at = now + max(lives_seconds - self._renew_early_seconds, lives_seconds / 2)
        return token

    def _finished(self, task: asyncio.Task[str]) -> None:
        self._fetching = None
        if not task.cancelled():
            task.exception()  # looked at, in case every caller has gone away
