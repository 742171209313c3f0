"""What Huawei gets to read: the push type and the body of ``messages:send`` without the tokens."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from balefire import Notification, PushStyle, app_data, encode_json, fit_message, stable_number, stated
from balefire_push_harmony.settings import Config

PUSH_TYPES: Final[Mapping[PushStyle, str]] = {"alert": "0", "data": "6", "voip": "10"}
LIMIT_BYTES: Final = 4096
LONGEST_LIFE_SECONDS: Final = 15 * 86_400
LARGEST_BADGE: Final = 99
OPEN_APP, OPEN_ABILITY = 0, 1


def build_body(note: Notification, config: Config) -> dict[str, Any]:
    """The body, its texts cut to what Huawei takes.

    :raises NotificationRejected: the data alone is too large.
    """
    return fit_message(
        note,
        partial(_body, note, config),
        LIMIT_BYTES,
        longest_title=config.longest_title,
        longest_body=config.longest_body,
        needs_both=True,
    )


def _body(note: Notification, config: Config, title: str, body: str) -> dict[str, Any]:
    options = {"ttl": min(note.ttl_seconds, LONGEST_LIFE_SECONDS)} | stated(
        biTag=note.collapse_key, testMessage=True if config.is_test else None
    )
    if note.style == "alert":
        payload: dict[str, Any] = {"notification": _shown(note, config, title, body)}
    else:
        payload = {"extraData": encode_json(app_data(note, title, body)).decode()}
    return {"payload": payload, "pushOptions": options}


def _shown(note: Notification, config: Config, title: str, body: str) -> dict[str, Any]:
    action = OPEN_ABILITY if config.click_action else OPEN_APP
    click = stated(actionType=action, action=config.click_action, data=note.data or None)
    return {"clickAction": click} | stated(
        title=title,
        body=body,
        category=config.categories.get(note.category) or config.categories.get(note.urgency),
        notifyId=stable_number(note.collapse_key) if note.collapse_key else None,
        sound=note.sound if config.sounds else "",
        badge=None if note.badge is None else {"setNum": min(note.badge, LARGEST_BADGE)},
    )
