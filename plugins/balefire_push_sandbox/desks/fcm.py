"""Stands in for Google: the token endpoint and FCM's HTTP v1."""

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import jwt
import msgspec
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from balefire_push_sandbox.desk import Desk, Door, read_json
from balefire_push_sandbox.faults import Refusal

SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
FCM_ERROR: Final = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST: Final = "type.googleapis.com/google.rpc.BadRequest"
LIMIT_BYTES: Final = 4096
LIFE_SECONDS: Final = 3599
SKEW_SECONDS: Final = 300
REFUSALS: Final[Mapping[Refusal, tuple[int, str]]] = {
    "overload": (429, "RESOURCE_EXHAUSTED"),
    "server_error": (503, "UNAVAILABLE"),
    "refuse_credentials": (401, "UNAUTHENTICATED"),
}

Priority = Literal["NORMAL", "HIGH", "normal", "high"]
Texts = list[str]


class Basic(msgspec.Struct, forbid_unknown_fields=True):
    title: str = ""
    body: str = ""
    image: str = ""


class AndroidNotification(Basic, forbid_unknown_fields=True):
    icon: str = ""
    color: str = ""
    sound: str = ""
    tag: str = ""
    click_action: str = ""
    channel_id: str = ""
    ticker: str = ""
    sticky: bool = False
    event_time: str = ""
    local_only: bool = False
    notification_priority: str = ""
    default_sound: bool = False
    default_vibrate_timings: bool = False
    visibility: Literal["PRIVATE", "PUBLIC", "SECRET", ""] = ""
    notification_count: int | None = None
    title_loc_key: str = ""
    title_loc_args: Texts = []
    body_loc_key: str = ""
    body_loc_args: Texts = []


class Android(msgspec.Struct, forbid_unknown_fields=True):
    collapse_key: str = ""
    priority: Priority = "NORMAL"
    ttl: str = "2419200s"
    restricted_package_name: str = ""
    direct_boot_ok: bool = False
    data: dict[str, str] = {}
    notification: AndroidNotification | None = None


class Message(msgspec.Struct, forbid_unknown_fields=True):
    token: str = ""
    topic: str = ""
    condition: str = ""
    notification: Basic | None = None
    data: dict[str, str] = {}
    android: Android | None = None
    apns: dict[str, Any] = {}
    webpush: dict[str, Any] = {}
    fcm_options: dict[str, Any] = {}


class Send(msgspec.Struct, forbid_unknown_fields=True):
    message: Message
    validate_only: bool = False


class FcmDesk(Desk):
    """One Firebase project with one service account."""

    vendor = "fcm"

    def make_secrets(self) -> dict[str, str]:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        project = f"sandbox-{secrets.token_hex(4)}"
        return {
            "project_id": project,
            "client_email": f"push@{project}.iam.gserviceaccount.com",
            "private_key": pem.decode(),
            "private_key_id": secrets.token_hex(20),
        }

    def doors(self) -> Sequence[Door]:
        return (
            Door("POST", "/token", self._token, sends=False),
            Door("POST", "/v1/projects/{project}/messages:send", self._send),
        )

    def account(self, url: str) -> dict[str, Any]:
        kept = self.kept_secrets()
        self._audience = f"{url}/token"
        self._kept = kept
        self._public_key = serialization.load_pem_private_key(kept["private_key"].encode(), None).public_key()
        self._access: dict[str, float] = {}
        service = {"type": "service_account", "token_uri": self._audience, **kept}
        return {"service_account": json.dumps(service), "endpoint": url}

    def make_token(self, seed: bytes) -> str:
        return f"{seed.hex()[:22]}:APA91b{(seed * 4).hex()[:134]}"

    def secret_texts(self) -> list[str]:
        return [*self.kept_secrets()["private_key"].splitlines()[1:-1], *self._access]

    def refuse(self, refusal: Refusal) -> web.Response:
        status, code = REFUSALS[refusal]
        return _error(status, code, headers={"Retry-After": "7"} if refusal == "overload" else {})

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("grant_type") != GRANT:
            return _oauth_error("unsupported_grant_type")
        try:
            assertion = str(form.get("assertion", ""))
            if jwt.get_unverified_header(assertion).get("kid") != self._kept["private_key_id"]:
                return _oauth_error("invalid_grant")
            claims = jwt.decode(
                assertion,
                self._public_key,  # type: ignore[arg-type] # it is the RSA key made above
                algorithms=["RS256"],
                audience=self._audience,
                issuer=self._kept["client_email"],
                options={"verify_exp": False, "verify_iat": False, "require": ["iat", "exp"]},
            )
        except jwt.PyJWTError:
            return _oauth_error("invalid_grant")
        now = self.clock.now_ms() / 1000
        is_timely = claims["iat"] - SKEW_SECONDS <= now < claims["exp"] <= claims["iat"] + 3600
        if claims.get("scope") != SCOPE or not is_timely:
            return _oauth_error("invalid_grant")
        token = f"ya29.{secrets.token_urlsafe(48)}"
        self._access[token] = now + LIFE_SECONDS
        return web.json_response({"access_token": token, "expires_in": LIFE_SECONDS, "token_type": "Bearer"})

    async def _send(self, request: web.Request) -> web.Response:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or self._access.get(token, 0) <= self.clock.now_ms() / 1000:
            return _error(401, "UNAUTHENTICATED")
        if request.match_info["project"] != self._kept["project_id"]:
            return _error(403, "PERMISSION_DENIED")
        try:
            send = msgspec.convert(await read_json(request), Send)
        except msgspec.ValidationError as error:
            return _violation(str(error).partition("`$.")[2].rstrip("`") or "message")
        message = send.message
        if wrong := _what_is_wrong(message):
            return _violation(wrong)
        phone = self.phone(message.token)
        if phone is None:
            return _error(400, "INVALID_ARGUMENT", {"@type": FCM_ERROR, "errorCode": "INVALID_ARGUMENT"})
        if phone.gone_since:
            return _error(404, "NOT_FOUND", {"@type": FCM_ERROR, "errorCode": "UNREGISTERED"})
        name = f"projects/{self._kept['project_id']}/messages/0:{secrets.token_hex(8)}"
        if not send.validate_only:
            self.phones.show(phone, id=name, **_shown(message))
        return web.json_response({"name": name})


def _what_is_wrong(message: Message) -> str:
    """The field that Google would name, "" if there is none."""
    if sum(map(bool, (message.token, message.topic, message.condition))) != 1:
        return "message"
    for key in message.data:
        if key in ("from", "message_type") or key.startswith(("google.", "gcm.")):
            return "message.data"
    android = message.android or Android()
    seconds = android.ttl.removesuffix("s")
    if not android.ttl.endswith("s") or not seconds.replace(".", "", 1).isdigit() or float(seconds) > 28 * 86_400:
        return "message.android.ttl"
    plain = {key: value for key, value in msgspec.to_builtins(message).items() if key != "token" and value}
    counted = {key: _without_defaults(value) for key, value in plain.items()}
    if len(json.dumps(counted, ensure_ascii=False, separators=(",", ":")).encode()) > LIMIT_BYTES:
        return "message"
    return ""


def _without_defaults(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_defaults(part) for key, part in value.items() if part not in ("", None, False, [], {})}
    return value


def _shown(message: Message) -> dict[str, Any]:
    android = message.android or Android()
    look = android.notification or AndroidNotification()
    basic = message.notification or Basic()
    push_type = "alert" if message.notification or android.notification else "background"
    if message.data.get("push") == "call":
        push_type = "voip"
    return {
        "push_type": push_type,
        "title": look.title or basic.title or message.data.get("title", ""),
        "body": look.body or basic.body or message.data.get("body", ""),
        "badge": look.notification_count,
        "sound": look.sound,
        "thread": message.data.get("conversation", ""),
        "collapse_id": look.tag,
        "data": dict(message.data),
    }


def _violation(field: str) -> web.Response:
    return _error(400, "INVALID_ARGUMENT", {"@type": BAD_REQUEST, "fieldViolations": [{"field": field}]})


def _error(status: int, code: str, *details: dict[str, Any], headers: Mapping[str, str] | None = None) -> web.Response:
    error = {"code": status, "message": f"Request refused: {code}.", "status": code, "details": list(details)}
    return web.json_response({"error": error}, status=status, headers=headers)


def _oauth_error(code: str) -> web.Response:
    return web.json_response({"error": code, "error_description": "Refused."}, status=400)
