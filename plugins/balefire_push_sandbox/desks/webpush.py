"""Stands in for a browser and its push service: holds subscriptions, checks signatures, decrypts, shows."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import jwt
from aiohttp import web
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from balefire_push_sandbox.desk import Desk, Door
from balefire_push_sandbox.faults import Refusal
from balefire_push_sandbox.phones import Phone

MOST_BYTES: Final = 4096
HEADER_BYTES: Final = 86
DAY_SECONDS: Final = 86_400
URGENCIES: Final = ("very-low", "low", "normal", "high")
STATUS: Final[Mapping[Refusal, int]] = {"overload": 429, "server_error": 503, "refuse_credentials": 403}
ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (SEC 2, 2.4.2)

_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")
_VAPID = re.compile(r"vapid t=([^, ]+), ?k=([A-Za-z0-9_-]+)")


class WebPushDesk(Desk):
    """A browser's push service with its browsers."""

    vendor = "webpush"
    platform = "web"

    def make_secrets(self) -> dict[str, str]:
        """None: subscriptions hold all there is."""
        return {}

    def secret_texts(self) -> list[str]:
        return []

    def doors(self) -> Sequence[Door]:
        return (Door("POST", "/push/{id}", self._push),)

    def account(self, url: str) -> dict[str, Any]:
        self._url = url
        return {"contact": "mailto:sandbox@example.com", "allow_http": True}

    def make_token(self, seed: bytes) -> str:
        key, auth = _browser_keys(seed)
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": _encode(point), "auth": _encode(auth)}
        # A real push service keeps no keys of browsers; this one is the browser too, so the address leads to them.
        return json.dumps({"endpoint": f"{self._url}/push/{_encode(seed)}", "expirationTime": None, "keys": keys})

    def refuse(self, refusal: Refusal) -> web.Response:
        headers = {"Retry-After": "7"} if refusal == "overload" else {}
        return web.Response(status=STATUS[refusal], headers=headers)

    async def _push(self, request: web.Request) -> web.Response:
        try:
            seed = _decode(request.match_info["id"])
            phone = self.phone(self.make_token(seed))
        except (ValueError, binascii.Error):
            phone = None
        if phone is None or phone.gone_since:
            return web.Response(status=410)
        if not self._is_signed(request):
            return web.Response(status=403)
        body = await request.read()
        if len(body) > MOST_BYTES:
            return web.Response(status=413)
        text = _open(body, seed) if _has_right_headers(request) else None
        if text is None:
            return web.Response(status=400)
        self._show(phone, text, request.headers.get("Topic", ""))
        where = f"{self._url}/message/{hashlib.sha256(body).hexdigest()[:16]}"
        return web.Response(status=201, headers={"Location": where, "TTL": request.headers["TTL"]})

    def _is_signed(self, request: web.Request) -> bool:
        """RFC 8292, section 2: for this origin, a day at most, by the key that is named."""
        found = _VAPID.fullmatch(request.headers.get("Authorization", ""))
        if found is None:
            return False
        try:
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _decode(found[2]))
            claims = jwt.decode(found[1], key, algorithms=["ES256"], options={"verify_exp": False, "verify_aud": False})
        except (ValueError, binascii.Error, jwt.PyJWTError):
            return False
        now = self.clock.now_ms() / 1000
        expires_at = claims.get("exp")
        is_timely = isinstance(expires_at, int) and now < expires_at <= now + DAY_SECONDS
        origin = self._url.removesuffix(f"/{self.vendor}")
        return is_timely and claims.get("aud") == origin and str(claims.get("sub")).startswith(("mailto:", "https:"))

    def _show(self, phone: Phone, text: dict[str, Any], topic: str) -> None:
        self.phones.show(
            phone,
            id=str(text.get("id", "")),
            push_type={"data": "background", "voip": "voip"}.get(str(text.get("style")), "alert"),
            title=str(text.get("title", "")),
            body=str(text.get("body", "")),
            badge=text.get("badge"),
            sound=str(text.get("sound", "")),
            thread=str(text.get("thread", "")),
            collapse_id=topic,
            data=text.get("data", {}),
        )


def _has_right_headers(request: web.Request) -> bool:
    headers = request.headers
    return (
        headers.get("TTL", "").isdigit()
        and headers.get("Content-Encoding") == "aes128gcm"
        and headers.get("Urgency", "normal") in URGENCIES
        and ("Topic" not in headers or _TOPIC.fullmatch(headers["Topic"]) is not None)
    )


def _browser_keys(seed: bytes) -> tuple[ec.EllipticCurvePrivateKey, bytes]:
    number = int.from_bytes(hashlib.sha256(b"p256dh" + seed).digest()) % (ORDER - 1) + 1
    return ec.derive_private_key(number, ec.SECP256R1()), hashlib.sha256(b"auth" + seed).digest()[:16]


def _open(body: bytes, seed: bytes) -> dict[str, Any] | None:
    """Decrypt as a browser does (RFC 8291, section 3.4); ``None`` if it is not for this browser."""
    if len(body) < HEADER_BYTES + 17 or body[20] != 65 or int.from_bytes(body[16:20]) < len(body) - HEADER_BYTES:
        return None
    key, auth = _browser_keys(seed)
    ours = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    salt, theirs = body[:16], body[21:HEADER_BYTES]
    try:
        shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
        material = _derive(auth, shared, b"WebPush: info\x00" + ours + theirs, 32)
        cipher = AESGCM(_derive(salt, material, b"Content-Encoding: aes128gcm\x00", 16))
        plain = cipher.decrypt(
            _derive(salt, material, b"Content-Encoding: nonce\x00", 12), body[HEADER_BYTES:], None
        ).rstrip(b"\x00")
        text = json.loads(plain[:-1]) if plain[-1:] == b"\x02" else None
    except (ValueError, InvalidTag):
        return None
    return text if isinstance(text, dict) else None


def _derive(salt: bytes, material: bytes, purpose: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=purpose).derive(material)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars="-_", validate=True)
