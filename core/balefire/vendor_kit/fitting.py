"""Makes a notification's texts short enough for the vendor's limit on the whole body."""

from collections.abc import Callable
from typing import TypeVar

from balefire.shorten import shorten
from balefire.vendor_kit.http import encode_json
from balefire_hookspecs import Notification, NotificationRejected

B = TypeVar("B")


def fit_texts(title: str, body: str, size: Callable[[str, str], int], limit: int) -> tuple[str, str]:
    """Title and body, cut so that everything together fits: the body first, then the title, never the app's data.

    :param size: how large the whole is with this title and this body, in the vendor's unit. It must not shrink when
        a text grows.
    :param limit: how large it may be.
    :raises NotificationRejected: it is too large even without any text.
    """
    if size(title, body) <= limit:
        return title, body
    if size("", "") > limit:
        raise NotificationRejected(f"the data of the notification is too large: the vendor takes {limit} in all")
    shorter = shorten(body[: limit + 1], lambda text: size(title, text) <= limit)
    if shorter or size(title, "") <= limit:
        return title, shorter
    return shorten(title[: limit + 1], lambda text: size(text, "") <= limit), ""


def fit_message(
    note: Notification,
    build: Callable[[str, str], B],
    limit_bytes: int,
    *,
    longest_title: int | None = None,
    longest_body: int | None = None,
    needs_both: bool = False,
) -> B:
    """What ``build`` makes of the texts, cut so that its JSON has at most ``limit_bytes``.

    :param build: the message with this title and this body, JSON-shaped and without what the vendor does not count.
    :param longest_title: in characters, if the vendor limits it; where vendors do not say which, UTF-16 code units,
        the larger count, are safe. ``longest_body`` likewise.
    :param needs_both: the vendor takes no empty title or body: the one stands in for the other.
    :raises NotificationRejected: the data alone is too large.
    """
    title, body = note.title, note.body
    if needs_both:
        title, body = title or body, body or title
    title, body = shorten_units(title, longest_title), shorten_units(body, longest_body)
    return build(*fit_texts(title, body, lambda title, body: len(encode_json(build(title, body))), limit_bytes))


def shorten_units(text: str, longest: int | None) -> str:
    """``shorten`` to so many UTF-16 code units, as Java and JavaScript count; ``None`` for any length."""
    if longest is None:
        return text
    most = longest
    return shorten(text[: most + 1], lambda part: len(part.encode("utf-16-le", "surrogatepass")) <= 2 * most)
