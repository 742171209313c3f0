"""What Getui gets to read of one notification."""

import uuid
from typing import Any, Final

from balefire import Notification, NotificationRejected, encode_json, shorten_units, stable_number, stated
from balefire_push_getui.settings import Config

TITLE_CHARACTERS: Final = 50
BODY_CHARACTERS: Final = 256
SILENT_BYTES: Final = 3072
LONGEST_LIFE_MS: Final = 3 * 86_400_000
LOUD: Final = 4
QUIET: Final = 1


def build_message(note: Notification, config: Config) -> dict[str, Any]:
    """One entry of ``msg_list``.

    :raises NotificationRejected: its data are too large.
    """
    payload = encode_json(note.data).decode()
    if len(payload.encode()) > SILENT_BYTES:
        raise NotificationRejected(f"the data of the notification take more than {SILENT_BYTES} bytes")
    title = shorten_units(note.title, TITLE_CHARACTERS) or " "
    body = shorten_units(note.body, BODY_CHARACTERS) or " "
    message = {"transmission": payload} if note.style == "data" else _shown(note, title, body, payload, config)
    return {
        "request_id": uuid.uuid5(uuid.NAMESPACE_OID, note.id).hex,
        "settings": {"ttl": min(note.ttl_seconds * 1000, LONGEST_LIFE_MS), "strategy": {"default": config.strategy}},
        "audience": {"cid": [note.token]},
        "push_message": message,
        "push_channel": {"ios": _apple(note, title, body, payload)},
    }


def _shown(note: Notification, title: str, body: str, payload: str, config: Config) -> dict[str, Any]:
    return {
        "notification": {
            "title": title,
            "body": body,
            "click_type": "payload",
            "payload": payload,
            "channel_level": QUIET if note.urgency == "bulk" else LOUD,
            "notify_id": stable_number(note.collapse_key or note.id),
            **stated(channel_id=note.category or config.channel, thread_id=note.thread),
        }
    }


def _apple(note: Notification, title: str, body: str, payload: str) -> dict[str, Any]:
    """Getui hands this on to Apple."""
    if note.style == "data":
        return {"type": "notify", "aps": {"content-available": 1}, "payload": payload}
    aps = {"alert": {"title": title, "body": body}, **stated(sound=note.sound)}
    kind = "voip" if note.style == "voip" else "notify"
    badge = {} if note.badge is None else {"auto_badge": str(note.badge)}
    return {"type": kind, "aps": aps, "payload": payload, **badge, **stated(**{"apns-collapse-id": note.collapse_key})}
