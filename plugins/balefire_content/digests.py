"""One line of text that stands for a message: in a conversation list, on a lock screen."""

from collections.abc import Mapping
from typing import Any, Final

from balefire import shorten

MAX_CHARACTERS: Final = 200
LISTED_USERS: Final = 3

_DIRECTION_MARKS: Final = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
"""Explicit direction changes are taken out: they can make ``gpj.exe`` look like a picture."""


def one_line(text: str, limit: int = MAX_CHARACTERS) -> str:
    """The text on one line of at most ``limit`` characters, never ending in half an emoji."""
    line = " ".join(text.translate(_DIRECTION_MARKS).split()).encode("utf-8", "replace").decode()
    beginning = line[: limit + 1]  # enough to see that it is too long, and quick to shorten
    return shorten(beginning, lambda text: len(text) <= limit)


def fill(template: str, fields: Mapping[str, Any], language: str) -> str:
    """Put fields into a template of ours such as ``[文件] {name}``; fields that are missing leave nothing behind."""
    words = {key: _spoken(value, language) for key, value in fields.items()}
    return one_line(template.format_map(_Forgiving(words)))


class _Forgiving(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


def _spoken(value: object, language: str) -> str:
    if not isinstance(value, list):
        return str(value)
    named = [str(item) for item in value[:LISTED_USERS]]
    if language.startswith("zh"):
        return "、".join(named) + (f" 等 {len(value)} 人" if len(value) > LISTED_USERS else "")
    return ", ".join(named) + (f" and {len(value) - LISTED_USERS} more" if len(value) > LISTED_USERS else "")
