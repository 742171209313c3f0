"""Filters for templates that speak of events: they take whatever a payload holds, absent values included."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2.runtime import Undefined

from balefire import shorten
from balefire_incoming_hooks.allowance import MAX_SIZE, TemplateError

# -- values as text ----------------------------------------------------------------------------------------------------


def shown(value: Any) -> Any:
    """How a value appears in a message: absent ones as nothing, everything that is no text as JSON."""
    return value if isinstance(value, str) else text_of(value)


def text_of(value: Any) -> str:
    """A value as text; ``null`` and absent ones are empty."""
    if value is None or isinstance(value, Undefined) or callable(value):
        return ""
    return value if isinstance(value, str) else tojson(value)


def tojson(value: Any) -> str:
    """JSON on one line."""
    pieces, size = [], 0
    for piece in json.JSONEncoder(ensure_ascii=False, default=_nothing).iterencode(value):
        pieces.append(piece)
        size += len(piece)
        if size > MAX_SIZE:
            raise TemplateError(f"a value has more than {MAX_SIZE} characters as text")
    return "".join(pieces)


def concatenated(values: Iterable[Any]) -> str:
    """What ``~`` makes."""
    return _joined([text_of(value) for value in values], "")


def join(values: Any, separator: str = ", ", attribute: str | None = None) -> str:
    """The values, or one attribute of each, with the separator between them; empty ones are left out."""
    items = _listed(values)
    if attribute is not None:
        items = [item.get(attribute) if isinstance(item, Mapping) else None for item in items]
    return _joined([text for text in map(text_of, items) if text], separator)


# -- shorter and clearer -----------------------------------------------------------------------------------------------


def truncate(value: Any, length: int = 80, end: str = "…") -> str:
    """At most ``length`` characters (code points), on one line; no emoji sequence is cut in two."""
    text = " ".join(text_of(value).split())
    if len(text) <= length:
        return text
    room = length + 1 - max(1, len(end))
    return shorten(text, lambda cut: len(cut) <= room).removesuffix("…") + end


def first_line(value: Any, length: int = 120) -> str:
    """The first line that is not blank, shortened."""
    return truncate(next((line for line in text_of(value).splitlines() if line.strip()), ""), length)


def link(value: Any, address: Any = None) -> str:
    """``text (address)``; only the text when the address is absent or not http."""
    text, target = " ".join(text_of(value).split()), text_of(address).strip()
    if not re.fullmatch(r"https?://[^\s<>]+", target):
        return text
    return f"{text} ({target})" if text else target


def sha(value: Any, length: int = 7) -> str:
    """A commit's id as people write it: its first characters; nothing for the id of zeros that means "none"."""
    text = text_of(value)
    return text[:length] if text.strip("0") else ""


def branch(value: Any) -> str:
    """``refs/heads/main`` as people say it: ``main``."""
    return re.sub(r"^refs/(heads|tags|pull)/", "", text_of(value))


def words(value: Any) -> str:
    """``pull_request`` as words: ``pull request``."""
    return text_of(value).replace("_", " ")


def plural(count: Any, one: str, many: str = "") -> str:
    """``1 commit``, ``2 commits``; lists are counted."""
    number = len(_listed(count)) if not isinstance(count, (int, float)) else int(count)
    return f"{number} {one if number == 1 else many or one + 's'}"


def moment(value: Any, form: str = "%Y-%m-%d %H:%M", timezone: str = "UTC") -> str:
    """A time (ISO 8601, seconds or milliseconds since the epoch) in a time zone; what is no time is left as it is."""
    found = _moment(value)
    if found is None:
        return text_of(value)
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise TemplateError(f"{timezone!r} is no time zone; write it like Asia/Shanghai") from None
    return found.astimezone(zone).strftime(form[:64])


def replace(value: Any, old: str, new: str) -> str:
    """Every ``old`` replaced by ``new``."""
    text = text_of(value)
    if not old:
        return text
    if len(text) + text.count(old) * len(new) > MAX_SIZE:
        raise TemplateError(f"the replaced text has more than {MAX_SIZE} characters")
    return text.replace(old, new)


def total(values: Any, attribute: str | None = None) -> float:
    """The sum of the numbers among the values, or of one attribute of each."""
    items = _listed(values)
    if attribute is not None:
        items = [item.get(attribute) if isinstance(item, Mapping) else None for item in items]
    return sum(item for item in items if isinstance(item, (int, float)))


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "branch": branch,
    "capitalize": lambda value: text_of(value).capitalize(),
    "datetime": moment,
    "first_line": first_line,
    "join": join,
    "link": link,
    "lower": lambda value: text_of(value).lower(),
    "plural": plural,
    "replace": replace,
    "sha": sha,
    "string": text_of,
    "striptags": lambda value: re.sub(r"<[^<>]*>", "", text_of(value)),
    "sum": total,
    "title": lambda value: text_of(value).title(),
    "tojson": tojson,
    "trim": lambda value: text_of(value).strip(),
    "truncate": truncate,
    "upper": lambda value: text_of(value).upper(),
    "urlencode": lambda value: quote(text_of(value), safe=""),
    "words": words,
}


def _nothing(_value: Any) -> None:
    """What is no JSON is shown as ``null``."""


def _joined(texts: list[str], separator: str) -> str:
    if sum(map(len, texts)) + len(separator) * len(texts) > MAX_SIZE:
        raise TemplateError(f"the joined text has more than {MAX_SIZE} characters")
    return separator.join(texts)


def _listed(values: Any) -> list[Any]:
    if values is None or isinstance(values, Undefined):
        return []
    return [values] if isinstance(values, (str, int, float)) else list(values)


def _moment(value: Any) -> datetime | None:
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if abs(value) > 1e11 else value, UTC)
        found = datetime.fromisoformat(text_of(value))
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
