"""Accounts: who has which password, and how often somebody may guess."""

import contextlib
from collections import OrderedDict
from typing import Final

from sqlalchemy import delete, insert, select, update

from balefire import Clock, Database, Overloaded, SlowDown, Unauthenticated
from balefire_auth_passwords.hashing import Hashing
from balefire_auth_passwords.table import ACCOUNTS

WRONG_GUESSES: Final = 5
FORGIVEN_MS: Final = 60_000
"""One wrong guess is forgiven after this long."""

MOST_REMEMBERED: Final = 50_000


class Accounts:
    """Passwords in SQL, hashed. Wrong guesses are counted per user, whether or not the user exists."""

    def __init__(self, database: Database, clock: Clock, hashing: Hashing) -> None:
        self._database = database
        self._clock = clock
        self._hashing = hashing
        self._wrong: OrderedDict[str, tuple[float, int]] = OrderedDict()

    async def check(self, user: str, password: str) -> None:
        """Insist that this is the user's password.

        :raises Unauthenticated: it is not, or there is no such user; both look and take the same.
        :raises SlowDown: there were too many wrong guesses.
        """
        self._refuse_guessing(user)
        self._count(user, 1)  # before the check, or many guesses at once would all pass
        known = await self._hash_of(user)
        if not await self._hashing.matches(known, password) or known is None:
            raise Unauthenticated("user or password is wrong")
        self._count(user, -1)
        if self._hashing.is_outdated(known):
            with contextlib.suppress(Overloaded):  # another time
                await self._renew(user, known, password)

    async def put(self, user: str, password: str) -> None:
        """Set a user's password."""
        values = {"hash": await self._hashing.hash(password), "changed_at": self._clock.now_ms()}
        async with self._database.write() as connection:
            changed = await connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.user == user).values(**values))
            if not changed.rowcount:
                await connection.execute(insert(ACCOUNTS).values(user=user, **values))

    async def _renew(self, user: str, known: str, password: str) -> None:
        """Hash again at today's costs, unless the password was changed meanwhile."""
        renewed = update(ACCOUNTS).where(ACCOUNTS.c.user == user, ACCOUNTS.c.hash == known)
        values = {"hash": await self._hashing.hash(password)}
        async with self._database.write() as connection:
            await connection.execute(renewed.values(**values))

    async def remove(self, user: str) -> bool:
        """Take away a user's password; whether there was one."""
        async with self._database.write() as connection:
            gone = await connection.execute(delete(ACCOUNTS).where(ACCOUNTS.c.user == user))
        return bool(gone.rowcount)

    async def _hash_of(self, user: str) -> str | None:
        async with self._database.read() as connection:
            found: str | None = (
                await connection.execute(select(ACCOUNTS.c.hash).where(ACCOUNTS.c.user == user))
            ).scalar()
        return found

    def _guesses(self, user: str) -> float:
        guesses, at = self._wrong.get(user, (0.0, 0))
        return max(0.0, guesses - (self._clock.now_ms() - at) / FORGIVEN_MS)

    def _refuse_guessing(self, user: str) -> None:
        over = self._guesses(user) - (WRONG_GUESSES - 1)
        if over > 0:
            seconds = over * FORGIVEN_MS / 1000
            raise SlowDown("too many wrong passwords for this user; wait a little", retry_after_seconds=seconds)

    def _count(self, user: str, guesses: int) -> None:
        self._wrong[user] = max(0.0, self._guesses(user) + guesses), self._clock.now_ms()
        self._wrong.move_to_end(user)
        if len(self._wrong) > MOST_REMEMBERED:
            self._wrong.popitem(last=False)
