"""The cache that kinds answer the message path from."""

import asyncio

from tests.kinds.memory import cache

from balefire import LoadingCache
from balefire.testing import TestClock


async def test_a_value_is_loaded_once_and_then_known_at_once() -> None:
    values = {"a": 1}
    known = cache(values)

    assert known.peek("a") is None
    assert await known.fetch("a") == 1
    values["a"] = 2

    assert known.peek("a") == 1
    assert await known.fetch("a") == 1


async def test_what_was_forgotten_is_loaded_again() -> None:
    values = {"a": 1}
    known = cache(values)
    await known.fetch("a")
    values["a"] = 2

    known.forget("a")

    assert known.peek("a") is None
    assert await known.fetch("a") == 2


async def test_what_does_not_exist_is_asked_for_every_time() -> None:
    values: dict[str, int] = {}
    known = cache(values)

    assert await known.fetch("a") is None
    values["a"] = 1

    assert await known.fetch("a") == 1


async def test_a_value_that_changes_while_it_is_loaded_is_never_remembered_stale() -> None:
    values = {"a": 1}
    may_answer = asyncio.Event()

    async def load(key: str) -> int:
        found = values[key]
        await may_answer.wait()
        return found

    known = LoadingCache(load, TestClock())
    reading = asyncio.create_task(known.fetch("a"))
    await asyncio.sleep(0)
    values["a"] = 2
    known.forget("a")
    may_answer.set()

    assert await reading == 2
    assert known.peek("a") == 2


async def test_values_that_may_change_unasked_are_trusted_for_a_while_only() -> None:
    clock = TestClock()
    values = {"a": 1}
    known = cache(values, clock, max_age_seconds=30)
    await known.fetch("a")
    values["a"] = 2

    await clock.advance(29)
    assert known.peek("a") == 1
    await clock.advance(2)

    assert known.peek("a") is None
    assert await known.fetch("a") == 2


async def test_the_oldest_value_makes_room_when_the_cache_is_full() -> None:
    known = cache({"a": 1, "b": 2, "c": 3}, max_entries=2)

    for key in ("a", "b", "c"):
        await known.fetch(key)

    assert known.peek("a") is None
    assert (known.peek("b"), known.peek("c")) == (2, 3)
