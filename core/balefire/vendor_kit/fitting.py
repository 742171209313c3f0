"""Makes a notification's texts short enough for the vendor's limit on the whole body."""

from collections.abc import Callable

from balefire.shorten import shorten
from balefire_hookspecs import NotificationRejected


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
