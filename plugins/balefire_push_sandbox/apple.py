"""Judges a request as strictly as Apple documents its provider API: the first thing wrong is the answer."""

import json
import re
import uuid
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from balefire_push_sandbox.phones import Environment, Phone, Phones
from balefire_push_sandbox.provider_token import ProviderTokenCheck

PUSH_TYPES: Final = {
    "alert": "",
    "background": "",
    "voip": ".voip",
    "liveactivity": ".push-type.liveactivity",
    "complication": ".complication",
    "fileprovider": ".pushkit.fileprovider",
    "location": ".location-query",
    "pushtotalk": ".voip-ptt",
}
LIMITS: Final = {"voip": 5120}
LIMIT_BYTES: Final = 4096
STATUS: Final = {
    "BadPath": 404,
    "MethodNotAllowed": 405,
    "PayloadTooLarge": 413,
    "Unregistered": 410,
    "TooManyProviderTokenUpdates": 429,
    "InvalidProviderToken": 403,
    "ExpiredProviderToken": 403,
    "MissingProviderToken": 403,
}

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_HEX = re.compile(r"[0-9a-fA-F]+")
_PATH: Final = "/3/device/"


class Request(msgspec.Struct, frozen=True):
    headers: Sequence[tuple[str, str]]
    body: bytes
    certificate_bundle: str = ""

    @property
    def token(self) -> str:
        """The device token of the path, as it was written."""
        path = next((value for name, value in self.headers if name == ":path"), "")
        return path.removeprefix(_PATH)


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer: ``reason`` is "" for 200. ``is_authenticated`` says that the credentials were good."""

    status: int
    id: str
    reason: str = ""
    timestamp: int | None = None
    retry_after_seconds: int | None = None
    is_authenticated: bool = False

    @property
    def body(self) -> bytes:
        if not self.reason:
            return b""
        answer: dict[str, Any] = {"reason": self.reason}
        if self.timestamp is not None:
            answer["timestamp"] = self.timestamp
        return json.dumps(answer).encode()


class _Wrong(Exception):
    def __init__(self, reason: str, *, timestamp: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.timestamp = reason, timestamp


class Judge:
    """Decides about requests of one environment and lets the good ones reach their phones."""

    def __init__(
        self, phones: Phones, tokens: ProviderTokenCheck, *, topics: Sequence[str], environment: Environment
    ) -> None:
        self._phones, self._tokens = phones, tokens
        self._topics = frozenset(topics)
        self._environment = environment

    def judge(self, request: Request) -> Reply:
        """The answer to a request."""
        names = [name for name, _ in request.headers]
        headers = dict(request.headers)
        apns_id = headers.get("apns-id", "")
        is_authenticated = False
        try:
            _check_target(headers, len(names) - len(set(names)))
            self._check_credentials(headers, request.certificate_bundle)
            is_authenticated = True
            push_type, bundle = self._check_headers(headers, request.certificate_bundle)
            payload = _read_payload(request.body, push_type, headers)
            phone = self._find(request.token, bundle, push_type)
        except _Wrong as wrong:
            status = STATUS.get(wrong.reason, 400)
            return Reply(
                status=status,
                id=apns_id if _ID.fullmatch(apns_id) else str(uuid.uuid4()),
                reason=wrong.reason,
                timestamp=wrong.timestamp,
                is_authenticated=is_authenticated,
            )
        apns_id = apns_id or str(uuid.uuid4())
        shown = _shown_fields(payload) | {"collapse_id": headers.get("apns-collapse-id", "")}
        self._phones.show(phone, id=apns_id, push_type=push_type, **shown)
        return Reply(status=200, id=apns_id, is_authenticated=True)

    def _check_credentials(self, headers: dict[str, str], certificate_bundle: str) -> None:
        authorization = headers.get("authorization", "")
        if authorization:
            if reason := self._tokens.check(authorization):
                raise _Wrong(reason)
        elif not certificate_bundle:
            raise _Wrong("MissingProviderToken")

    def _check_headers(self, headers: dict[str, str], certificate_bundle: str) -> tuple[str, str]:
        if "apns-id" in headers and not _ID.fullmatch(headers["apns-id"].lower()):
            raise _Wrong("BadMessageId")
        if not headers.get("apns-expiration", "0").isdigit():
            raise _Wrong("BadExpirationDate")
        if headers.get("apns-priority", "10") not in ("10", "5", "1"):
            raise _Wrong("BadPriority")
        if len(headers.get("apns-collapse-id", "").encode()) > 64:
            raise _Wrong("BadCollapseId")
        push_type = headers.get("apns-push-type", "")
        if push_type not in PUSH_TYPES:
            raise _Wrong("InvalidPushType")
        return push_type, self._check_topic(headers.get("apns-topic", ""), push_type, certificate_bundle)

    def _check_topic(self, topic: str, push_type: str, certificate_bundle: str) -> str:
        if not topic:
            if certificate_bundle and not PUSH_TYPES[push_type]:
                return certificate_bundle
            raise _Wrong("MissingTopic")
        suffix = PUSH_TYPES[push_type]
        if not topic.endswith(suffix):
            raise _Wrong("BadTopic")
        bundle = topic.removesuffix(suffix) if suffix else topic
        if bundle not in self._topics or (certificate_bundle and bundle != certificate_bundle):
            raise _Wrong("TopicDisallowed")
        return bundle

    def _find(self, token: str, bundle: str, push_type: str) -> Phone:
        phone = self._phones.find(token.lower()) if _HEX.fullmatch(token) else None
        if phone is None or phone.environment != self._environment:
            raise _Wrong("BadDeviceToken")
        if phone.gone_since:
            raise _Wrong("Unregistered", timestamp=phone.gone_since)
        if phone.topic != bundle or (token.lower() == phone.voip_token) != (push_type == "voip"):
            raise _Wrong("DeviceTokenNotForTopic")
        return phone


def _shown_fields(payload: dict[str, Any]) -> dict[str, Any]:
    """What the phone shows of a payload."""
    aps = payload["aps"]
    alert = aps.get("alert", {})
    alert = {"body": alert} if isinstance(alert, str) else alert
    sound = aps.get("sound", "")
    return {
        "title": str(alert.get("title", "")),
        "body": str(alert.get("body", "")),
        "badge": aps.get("badge"),
        "sound": sound if isinstance(sound, str) else str(sound.get("name", "")),
        "thread": str(aps.get("thread-id", "")),
        "data": {key: value for key, value in payload.items() if key != "aps"},
    }


def _check_target(headers: dict[str, str], repeated: int) -> None:
    if headers.get(":method") != "POST":
        raise _Wrong("MethodNotAllowed")
    path = headers.get(":path", "")
    if not path.startswith(_PATH) or "/" in path.removeprefix(_PATH):
        raise _Wrong("BadPath")
    if path == _PATH:
        raise _Wrong("MissingDeviceToken")
    if repeated:
        raise _Wrong("DuplicateHeaders")


def _read_payload(body: bytes, push_type: str, headers: dict[str, str]) -> dict[str, Any]:
    if len(body) > LIMITS.get(push_type, LIMIT_BYTES):
        raise _Wrong("PayloadTooLarge")
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        raise _Wrong("PayloadEmpty") from None
    aps = payload.get("aps") if isinstance(payload, dict) else None
    if not isinstance(payload, dict) or not isinstance(aps, dict) or not isinstance(aps.get("alert", {}), dict | str):
        raise _Wrong("PayloadEmpty")
    if not isinstance(aps.get("badge", 0), int) or not isinstance(aps.get("sound", ""), str | dict):
        raise _Wrong("PayloadEmpty")
    _check_type(push_type, aps, headers.get("apns-priority", "10"))
    return payload


def _check_type(push_type: str, aps: dict[str, Any], priority: str) -> None:
    """The push type must say what the payload is; otherwise real devices drop it without a word."""
    is_visible = bool({"alert", "sound", "badge"} & aps.keys())
    if push_type == "background":
        if is_visible or aps.get("content-available") != 1:
            raise _Wrong("InvalidPushType")
        if priority != "5":
            raise _Wrong("BadPriority")
    if push_type == "alert" and not is_visible:
        raise _Wrong("InvalidPushType")
