"""What Huawei gets to read: the body of ``messages:send`` without the tokens."""

from functools import partial
from typing import Any, Final

from balefire import Notification, app_data, encode_json, fill_intent, fit_message, stable_number, stated
from balefire_push_huawei.settings import Config

LIMIT_BYTES: Final = 4096
LONGEST_LIFE_SECONDS: Final = 15 * 86_400
LARGEST_BADGE: Final = 99
OPEN_INTENT, OPEN_APP = 1, 3


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
    android: dict[str, Any] = {"ttl": f"{min(note.ttl_seconds, LONGEST_LIFE_SECONDS)}s"} | stated(
        category=config.categories.get(note.category) or config.categories.get(note.urgency),
        bi_tag=note.collapse_key,
        target_user_type=1 if config.is_test else None,
    )
    message: dict[str, Any] = {"android": android}
    if note.style == "alert":
        android["notification"] = _shown(note, config, title, body)
    elif config.urgent_data:
        android["urgency"] = "HIGH"
    if note.style != "alert" or (note.data and not config.click_intent):
        message["data"] = encode_json(app_data(note, title, body)).decode()
    return {"message": message}


def _shown(note: Notification, config: Config, title: str, body: str) -> dict[str, Any]:
    click: dict[str, Any] = {"type": OPEN_APP}
    if config.click_intent:
        click = {"type": OPEN_INTENT, "intent": fill_intent(config.click_intent, note.data)}
    look: dict[str, Any] = {"title": title, "body": body, "click_action": click}
    if config.badge_class and note.badge is not None:
        look["badge"] = {"set_num": min(note.badge, LARGEST_BADGE), "class": config.badge_class}
    return look | stated(
        channel_id=config.channel,
        importance="LOW" if note.urgency == "bulk" else "NORMAL",
        notify_id=stable_number(note.collapse_key) if note.collapse_key else None,
        default_sound=True if note.sound == "default" else None,
        sound=f"/raw/{note.sound}" if note.sound not in ("", "default") else "",
    )
