"""Templates take turns, so that a slow one holds up nobody but its own hook."""

import asyncio
import threading
from collections import Counter
from typing import ClassVar

from balefire_incoming_hooks.rendering import Occasion, Templates
from balefire_incoming_hooks.turns import AT_ONCE, Turns


class Waiting(Templates):
    """Renders when the test says so, and counts how many render at the same time."""

    gate = threading.Event()
    counting = threading.Lock()
    now: ClassVar[Counter[str]] = Counter()
    most: ClassVar[Counter[str]] = Counter()

    def render(self, occasion: Occasion, *, seconds: float = 1.0) -> str:
        self._count(1)
        self.gate.wait()
        self._count(-1)
        return self.otherwise

    def _count(self, change: int) -> None:
        with self.counting:
            for whose in (self.otherwise, "all"):
                self.now[whose] += change
                self.most[whose] = max(self.most[whose], self.now[whose])


async def test_a_hook_with_slow_templates_keeps_no_other_waiting() -> None:
    turns, slow = Turns(), Waiting("slow")
    held_up = [asyncio.create_task(turns.render("slow", slow, Occasion({}))) for _ in range(50)]

    while slow.now["slow"] == 0:
        await asyncio.sleep(0)
    quick = [await turns.render("quick", Templates("{{ n }}"), Occasion({"n": number})) for number in range(3)]
    others = [asyncio.create_task(turns.render(str(n), Waiting(str(n)), Occasion({}))) for n in range(4)]
    slow.gate.set()

    assert quick == ["0", "1", "2"]
    assert await asyncio.gather(*held_up) == ["slow"] * 50
    assert await asyncio.gather(*others) == ["0", "1", "2", "3"]
    assert slow.most["slow"] == 1
    assert slow.most["all"] <= AT_ONCE
