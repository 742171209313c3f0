"""What vivo gets to read of one notification."""

import unicodedata
from typing import Any, Final

from balefire import Notification, NotificationRejected, encode_json, shorten, stable_number
from balefire_push_vivo.settings import Config

TITLE_WIDTH: Final = 40
CONTENT_WIDTH: Final = 100
SHORTEST_LIFE_SECONDS: Final = 60
LONGEST_LIFE_SECONDS: Final = 7 * 86_400
DATA_CHARACTERS: Final = 1024
SOUND_AND_VIBRATION: Final = 4
SILENT: Final = 1
OPENS_THE_APP: Final = 1
CLASSIFICATIONS: Final = {"operational": 0, "system": 1}


def build_message(note: Notification, config: Config) -> dict[str, Any]:
    """Everything but the target and the request id: equal for notifications that say the same.

    :raises NotificationRejected: it shows nothing, which vivo cannot do, or its data are too large.
    """
    if note.style == "data":
        raise NotificationRejected("vivo has no silent messages: everything is shown")
    data = encode_json(note.data).decode()
    if len(data) > DATA_CHARACTERS:
        raise NotificationRejected(f"the data of the notification have more than {DATA_CHARACTERS} characters")
    return {
        "title": shorten(note.title, lambda text: width(text) <= TITLE_WIDTH) or " ",
        "content": shorten(note.body, lambda text: width(text) <= CONTENT_WIDTH) or " ",
        "notifyType": SILENT if note.urgency == "bulk" else SOUND_AND_VIBRATION,
        "timeToLive": min(max(note.ttl_seconds, SHORTEST_LIFE_SECONDS), LONGEST_LIFE_SECONDS),
        "skipType": OPENS_THE_APP,
        "classification": CLASSIFICATIONS[config.classification],
        "category": note.category or config.category,
        "notifyId": stable_number(note.collapse_key or note.id),
        **({"clientCustomMap": {"data": data}} if note.data else {}),
    }


def width(text: str) -> int:
    """vivo counts a Chinese character as two Latin ones; what is neither counts as two, to be safe."""
    return sum(1 if character.isascii() or unicodedata.combining(character) else 2 for character in text)
