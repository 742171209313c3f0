"""Issues, checks and revokes signed tokens."""

import hashlib
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from balefire import Forbidden, Identity, PluginContext, Settings, Unauthenticated
from balefire_auth_tokens.revocations import Revocations
from balefire_auth_tokens.signing import LONGEST_TTL_SECONDS, Claims, Signer, new_claims, user_of

MOST_CACHED: Final = 20_000


@dataclass(frozen=True, slots=True)
class _Verified:
    identity: Identity
    issued_at: int


class SignedTokens:
    """The authenticator and token issuer named "token".

    A token that was verified once is remembered by its hash, so the next check costs a look-up; expiry and revocation
    are looked at every time.

    :param leeway_seconds: how far this clock and the issuer's may differ: a token is accepted for this much longer.
    """

    name = "token"

    def __init__(
        self, ctx: PluginContext[Settings], signer: Signer, revocations: Revocations, *, leeway_seconds: int
    ) -> None:
        self._ctx = ctx
        self._signer = signer
        self._revocations = revocations
        self._leeway_ms = leeway_seconds * 1000
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()

    def authenticate(self, credential: str) -> Identity | None:
        """See ``Authenticator.authenticate``; never waits."""
        if not self._signer.is_mine(credential):
            return None
        digest = hashlib.sha256(credential.encode(errors="surrogateescape")).digest()
        known = self._verified.get(digest)
        verified = known or self._read(credential)
        self._insist(verified)
        if known is None:
            self._verified[digest] = verified
            if len(self._verified) > MOST_CACHED:
                self._verified.popitem(last=False)
        return verified.identity

    async def issue(
        self, user: str, *, scopes: frozenset[str], ttl_seconds: int, device_id: str = ""
    ) -> tuple[str, Identity]:
        """See ``TokenIssuer.issue``.

        :raises Forbidden: the user is banned.
        :raises InvalidInput: the user id is malformed, or the token would live for more than 366 days.
        """
        profile = (await self._ctx.directory.get([user])).get(user)
        if profile is not None and profile.is_banned:
            raise Forbidden(f"user {user!r} is banned")
        issued_at = max(self._ctx.clock.now_ms(), self._revocations.valid_after(user) + 1)
        claims = new_claims(user, scopes, ttl_seconds=ttl_seconds, issued_at=issued_at, device_id=device_id)
        return self._signer.sign(claims), _identity(claims)

    async def revoke(self, credential_id: str) -> None:
        """See ``TokenIssuer.revoke``; ends the sessions that were opened with it."""
        user = user_of(credential_id)
        if not user:
            return
        longest = self._ctx.clock.now_ms() + LONGEST_TTL_SECONDS * 1000 + self._leeway_ms
        await self._revocations.revoke(credential_id, expires_at=longest)
        self._ctx.sessions.disconnect(user, "token_revoked", "your token was revoked", credential_id=credential_id)

    def revoked(self, user: str) -> Collection[str]:
        """The ids of a user's tokens that were revoked one by one and have not expired since."""
        return self._revocations.of_user(user)

    async def revoke_user(self, user: str) -> None:
        """See ``TokenIssuer.revoke_user``; ends all of the user's sessions."""
        await self._revocations.revoke_user(user)
        self._ctx.sessions.disconnect(user, "token_revoked", "your tokens were revoked")

    def _read(self, credential: str) -> _Verified:
        claims = self._signer.read(credential)
        return _Verified(_identity(claims), claims.issued_at)

    def _insist(self, verified: _Verified) -> None:
        now, identity = self._ctx.clock.now_ms(), verified.identity
        if now > identity.expires_at + self._leeway_ms:
            raise Unauthenticated("this token has expired; sign in again")
        if verified.issued_at > now + self._leeway_ms:
            raise Unauthenticated("this token is from the future; compare the clocks of the machines involved")
        if self._revocations.is_revoked(identity.credential_id, identity.user, verified.issued_at):
            raise Unauthenticated("this token was revoked; sign in again")


def _identity(claims: Claims) -> Identity:
    return Identity(
        user=claims.user,
        scopes=claims.scopes | {"*"} if "admin" in claims.scopes else claims.scopes,
        device_id=claims.device_id,
        expires_at=claims.expires_at,
        credential_id=claims.id,
    )
