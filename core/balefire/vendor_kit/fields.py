"""Parts that the messages of many vendors are made of."""

import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from balefire.vendor_kit.http import encode_json
from balefire_hookspecs import Notification


def app_data(note: Notification, title: str, body: str) -> dict[str, Any]:
    """What the app itself gets: the data and, since it draws calls itself, a call's words."""
    return note.data | {"title": title, "body": body, "push": "call"} if note.style == "voip" else note.data


def stable_number(key: str) -> int:
    """A positive 31-bit number, always the same for the same key: for vendors whose replace keys are integers."""
    return zlib.crc32(key.encode("utf-8", "replace")) & 0x7FFF_FFFF or 1


def stated(**fields: Any) -> dict[str, Any]:
    """The fields that say something: those that are neither ``None`` nor ``""``."""
    return {name: value for name, value in fields.items() if value is not None and value != ""}


def fill_intent(template: str, data: Mapping[str, Any]) -> str:
    """An Android intent URI in which ``{data}`` is the app's data: JSON, quoted for a URI."""
    return template.replace("{data}", quote(encode_json(data), safe=""))
