"""Lists: one outcome for each notification, in order, and nobody suffers for a neighbour."""

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from balefire import (
    Notification,
    NotificationRejected,
    Outcome,
    TokenRejected,
    TryLater,
    send_grouped,
    send_halving,
    split_outcomes,
)

TWO = ("abcd", "efgh")


def notes(*bodies: str) -> list[Notification]:
    return [Notification(id=str(place), token=f"t{place}", body=body) for place, body in enumerate(bodies)]


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=40), st.integers(1, 7))
def test_the_same_words_share_a_call_and_outcomes_keep_their_order(bodies: list[str], at_most: int) -> None:
    calls: list[tuple[str, int]] = []

    async def send(words: str, found: Sequence[Notification]) -> list[Outcome]:
        calls.append((words, len(found)))
        assert {note.body for note in found} == {words}
        return [Outcome(kind="delivered", vendor_message_id=note.token) for note in found]

    given_notes = notes(*bodies)
    outcomes = asyncio.run(send_grouped(given_notes, lambda note: note.body, send, at_most=at_most))

    assert [outcome.vendor_message_id for outcome in outcomes] == [note.token for note in given_notes]
    assert all(size <= at_most for _, size in calls)
    assert len(calls) == sum(-(-bodies.count(word) // at_most) for word in set(bodies))


async def test_a_call_that_fails_concerns_its_own_notifications() -> None:
    async def send(words: str, found: Sequence[Notification]) -> list[Outcome]:
        if words == "b":
            raise TryLater("away", after_seconds=3)
        return [Outcome(kind="delivered")] * len(found)

    outcomes = await send_grouped(notes("a", "b", "a"), lambda note: note.body, send, at_most=10)

    assert [outcome.kind for outcome in outcomes] == ["delivered", "retry", "delivered"]
    assert outcomes[1].after_seconds == 3


async def test_one_that_cannot_be_worded_is_not_sent() -> None:
    def key(note: Notification) -> str:
        if note.body == "b":
            raise NotificationRejected("too large")
        return note.body

    async def send(words: str, found: Sequence[Notification]) -> list[Outcome]:
        return [Outcome(kind="delivered")] * len(found)

    outcomes = await send_grouped(notes("a", "b"), key, send, at_most=10)

    assert [outcome.kind for outcome in outcomes] == ["delivered", "rejected"]


async def test_no_more_calls_than_allowed_are_under_way() -> None:
    under_way = most = 0

    async def send(words: str, found: Sequence[Notification]) -> list[Outcome]:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return [Outcome(kind="delivered")] * len(found)

    await send_grouped(notes(*map(str, range(20))), lambda note: note.body, send, at_most=10, calls_at_once=3)

    assert most == 3


@given(st.lists(st.sampled_from(["good", "bad", "dead"]), min_size=1, max_size=60))
def test_halving_finds_the_guilty_and_sends_the_rest_once(bodies: list[str]) -> None:
    sent: list[str] = []

    async def send(found: Sequence[Notification]) -> list[Outcome]:
        if any(note.body == "bad" for note in found):
            raise NotificationRejected("bad field")
        if any(note.body == "dead" for note in found):
            raise TokenRejected("gone")
        sent.extend(note.id for note in found)
        return [Outcome(kind="delivered")] * len(found)

    outcomes = asyncio.run(send_halving(notes(*bodies), send))

    kinds = {"good": "delivered", "bad": "rejected", "dead": "token_gone"}
    assert [outcome.kind for outcome in outcomes] == [kinds[body] for body in bodies]
    assert sent == [str(place) for place, body in enumerate(bodies) if body == "good"]


async def test_halving_stops_at_what_concerns_all() -> None:
    calls = 0

    async def send(found: Sequence[Notification]) -> list[Outcome]:
        nonlocal calls
        calls += 1
        raise TryLater("away")

    outcomes = await send_halving(notes("a", "b"), send)

    assert ([outcome.kind for outcome in outcomes], calls) == (["retry", "retry"], 1)


async def test_what_could_not_begin_in_time_is_for_the_next_attempt() -> None:
    async def send(words: str, found: Sequence[Notification]) -> list[Outcome]:
        for _ in range(10):
            await asyncio.sleep(0)
        return [Outcome(kind="delivered")] * len(found)

    outcomes = await send_grouped(
        notes("a", "b"), lambda note: note.body, send, at_most=10, calls_at_once=1, begin_within_seconds=0
    )

    assert [(outcome.kind, outcome.after_seconds) for outcome in outcomes] == [("delivered", None), ("rate_limited", 1)]


async def test_a_bound_can_hold_over_all_batches() -> None:
    under_way: list[int] = [0]
    most: list[int] = []

    async def send(words: str, found: Sequence[Notification]) -> list[Outcome]:
        under_way[0] += 1
        most.append(under_way[0])
        await asyncio.sleep(0)
        under_way[0] -= 1
        return [Outcome(kind="delivered")] * len(found)

    bound = asyncio.Semaphore(2)
    found = await asyncio.gather(
        *(send_grouped(notes(*words), lambda note: note.body, send, at_most=1, calls_at_once=bound) for words in TWO)
    )

    assert [len(outcomes) for outcomes in found] == [4, 4]
    assert max(most) == 2


def test_tokens_that_were_refused_are_told_from_those_that_were_taken() -> None:
    outcomes = split_outcomes(notes("a", "b", "c"), {"t1": TokenRejected("gone")}, "request-7")

    assert [outcome.kind for outcome in outcomes] == ["delivered", "token_gone", "delivered"]
    assert [outcome.vendor_message_id for outcome in outcomes] == ["request-7", "", "request-7"]
