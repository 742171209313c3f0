"""What is no longer valid: durable in SQL, asked from memory."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from balefire import Clock, Database
from balefire_auth_tokens.signing import user_of
from balefire_auth_tokens.table import REVOKED, VALID_AFTER


class Revocations:
    """Tokens and users whose tokens are refused. Asking is immediate; changes are durable when they return."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._tokens: dict[str, dict[str, int]] = {}
        self._valid_after: dict[str, int] = {}

    async def load(self) -> None:
        """Read everything that still matters into memory."""
        alive = REVOKED.c.expires_at > self._clock.now_ms()
        async with self._database.read() as connection:
            for row in await connection.execute(select(REVOKED).where(alive)):
                self._tokens.setdefault(user_of(row.id), {})[row.id] = row.expires_at
            self._valid_after = {row.user: row.at for row in await connection.execute(select(VALID_AFTER))}

    def is_revoked(self, token_id: str, user: str, issued_at: int) -> bool:
        """Whether this token was revoked, by itself or with all of its user's."""
        return token_id in self.of_user(user) or issued_at <= self.valid_after(user)

    def of_user(self, user: str) -> Collection[str]:
        """The ids of a user's revoked tokens."""
        return self._tokens.get(user, ())

    def valid_after(self, user: str) -> int:
        """Milliseconds since the epoch; tokens issued at or before are refused."""
        return self._valid_after.get(user, 0)

    async def revoke(self, token_id: str, *, expires_at: int) -> None:
        """Refuse one token until it has expired. Revoking twice is no error."""
        user = user_of(token_id)
        if token_id not in self.of_user(user):
            try:
                async with self._database.write() as connection:
                    await connection.execute(insert(REVOKED).values(id=token_id, expires_at=expires_at))
            except IntegrityError:
                pass  # another node was first
        self._tokens.setdefault(user, {})[token_id] = expires_at

    async def revoke_user(self, user: str) -> None:
        """Refuse every token issued to this user up to now."""
        # a token issued in the same millisecond as the last revocation carries the one after it
        now = max(self._clock.now_ms(), self.valid_after(user) + 1)
        async with self._database.write() as connection:
            changed = await connection.execute(update(VALID_AFTER).where(VALID_AFTER.c.user == user).values(at=now))
            if not changed.rowcount:
                await connection.execute(insert(VALID_AFTER).values(user=user, at=now))
        self._valid_after[user] = now

    async def forget_expired(self) -> None:
        """Drop revocations of tokens that have expired by now."""
        now = self._clock.now_ms()
        expired: Any = REVOKED.c.expires_at <= now
        async with self._database.write() as connection:
            await connection.execute(delete(REVOKED).where(expired))
        alive = {
            user: {token: expires_at for token, expires_at in tokens.items() if expires_at > now}
            for user, tokens in self._tokens.items()
        }
        self._tokens = {user: tokens for user, tokens in alive.items() if tokens}
