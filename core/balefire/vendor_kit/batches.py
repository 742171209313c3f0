"""Lists of notifications: what goes into one call, and whom a refusal of the whole concerns."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from balefire_hookspecs import Notification, NotificationRejected, Outcome, PushError, RateLimited, TokenRejected

K = TypeVar("K", bound=Hashable)
M = TypeVar("M")

BEGIN_WITHIN_SECONDS: Final = 5.0  # the hub waits 15 seconds for a batch, and a call may take ten

SendMany = Callable[[Sequence[Notification]], Awaitable[Sequence[Outcome]]]


async def send_grouped(
    notes: Sequence[Notification],
    key: Callable[[Notification], K],
    send: Callable[[K, Sequence[Notification]], Awaitable[Sequence[Outcome]]],
    *,
    at_most: int,
    calls_at_once: int | asyncio.Semaphore = 8,
    begin_within_seconds: float = BEGIN_WITHIN_SECONDS,
) -> list[Outcome]:
    """Put what the vendor would be told in the same words into one call, and keep the order of the outcomes.

    :param key: what makes two notifications the same but for the token, such as the vendor's message in JSON. A
        notification for which it raises a ``PushError`` gets that outcome and is not sent.
    :param send: one call; returns one outcome per notification, or raises a ``PushError`` that concerns them all.
    :param at_most: notifications in one call.
    :param calls_at_once: how many calls are under way side by side; a semaphore bounds those of all batches.
    :param begin_within_seconds: a call that has not begun by then is for the next attempt, and the lane goes slower:
        otherwise a slow vendor would make the hub repeat the calls that went well.
    """
    outcomes: dict[int, Outcome] = {}
    groups: dict[K, list[int]] = {}
    for place, note in enumerate(notes):
        try:
            groups.setdefault(key(note), []).append(place)
        except PushError as error:
            outcomes[place] = Outcome.from_error(error)
    limit = asyncio.Semaphore(calls_at_once) if isinstance(calls_at_once, int) else calls_at_once
    begin_until = asyncio.get_running_loop().time() + begin_within_seconds

    async def call(words: K, places: Sequence[int]) -> None:
        try:
            async with _turn(limit, begin_until):
                found = await send(words, [notes[place] for place in places])
        except PushError as error:
            found = [Outcome.from_error(error)] * len(places)
        outcomes.update(zip(places, found, strict=True))

    async with asyncio.TaskGroup() as calls:
        for words, places in groups.items():
            for start in range(0, len(places), at_most):
                calls.create_task(call(words, places[start : start + at_most]))
    return [outcomes[place] for place in range(len(notes))]


@asynccontextmanager
async def _turn(limit: asyncio.Semaphore, until: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout_at(until):
            await limit.acquire()
    except TimeoutError:
        raise RateLimited("the vendor is slow: this notification's turn did not come", after_seconds=1) from None
    try:
        yield
    finally:
        limit.release()


def split_outcomes(
    notes: Sequence[Notification], refused: Mapping[str, PushError], message_id: str = ""
) -> list[Outcome]:
    """One outcome per notification of a call of which the vendor took everything but some tokens.

    :param refused: what is wrong with these tokens.
    :param message_id: the vendor's id of the call.
    """
    taken = Outcome(kind="delivered", vendor_message_id=message_id)
    return [Outcome.from_error(refused[note.token]) if note.token in refused else taken for note in notes]


async def send_worded(
    notes: Sequence[Notification],
    word: Callable[[Notification], M],
    send: Callable[[Sequence[Notification], Mapping[str, M]], Awaitable[Sequence[Outcome]]],
) -> list[Outcome]:
    """Word every notification for a vendor that takes lists of different texts, and send those that can be worded.

    :param word: the vendor's message; a ``PushError`` it raises becomes the outcome of that notification.
    :param send: sends a list, never an empty one; gets the messages by the id of their notification.
    """
    outcomes: dict[int, Outcome] = {}
    messages: dict[str, M] = {}
    worded: list[int] = []
    for place, note in enumerate(notes):
        try:
            messages[note.id] = word(note)
            worded.append(place)
        except PushError as error:
            outcomes[place] = Outcome.from_error(error)
    if worded:
        sent = await send([notes[place] for place in worded], messages)
        outcomes.update(zip(worded, sent, strict=True))
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
