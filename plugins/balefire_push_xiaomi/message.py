"""What MiPush gets to read of one notification."""

from typing import Any, Final
from urllib.parse import quote_plus

from balefire import Notification, NotificationRejected, encode_json, shorten_units, stable_number
from balefire_push_xiaomi.settings import Config

TITLE_CHARACTERS: Final = 49
BODY_CHARACTERS: Final = 127
PAYLOAD_BYTES: Final = 4096
PUBLIC_LIFE_SECONDS: Final = 86_400
PRIVATE_LIFE_SECONDS: Final = 10 * 86_400
OPENS_THE_APP: Final = "1"


def build_message(note: Notification, config: Config) -> dict[str, Any]:
    """The ``message`` of one target.

    :raises NotificationRejected: it is for another app, or its data take more than Xiaomi allows.
    """
    if note.app and note.app != config.package:
        raise NotificationRejected(f"app {note.app!r} is not plugins.push-xiaomi.package")
    payload = encode_json(note.data | {"id": note.id}).decode()
    if len(quote_plus(payload)) > PAYLOAD_BYTES:
        raise NotificationRejected("the data of the notification take more than the 4096 bytes that xiaomi allows")
    is_private = bool(config.channel)
    message: dict[str, Any] = {
        "payload": payload,
        "restricted_package_name": config.package,
        "pass_through": 1 if note.style == "data" else 0,
        "time_to_live": min(note.ttl_seconds, PRIVATE_LIFE_SECONDS if is_private else PUBLIC_LIFE_SECONDS) * 1000,
        "extra": _extra(note, config),
    }
    if note.style != "data":
        message |= {
            "title": shorten_units(note.title, TITLE_CHARACTERS) or config.package,
            "description": shorten_units(note.body, BODY_CHARACTERS) or " ",
            "notify_type": -1,
            "notify_id": stable_number(note.collapse_key or note.id),
        }
    return message


def _extra(note: Notification, config: Config) -> dict[str, str]:
    optional = {
        "channel_id": note.category or config.channel,
        "template_id": config.template_id,
        "template_param": _template_values(note) if config.template_id else "",
        "notify_effect": OPENS_THE_APP if note.style != "data" else "",
        "jobkey": note.id.replace("-", "")[:20],
    }
    return {key: value for key, value in optional.items() if value}


def _template_values(note: Notification) -> str:
    """Approved templates name their variables as they like; ours are called title and body."""
    values = {"title": shorten_units(note.title, TITLE_CHARACTERS), "body": shorten_units(note.body, BODY_CHARACTERS)}
    return encode_json(values).decode()
