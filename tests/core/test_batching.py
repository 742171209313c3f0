"""Batcher: single questions become batches."""

import asyncio
from collections.abc import Sequence

import pytest

from balefire import Batcher


class Library:
    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self, keys: Sequence[str]) -> dict[str, int]:
        self.asked.append(sorted(keys))
        await self.gate.wait()
        if "broken" in keys:
            raise OSError("the shelf fell over")
        return {key: len(key) for key in keys if key != "missing"}


async def test_questions_of_one_moment_are_asked_together_and_once() -> None:
    library = Library()
    batcher = Batcher(library.load)

    answers = await asyncio.gather(*(batcher.get(key) for key in ("a", "bb", "a", "missing")))

    assert answers == [1, 2, 1, None]
    assert library.asked == [["a", "bb", "missing"]]


async def test_a_question_is_not_answered_from_a_load_that_began_before_it() -> None:
    library = Library()
    library.gate.clear()
    batcher = Batcher(library.load)
    first = asyncio.create_task(batcher.get("a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    second = asyncio.create_task(batcher.get("a"))
    await asyncio.sleep(0)
    library.gate.set()

    assert (await first, await second) == (1, 1)
    assert library.asked == [["a"], ["a"]]


async def test_batches_have_a_limit() -> None:
    library = Library()
    batcher = Batcher(library.load, max_batch=3)

    await asyncio.gather(*(batcher.get(str(number)) for number in range(8)))

    assert [len(asked) for asked in library.asked] == [3, 3, 2]


async def test_a_failure_reaches_everyone_who_asked_and_nobody_after() -> None:
    library = Library()
    batcher = Batcher(library.load)

    failed = await asyncio.gather(batcher.get("broken"), batcher.get("a"), return_exceptions=True)

    assert [type(error) for error in failed] == [OSError, OSError]
    assert await batcher.get("a") == 1


async def test_someone_who_goes_away_does_not_take_the_answer_along() -> None:
    library = Library()
    library.gate.clear()
    batcher = Batcher(library.load)
    leaving = asyncio.create_task(batcher.get("a"))
    staying = asyncio.create_task(batcher.get("a"))
    await asyncio.sleep(0)

    leaving.cancel()
    library.gate.set()

    assert await staying == 1
    with pytest.raises(asyncio.CancelledError):
        await leaving
