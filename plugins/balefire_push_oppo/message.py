"""What OPPO gets to read of one notification."""

from typing import Any, Final

from balefire import Notification, NotificationRejected, encode_json, shorten_units, stable_number
from balefire_push_oppo.settings import Config

TITLE_CHARACTERS: Final = 50
BODY_CHARACTERS: Final = 50
LONG_BODY_CHARACTERS: Final = 128
STANDARD: Final = 1
LONG_TEXT: Final = 2
REGISTRATION_ID: Final = 2
STARTS_THE_APP: Final = 0
SETS_THE_BADGE: Final = 0
LIFE_SECONDS: Final = 3 * 86_400  # older consoles allow no more
PARAMETER_CHARACTERS: Final = 4000


def build_message(note: Notification, config: Config) -> dict[str, Any]:
    """One entry of ``messages``.

    :raises NotificationRejected: it shows nothing, which OPPO cannot do, or its data are too large.
    """
    if note.style == "data":
        raise NotificationRejected("oppo has no silent messages: everything is shown")
    parameters = encode_json(note.data).decode()
    if len(parameters) > PARAMETER_CHARACTERS:
        raise NotificationRejected(f"the data of the notification have more than {PARAMETER_CHARACTERS} characters")
    short = shorten_units(note.body, BODY_CHARACTERS)
    is_long = short != note.body
    optional: dict[str, Any] = {
        "action_parameters": parameters if note.data else "",
        "channel_id": config.channel,
        "category": note.category or config.category,
        "notify_level": config.notify_level,
    }
    if note.badge is not None:
        optional |= {"badge_operation_type": SETS_THE_BADGE, "badge_message_count": note.badge}
    notification = {
        "app_message_id": note.id,
        "style": LONG_TEXT if is_long else STANDARD,
        "title": shorten_units(note.title, TITLE_CHARACTERS) or " ",
        "content": (shorten_units(note.body, LONG_BODY_CHARACTERS) if is_long else short) or " ",
        "click_action_type": STARTS_THE_APP,
        "off_line": True,
        "off_line_ttl": min(note.ttl_seconds, LIFE_SECONDS),
        "notify_id": stable_number(note.collapse_key or note.id),
    }
    notification |= {key: value for key, value in optional.items() if value not in (None, "")}
    return {"target_type": REGISTRATION_ID, "target_value": note.token, "notification": notification}
