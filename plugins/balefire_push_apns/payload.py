"""What Apple gets to read: the JSON payload and the request headers of one notification."""

import hashlib
import json
import re
import uuid
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from balefire import Notification, NotificationRejected, TokenRejected, shorten

LIMIT_BYTES: Final = 4096
VOIP_LIMIT_BYTES: Final = 5120
COLLAPSE_ID_BYTES: Final = 64
STORED_AT_MOST_SECONDS: Final = 30 * 86_400

PUSH_TYPES: Final = {"alert": "alert", "data": "background", "voip": "voip"}
TOPIC_SUFFIXES: Final = {"alert": "", "data": "", "voip": ".voip"}

_TOKEN = re.compile(r"(?:[0-9a-f]{2}){8,100}")  # today 32 bytes, "variable" says Apple: no fixed length here
_PLAIN = re.compile(r"[\x21-\x7e]+")


def build_payload(note: Notification) -> bytes:
    """The JSON body, as long as Apple allows: the body is cut first, then the title, never the app's data.

    :raises NotificationRejected: the data alone is too large.
    """
    limit = VOIP_LIMIT_BYTES if note.style == "voip" else LIMIT_BYTES
    payload = _payload(note, note.title, note.body)
    if len(payload) <= limit:
        return payload
    body = shorten(note.body[: limit + 1], lambda text: len(_payload(note, note.title, text)) <= limit)
    if body or len(_payload(note, note.title, "")) <= limit:
        return _payload(note, note.title, body)
    title = shorten(note.title[: limit + 1], lambda text: len(_payload(note, text, "")) <= limit)
    payload = _payload(note, title, "")
    if len(payload) > limit:
        raise NotificationRejected(f"the data of the notification takes {len(payload)} bytes, apple allows {limit}")
    return payload


def build_headers(
    note: Notification, *, authority: str, topic: str, expires_at: int, authorization: str
) -> list[tuple[str, str]]:
    """The request headers. ``expires_at`` is in Unix seconds; ``authorization`` is "" when a certificate vouches.

    :raises TokenRejected: the token cannot be one of Apple's.
    """
    token = note.token.lower()
    if not _TOKEN.fullmatch(token):
        raise TokenRejected("not a device token: it must be hexadecimal")
    headers = [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", authority),
        (":path", f"/3/device/{token}"),
        ("apns-topic", topic + TOPIC_SUFFIXES[note.style]),
        ("apns-push-type", PUSH_TYPES[note.style]),
        ("apns-priority", "5" if note.style == "data" or note.urgency == "bulk" else "10"),
        ("apns-expiration", str(expires_at)),
        ("apns-id", _apns_id(note.id)),
        ("content-type", "application/json"),
    ]
    if authorization:
        headers.append(("authorization", f"bearer {authorization}"))
    if note.collapse_key:
        headers.append(("apns-collapse-id", _collapse_id(note.collapse_key)))
    return headers


def choose_topic(note: Notification, topics: Sequence[str]) -> str:
    """The bundle id to push to.

    :raises NotificationRejected: the device belongs to an app that is not configured.
    """
    if not note.app and topics:
        return topics[0]
    if note.app in topics:
        return note.app
    raise NotificationRejected(f"app {note.app!r} is not among plugins.push-apns.topics: {', '.join(topics)}")


def _payload(note: Notification, title: str, body: str) -> bytes:
    aps: dict[str, Any] = {}
    if note.style == "data":
        aps["content-available"] = 1
    else:
        if title or body:
            aps["alert"] = {key: text for key, text in (("title", title), ("body", body)) if text}
        optional = {"badge": note.badge, "sound": note.sound, "thread-id": note.thread, "category": note.category}
        aps |= {key: value for key, value in optional.items() if value is not None and value != ""}
    payload = {"aps": aps} | {key: value for key, value in note.data.items() if key != "aps"}
    try:
        return msgspec.json.encode(payload)
    except UnicodeEncodeError:  # half a surrogate pair is no text
        return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _apns_id(note_id: str) -> str:
    try:
        return str(uuid.UUID(note_id))
    except ValueError:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, note_id))


def _collapse_id(key: str) -> str:
    if len(key) <= COLLAPSE_ID_BYTES and _PLAIN.fullmatch(key):
        return key
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
