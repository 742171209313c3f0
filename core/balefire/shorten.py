"""Cuts texts to a vendor's limit without cutting through what a reader takes for one character."""

import unicodedata
from collections.abc import Callable
from typing import Final

ELLIPSIS: Final = "…"
ZERO_WIDTH_JOINER: Final = "\u200d"
LONGEST: Final = 64


def shorten(text: str, fits: Callable[[str], bool]) -> str:
    """The longest beginning of ``text`` that fits, with an ellipsis if something was left out.

    Never ends within an emoji sequence (skin tones, joined families, flags, keycaps), between a letter and its
    accents, or within a surrogate pair.

    :param fits: whether a text is short enough, by whatever the vendor counts: bytes, characters, width. It must
        accept every beginning of a text that it accepts. Called about log2(len(text)) times.
    :returns: ``text`` itself if it fits; "" if nothing does.
    """
    if fits(text):
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if fits(_beginning(text, middle)):
            low = middle
        else:
            high = middle - 1
    shortened = _beginning(text, low)
    return shortened if shortened != ELLIPSIS and fits(shortened) else ""


def _beginning(text: str, length: int) -> str:
    return text[: _border(text, length)].rstrip() + ELLIPSIS


def _border(text: str, cut: int) -> int:
    """The last place at or before ``cut`` where one character ends and another begins.

    Nothing that is read as one character is longer than ``LONGEST``; what is joined for longer is cut where it is.
    """
    for place in range(cut, max(cut - LONGEST, 0), -1):
        if place >= len(text) or not _is_joined(text, place):
            return place
    return cut if cut > LONGEST else 0


def _is_joined(text: str, cut: int) -> bool:
    before, after = text[cut - 1], text[cut]
    if after == ZERO_WIDTH_JOINER or before == ZERO_WIDTH_JOINER or _extends(after):
        return True
    if "\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff":
        return True
    return _is_flag_letter(before) and _is_flag_letter(after) and _flag_letters_before(text, cut) % 2 == 1


def _extends(character: str) -> bool:
    """Variation selectors, combining marks, skin tones and tag characters belong to what stands before them."""
    return (
        unicodedata.category(character) in ("Mn", "Me", "Mc")
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
    )


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flag_letters_before(text: str, cut: int) -> int:
    """Flags are pairs, so where one begins depends on the whole run of letters."""
    count = 0
    while count < cut and _is_flag_letter(text[cut - 1 - count]):
        count += 1
    return count
