"""Checks that a payload comes from whom it claims to come from."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from balefire import Unauthenticated

TOLERANCE_SECONDS: Final = 300
"""How old or new a Standard Webhooks time stamp may be."""


def check_github(body: bytes, headers: Mapping[str, str], key: str) -> None:
    """GitHub's ``X-Hub-Signature-256``: HMAC-SHA-256 of the body, in hexadecimal.

    :raises Unauthenticated: it is missing or wrong.
    """
    given = headers.get("X-Hub-Signature-256", "")
    expected = "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise Unauthenticated(_refusal(given), where="header.x-hub-signature-256")


def check_standard(body: bytes, headers: Mapping[str, str], key: str, now_ms: int) -> None:
    """Standard Webhooks: ``webhook-id``, ``webhook-timestamp``, and one or more signatures in ``webhook-signature``.

    :raises Unauthenticated: missing, wrong, or too old.
    """
    stamp = headers.get("webhook-timestamp", "")
    if not stamp.isascii() or not stamp.isdecimal() or len(stamp) > 12:
        raise Unauthenticated("must be a time in seconds since the epoch", where="header.webhook-timestamp")
    if abs(now_ms // 1000 - int(stamp)) > TOLERANCE_SECONDS:
        reason = f"the time is more than {TOLERANCE_SECONDS} seconds away from this server's"
        raise Unauthenticated(reason, where="header.webhook-timestamp")
    signed = b".".join((headers.get("webhook-id", "").encode(), stamp.encode(), body))
    expected = base64.b64encode(hmac.new(_standard_key(key), signed, hashlib.sha256).digest())
    given = headers.get("webhook-signature", "")
    candidates = [text.partition(",") for text in given.split()[:10]]
    if not any(version == "v1" and hmac.compare_digest(code.encode(), expected) for version, _, code in candidates):
        raise Unauthenticated(_refusal(given), where="header.webhook-signature")


def _standard_key(key: str) -> bytes:
    """``whsec_`` and base64, as the specification writes keys; anything else is taken as it stands."""
    encoded = key.removeprefix("whsec_")
    try:
        return base64.b64decode(encoded, validate=True) if encoded != key else key.encode()
    except binascii.Error:
        return key.encode()


def _refusal(given: str) -> str:
    return "the signature does not fit the body and this hook's key" if given else "this hook wants a signature"
