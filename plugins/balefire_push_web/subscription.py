"""A device token as browsers and distributor apps give it: a subscription in JSON, or a bare address."""

import base64
import binascii
import json
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from balefire import TokenRejected

LONGEST_ADDRESS: Final = 2048
POINT_BYTES: Final = 65
AUTH_BYTES: Final = 16


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """Where to push, and with what to encrypt. A bare address has no keys: UnifiedPush before it became Web Push."""

    endpoint: str
    public_key: bytes = b""
    auth: bytes = b""

    @property
    def origin(self) -> str:
        """Scheme, host and port: what a signature is for (RFC 8292, section 2)."""
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{parts.netloc}"


def read_subscription(token: str, *, allow_http: bool = False) -> Subscription:
    """The subscription in a device token.

    :raises TokenRejected: it is none. The text never repeats it.
    """
    if not token.lstrip().startswith("{"):
        return Subscription(endpoint=_address(token, allow_http))
    try:
        given: Any = json.loads(token)
        endpoint, keys = given["endpoint"], given["keys"]
        public_key, auth = decode(keys["p256dh"]), decode(keys["auth"])
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        raise TokenRejected("not a push subscription: endpoint, keys.p256dh and keys.auth are needed") from None
    if len(public_key) != POINT_BYTES or len(auth) != AUTH_BYTES:
        raise TokenRejected("not a push subscription: p256dh has 65 bytes and auth has 16")
    return Subscription(endpoint=_address(endpoint, allow_http), public_key=public_key, auth=auth)


def _address(text: Any, allow_http: bool) -> str:
    try:
        parts = urlsplit(text)
        is_good = bool(parts.hostname) and parts.port != 0 and not (parts.username or parts.password or parts.fragment)
    except (ValueError, AttributeError, TypeError):
        is_good = False
    if not is_good or len(text) > LONGEST_ADDRESS or not (text.isascii() and text.isprintable()):
        raise TokenRejected("not a push subscription: its endpoint is not an address")
    if parts.scheme != "https" and not (allow_http and parts.scheme == "http"):
        raise TokenRejected("not a push subscription: its endpoint must be https")
    return str(text)


def encode(data: bytes) -> str:
    """base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The reverse of ``encode``; padding is allowed."""
    return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars="-_", validate=True)
