"""Judges provider tokens as Apple documents it: signature, key, team, age, and how often they change."""

from typing import Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from balefire import Clock

LIFE_SECONDS: Final = 60 * 60
LEEWAY_SECONDS: Final = 60
CHANGE_SECONDS: Final = 20 * 60
REMEMBERED: Final = 100


class _Known(msgspec.Struct):
    issued_at: float
    seen_at: int


class ProviderTokenCheck:
    """Checks ``authorization`` headers against the one registered key. A good signature is checked once."""

    def __init__(self, public_key: ec.EllipticCurvePublicKey, *, key_id: str, team_id: str, clock: Clock) -> None:
        self._public_key = public_key
        self._key_id, self._team_id = key_id, team_id
        self._clock = clock
        self._known: dict[str, _Known] = {}

    @property
    def tokens_seen(self) -> int:
        """How many different good tokens were used."""
        return len(self._known)

    def check(self, authorization: str) -> str:
        """The reason for a refusal, "" if the token is good."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return "InvalidProviderToken"
        known = self._known.get(token)
        issued_at = known.issued_at if known else self._issued_at(token)
        now = self._clock.now_ms() / 1000
        if issued_at is None or issued_at > now + LEEWAY_SECONDS:
            return "InvalidProviderToken"
        if now - issued_at > LIFE_SECONDS:
            return "ExpiredProviderToken"
        if known is None:
            return self._remember(token, issued_at, int(now))
        return ""

    def _remember(self, token: str, issued_at: float, now: int) -> str:
        newest = max((known.seen_at for known in self._known.values()), default=None)
        if newest is not None and now - newest < CHANGE_SECONDS:
            return "TooManyProviderTokenUpdates"
        if len(self._known) >= REMEMBERED:
            self._known.pop(next(iter(self._known)))
        self._known[token] = _Known(issued_at, now)
        return ""

    def _issued_at(self, token: str) -> float | None:
        try:
            if jwt.get_unverified_header(token).get("kid") != self._key_id:
                return None
            claims = jwt.decode(
                token,
                self._public_key,
                algorithms=["ES256"],
                issuer=self._team_id,
                options={"require": ["iat", "iss"], "verify_iat": False, "verify_exp": False, "verify_aud": False},
            )
        except jwt.PyJWTError:
            return None
        issued_at = claims["iat"]
        return float(issued_at) if isinstance(issued_at, int | float) else None
