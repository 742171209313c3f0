"""How a token is made and read: a JSON Web Token signed with HMAC-SHA-256 by a key that never leaves the server."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from balefire import USER_ID_PATTERN, InvalidInput, Unauthenticated

if TYPE_CHECKING:
    from jwt.types import Options

ISSUER: Final = "balefire"
LONGEST_TTL_SECONDS: Final = 366 * 86_400
_ALGORITHM: Final = "HS256"
_ID_BYTES: Final = 9


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. Times are milliseconds since the epoch."""

    id: str
    user: str
    scopes: frozenset[str]
    device_id: str
    issued_at: int
    expires_at: int


class Signer:
    """Signs and reads tokens with one key. Knows no clock and no revocations."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._headers = {"kid": hashlib.sha256(b"kid" + key).hexdigest()[:8]}
        self._prefix = ""

    def sign(self, claims: Claims) -> str:
        """The token."""
        import jwt  # slow to import, and not needed before the first token comes or goes

        body = {
            "iss": ISSUER,
            "sub": claims.user,
            "jti": claims.id,
            "scope": " ".join(sorted(claims.scopes)),
            "iat": claims.issued_at / 1000,
            "exp": claims.expires_at / 1000,
        }
        if claims.device_id:
            body["device"] = claims.device_id
        return jwt.encode(body, self._key, algorithm=_ALGORITHM, headers=self._headers)

    def is_mine(self, token: str) -> bool:
        """Whether it claims to be signed with this very key; other issuers' tokens are not ours to judge."""
        header, dot, rest = token.partition(".")
        if not dot or not rest:
            return False
        if not self._prefix:
            self._prefix = self._header_of_ours()
        return header == self._prefix

    def read(self, token: str) -> Claims:
        """What a token says, its signature checked; whether that is still true is for the caller to see.

        :raises Unauthenticated: forged or damaged.
        """
        import jwt

        options: Options = {
            "require": ["sub", "jti", "iat", "exp"],
            "verify_exp": False,  # the platform's clock decides, not this machine's
            "verify_iat": False,
            "verify_nbf": False,
        }
        try:
            body: dict[str, Any] = jwt.decode(token, self._key, algorithms=[_ALGORITHM], issuer=ISSUER, options=options)
            return Claims(
                id=str(body["jti"]),
                user=str(body["sub"]),
                scopes=frozenset(str(body.get("scope", "")).split()),
                device_id=str(body.get("device", "")),
                issued_at=round(body["iat"] * 1000),
                expires_at=round(body["exp"] * 1000),
            )
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError):
            raise Unauthenticated("this token is forged or damaged; sign in again") from None

    def _header_of_ours(self) -> str:
        return self.sign(Claims("", "", frozenset(), "", 0, 0)).partition(".")[0]


def new_claims(user: str, scopes: frozenset[str], *, ttl_seconds: int, issued_at: int, device_id: str = "") -> Claims:
    """What a new token is to say.

    :raises InvalidInput: the user id is malformed, or the token would live for more than 366 days.
    """
    if not re.fullmatch(USER_ID_PATTERN, user):
        raise InvalidInput("a user id has 1 to 64 characters without space, comma, slash or #", where="user")
    if not 1 <= ttl_seconds <= LONGEST_TTL_SECONDS:
        raise InvalidInput(f"a token lives for 1 to {LONGEST_TTL_SECONDS} seconds", where="ttl_seconds")
    # The id carries the user's, so that sessions opened with a token can be found without storing tokens.
    token_id = f"{user}:{base64.urlsafe_b64encode(secrets.token_bytes(_ID_BYTES)).decode()}"
    return Claims(token_id, user, scopes, device_id, issued_at, issued_at + ttl_seconds * 1000)


def user_of(token_id: str) -> str:
    """The user in a token's id; "" if it is none."""
    return token_id.rpartition(":")[0]
