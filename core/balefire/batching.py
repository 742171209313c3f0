"""Merges look-ups: many single questions asked at about the same time become one question for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from itertools import islice
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Batcher(Generic[K, V]):
    """Loads values one batch at a time; a batch is whatever was asked for while the last one was being loaded.

    A question is never answered from a load that began before it was asked. Use it from one event loop.
    """

    def __init__(self, load: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], *, max_batch: int = 500) -> None:
        """:param load: gets 1 to ``max_batch`` different keys; keys it does not answer have no value."""
        self._load = load
        self._max_batch = max_batch
        self._wanted: dict[K, asyncio.Future[V | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """The value, or ``None`` if there is none. Raises what ``load`` raises."""
        answer = self._wanted.get(key)
        if answer is None:
            loop = asyncio.get_running_loop()
            answer = self._wanted[key] = loop.create_future()
            if self._task is None:
                self._task = loop.create_task(self._run())
        return await asyncio.shield(answer)  # others may be waiting for the same answer

    async def _run(self) -> None:
        while self._wanted:
            batch = {key: self._wanted.pop(key) for key in list(islice(self._wanted, self._max_batch))}
            try:
                found = await self._load(list(batch))
            except Exception as error:
                for answer in batch.values():
                    answer.set_exception(error)
                    answer.exception()  # whoever asked may have gone away; the error is not lost on the others
            else:
                for key, answer in batch.items():
                    answer.set_result(found.get(key))
        self._task = None
