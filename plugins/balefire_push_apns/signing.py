"""The provider token: a JWT that all connections, processes and machines of one key share."""

import base64
import json
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from balefire import Clock, ConfigError

SLOT_SECONDS: Final = 30 * 60
SHORTEST_USE_SECONDS: Final = 20 * 60  # Apple answers 429 to those who change it more often, and accepts it for 60 min
SKEW_SECONDS: Final = 60  # a token is never from the future for a clock that is slow by less


class ProviderTokens:
    """Signs provider tokens for one key of one team.

    The issue time is aligned to 30-minute slots and the signature is deterministic (RFC 6979), so every process that
    holds the key makes the very same token without talking to the others, also after a restart. A token is used for
    at least 20 minutes, so it is 51 minutes old at most. One instance is shared by all connections; everything here
    is synchronous, so concurrent callers cannot sign two.
    """

    def __init__(self, key_pem: str, *, key_id: str, team_id: str, clock: Clock) -> None:
        self._key = _read_key(key_pem)
        self._key_id, self._team_id = key_id, team_id
        self._clock = clock
        self._issued_at = self._used_since = 0
        self._token = ""

    def current(self) -> str:
        """The token to send now: renewed every 30 minutes, signed in about 0.2 ms."""
        now = self._now()
        slot = (now - SKEW_SECONDS) // SLOT_SECONDS * SLOT_SECONDS
        was_set_back = slot < self._issued_at - SLOT_SECONDS
        if was_set_back or (slot > self._issued_at and now - self._used_since >= SHORTEST_USE_SECONDS):
            self._sign(slot)
        return self._token

    def renew(self, refused: str) -> bool:
        """Apple called this token expired before its time; whether there is another one to try."""
        if refused != self.current():
            return True
        if self._now() - self._used_since < SHORTEST_USE_SECONDS:
            return False
        self._sign(self._now() - SKEW_SECONDS)
        return True

    def _now(self) -> int:
        return self._clock.now_ms() // 1000

    def _sign(self, issued_at: int) -> None:
        head = _encode({"alg": "ES256", "kid": self._key_id})
        claims = _encode({"iss": self._team_id, "iat": issued_at})
        signature = self._key.sign(head + b"." + claims, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        r, s = decode_dss_signature(signature)
        raw = base64.urlsafe_b64encode(r.to_bytes(32) + s.to_bytes(32)).rstrip(b"=")
        self._token = b".".join((head, claims, raw)).decode()
        self._issued_at, self._used_since = issued_at, self._now()


def _encode(value: dict[str, str | int]) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=")


def _read_key(pem: str) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigError(["plugins.push-apns.key: not a private key in PEM form; Apple's .p8 file is one"]) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ConfigError(["plugins.push-apns.key: must be an EC key on the curve P-256, as Apple's .p8 files are"])
    return key
