"""Lists of notifications: what goes into one call, and whom a refusal of the whole concerns."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import TypeVar

from balefire_hookspecs import Notification, NotificationRejected, Outcome, PushError, TokenRejected

K = TypeVar("K", bound=Hashable)

SendMany = Callable[[Sequence[Notification]], Awaitable[Sequence[Outcome]]]


async def send_grouped(
    notes: Sequence[Notification],
    key: Callable[[Notification], K],
    send: Callable[[K, Sequence[Notification]], Awaitable[Sequence[Outcome]]],
    *,
    at_most: int,
    calls_at_once: int = 8,
) -> list[Outcome]:
    """Put what the vendor would be told in the same words into one call, and keep the order of the outcomes.

    :param key: what makes two notifications the same but for the token, such as the vendor's message in JSON. A
        notification for which it raises a ``PushError`` gets that outcome and is not sent.
    :param send: one call; returns one outcome per notification, or raises a ``PushError`` that concerns them all.
    :param at_most: notifications in one call.
    :param calls_at_once: how many calls are under way side by side.
    """
    outcomes: dict[int, Outcome] = {}
    groups: dict[K, list[int]] = {}
    for place, note in enumerate(notes):
        try:
            groups.setdefault(key(note), []).append(place)
        except PushError as error:
            outcomes[place] = Outcome.from_error(error)
    limit = asyncio.Semaphore(calls_at_once)

    async def call(words: K, places: Sequence[int]) -> None:
        async with limit:
            try:
                found = await send(words, [notes[place] for place in places])
            except PushError as error:
                found = [Outcome.from_error(error)] * len(places)
        outcomes.update(zip(places, found, strict=True))

    async with asyncio.TaskGroup() as calls:
        for words, places in groups.items():
            for start in range(0, len(places), at_most):
                calls.create_task(call(words, places[start : start + at_most]))
    return [outcomes[place] for place in range(len(notes))]


async def send_halving(notes: Sequence[Notification], send: SendMany) -> list[Outcome]:
    """Send a list to a vendor that refuses it as a whole when one notification is bad.

    A refusal that concerns single notifications (a bad field, a dead token) is answered by sending halves, until
    the guilty one is alone; everything else concerns them all.

    :param send: one call; returns one outcome per notification or raises a ``PushError``. Nothing of a list that was
        refused may have been sent.
    """
    try:
        return list(await send(notes))
    except (NotificationRejected, TokenRejected) as error:
        if len(notes) == 1:
            return [Outcome.from_error(error)]
    except PushError as error:
        return [Outcome.from_error(error)] * len(notes)
    middle = len(notes) // 2
    return [*await send_halving(notes[:middle], send), *await send_halving(notes[middle:], send)]
