"""Argon2, two at a time: each takes a third of a second of a core and 64 MiB."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final

from balefire import Overloaded

if TYPE_CHECKING:
    from argon2 import PasswordHasher

AT_ONCE: Final = 2
MOST_WAITING: Final = 50
"""More than these would wait for a quarter of a minute: better told at once."""


class Hashing:
    """Makes and checks password hashes in threads, so that nobody else waits for them."""

    def __init__(self, *, time_cost: int, memory_kib: int) -> None:
        self._time_cost, self._memory_kib = time_cost, memory_kib
        self._hasher: PasswordHasher | None = None
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._decoy = ""

    async def hash(self, password: str) -> str:
        """The hash to keep, in Argon2's text form.

        :raises Overloaded: too many are waiting.
        """
        return await self._in_turn(password, None)

    async def matches(self, known: str | None, password: str) -> bool:
        """Whether this is the password. Without a hash the answer is no, and takes just as long.

        :raises Overloaded: too many are waiting.
        """
        if known is None and not self._decoy:
            self._decoy = await self.hash(secrets.token_urlsafe())
        return bool(await self._in_turn(password, known or self._decoy)) and known is not None

    def is_outdated(self, known: str) -> bool:
        """Whether a hash was made at other costs than today's."""
        return self._passwords().check_needs_rehash(known)

    async def _in_turn(self, password: str, known: str | None) -> str:
        if self._waiting >= MOST_WAITING:
            raise Overloaded("too many people are signing in; try again in a moment", retry_after_seconds=5)
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(self._work, password, known)
        finally:
            self._waiting -= 1

    def _work(self, password: str, known: str | None) -> str:
        from argon2.exceptions import VerifyMismatchError

        if known is None:
            return self._passwords().hash(password)
        try:
            return "yes" if self._passwords().verify(known, password) else ""
        except VerifyMismatchError:
            return ""

    def _passwords(self) -> PasswordHasher:
        from argon2 import PasswordHasher  # slow to import, and not needed before the first password comes

        if self._hasher is None:
            self._hasher = PasswordHasher(time_cost=self._time_cost, memory_cost=self._memory_kib)
        return self._hasher
