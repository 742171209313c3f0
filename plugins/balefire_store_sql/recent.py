"""A bounded memory of what was used lately."""

from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A mapping that forgets: it holds about ``size`` to twice ``size`` of the entries used last.

    Two generations instead of a list in order of use: a hit in the young one costs one look-up and moves nothing.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        found = self._young.get(key)
        if found is None and (found := self._old.get(key)) is not None:
            self.put(key, found)
        return found

    def put(self, key: K, value: V) -> None:
        self.update(((key, value),))

    def update(self, entries: Mapping[K, V] | Iterable[tuple[K, V]]) -> None:
        self._young.update(entries)
        if len(self._young) >= self._size:
            self._old, self._young = self._young, {}

    def forget(self, key: K) -> None:
        self._young.pop(key, None)
        self._old.pop(key, None)

    def clear(self) -> None:
        self._young.clear()
        self._old.clear()
