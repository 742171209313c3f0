"""What Google gets to read: the ``message`` of HTTP v1 for one notification."""

import json
from typing import Any, Final

from balefire import Notification, app_data, fit_message, stated

LIMIT_BYTES: Final = 4096
LONGEST_LIFE_SECONDS: Final = 28 * 86_400
RESERVED: Final = frozenset({"from", "message_type"})
RESERVED_BEGINNINGS: Final = ("google.", "gcm.")


def build_message(note: Notification, channel: str) -> dict[str, Any]:
    """The message, its texts cut to what fits into 4096 bytes.

    :raises NotificationRejected: the data alone is too large.
    """
    message = fit_message(note, lambda title, body: _message(note, title, body, channel), LIMIT_BYTES)
    return {"token": note.token, **message}


def _message(note: Notification, title: str, body: str, channel: str) -> dict[str, Any]:
    is_shown = note.style == "alert"
    data = _strings(app_data(note, title, body))
    android: dict[str, Any] = {
        # Google slows senders down whose urgent messages show nothing, so silent data goes at its leisure.
        "priority": "HIGH" if note.urgency != "bulk" and note.style != "data" else "NORMAL",
        "ttl": f"{min(note.ttl_seconds, LONGEST_LIFE_SECONDS)}s",
    }
    message: dict[str, Any] = {"android": android}
    if is_shown:
        message["notification"] = {key: text for key, text in (("title", title), ("body", body)) if text}
        android["notification"] = _shown(note, channel)
    if data:
        message["data"] = data
    return message


def _shown(note: Notification, channel: str) -> dict[str, Any]:
    return stated(
        tag=note.collapse_key,
        sound=note.sound,
        channel_id=note.category or channel,
        notification_count=note.badge,
    )


def _strings(data: dict[str, Any]) -> dict[str, str]:
    """FCM's data are strings, and some names are Google's own."""
    return {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        for key, value in data.items()
        if key not in RESERVED and not key.startswith(RESERVED_BEGINNINGS)
    }
