"""What Honor gets to read: the body of ``sendMessage`` without the tokens."""

from functools import partial
from typing import Any, Final

from balefire import Notification, app_data, encode_json, fill_intent, fit_message, stable_number, stated
from balefire_push_honor.settings import Config

LIMIT_BYTES: Final = 4096
LONGEST_LIFE_SECONDS: Final = 15 * 86_400
LARGEST_BADGE: Final = 99
OPEN_INTENT, OPEN_APP = 1, 3


def build_body(note: Notification, config: Config) -> dict[str, Any]:
    """The body, its texts cut to what Honor takes.

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
    is_shown = note.style == "alert"
    has_data = not is_shown or (note.data and not config.click_intent)
    android = stated(
        ttl=f"{min(note.ttl_seconds, LONGEST_LIFE_SECONDS)}s",
        biTag=note.collapse_key,
        category=config.category,
        targetUserType=1 if config.is_test else None,
        notification=_shown(note, config, title, body) if is_shown else None,
    )
    return {"android": android} | stated(
        data=encode_json(app_data(note, title, body)).decode() if has_data else None,
    )


def _shown(note: Notification, config: Config, title: str, body: str) -> dict[str, Any]:
    badge = None
    if config.badge_class and note.badge is not None:
        badge = {"setNum": min(note.badge, LARGEST_BADGE), "badgeClass": config.badge_class}
    intent = fill_intent(config.click_intent, note.data)
    return stated(
        title=title,
        body=body,
        clickAction={"type": OPEN_INTENT, "intent": intent} if intent else {"type": OPEN_APP},
        importance="LOW" if note.urgency == "bulk" else "NORMAL",  # Honor's classification
        notifyId=stable_number(note.collapse_key) if note.collapse_key else None,
        badge=badge,
    )
