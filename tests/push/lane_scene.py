"""A dispatcher with two made-up vendors on a database of its own, and a clock that stands until it is moved."""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from typing import Any

from tests.push.conftest import MovableClock
from tests.push.waiting import until

from balefire import Device, Notification, Outcome
from balefire.database import SqlDatabase
from balefire_push.badges import no_badges
from balefire_push.circuit import Circuit
from balefire_push.dispatching import Dispatcher
from balefire_push.hygiene import TokenHygiene
from balefire_push.lane import Lane, Surroundings
from balefire_push.outbox import Content, Job, Outbox, note_id
from balefire_push.settling import Settler


class Vendor:
    """Answers as told: what ``script`` returns or raises for a notification."""

    name = "semaphore"

    def __init__(self) -> None:
        self.sent: list[Notification] = []
        self.script: Callable[[Notification], BaseException | None] = lambda note: None
        self.now = self.most = 0

    async def send(self, note: Notification) -> str | None:
        self.sent.append(note)
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.now -= 1
        if (error := self.script(note)) is not None:
            raise error
        return f"v-{note.id}"


class ListVendor(Vendor):
    name = "heliograph"
    max_batch = 3

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    async def send_batch(self, notes: Sequence[Notification]) -> Sequence[Outcome]:
        self.batches.append(len(notes))
        self.sent += notes
        return [
            Outcome(kind="rejected", reason="odd") if "odd" in note.body else Outcome(kind="delivered")
            for note in notes
        ]


class RestingClock(MovableClock):
    """Its sleepers sleep until somebody moves the clock; ``until`` in the tests moves nothing by itself."""

    def __init__(self) -> None:
        super().__init__()
        self._moved = asyncio.Event()

    def move(self, seconds: float) -> None:
        super().move(seconds)
        self._moved.set()
        self._moved = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        end = self.monotonic() + seconds
        while self.monotonic() < end:
            moved = self._moved
            try:
                async with asyncio.timeout(max(0.001, end - self.monotonic())):
                    await moved.wait()
            except TimeoutError:
                return


class Forgetting:
    """The part of a message store that token hygiene uses."""

    def __init__(self) -> None:
        self.forgotten: list[tuple[str, int]] = []

    async def forget_token(self, vendor: str, token: str, *, registered_before: int) -> Device | None:
        self.forgotten.append((token, registered_before))
        return Device(user="carol", id="phone")


class Scene:
    def __init__(self, database: SqlDatabase) -> None:
        self.clock = RestingClock()
        self.outbox = Outbox(database, self.clock)
        self.vendors: dict[str, Any] = {"semaphore": Vendor(), "heliograph": ListVendor()}
        self.store = Forgetting()
        self.told: list[tuple[str, str, str]] = []
        self.around = Surroundings(
            clock=self.clock,
            log=logging.getLogger("tests.push"),
            outbox=self.outbox,
            settler=Settler(random.Random(7)),
            vendor=lambda name: self.vendors.get(name),
            devices=self._devices,
            badges=no_badges,
            read_among=self._read_among,
        )
        self.dispatcher = Dispatcher(self.around, self._lane)

    @property
    def vendor(self) -> Vendor:
        found: Vendor = self.vendors["semaphore"]
        return found

    def lane(self, vendor: str = "semaphore") -> Lane:
        return self.dispatcher.lane(vendor)

    async def queue(self, count: int = 1, *, vendor: str = "semaphore", first: int = 1, body: str = "tea?") -> None:
        now = self.clock.now_ms()
        await self.outbox.add(
            [
                Job(
                    note_id=note_id(number, "carol", f"phone-{number}"),
                    message_id=number,
                    user="carol",
                    device=f"phone-{number}",
                    vendor=vendor,
                    urgency="message",
                    content=Content(body=body if number % 2 == 0 else f"{body} odd"),
                    expires_at=now + 3_600_000,
                )
                for number in range(first, first + count)
            ]
        )
        self.dispatcher.wake([vendor])

    async def jobs(self, state: str, count: int, vendor: str = "semaphore") -> list[Job]:
        found: list[Job] = []

        async def enough() -> bool:
            found[:] = await self.outbox.page({"state": state, "vendor": vendor}, after=0, limit=1000)
            return len(found) >= count

        await until(enough)
        return found

    async def _devices(self, users: Sequence[str]) -> dict[str, list[Device]]:
        return {
            user: [
                Device(user=user, id=f"phone-{number}", vendor=vendor, token=f"secret-{number}")
                for number in range(1, 400)
                for vendor in ("semaphore",)
            ]
            + [
                Device(user=user, id=f"phone-{number}", vendor="heliograph", token=f"list-{number}")
                for number in range(1000, 1020)
            ]
            for user in users
        }

    async def _read_among(self, jobs: Sequence[Job]) -> Sequence[int]:
        return ()

    async def _tell(self, user: str, vendor: str, reason: str) -> None:
        self.told.append((user, vendor, reason))

    def _lane(self, vendor: str) -> Lane:
        hygiene = TokenHygiene(vendor, lambda: self.store, self._tell, self.clock)  # type: ignore[arg-type, return-value]  # a part of it
        return Lane(vendor, self.around, hygiene, Circuit(self.clock, 300.0), 50)


def failing(error: BaseException, *, times: int = 10_000) -> Callable[[Notification], BaseException | None]:
    left = [times]

    def script(note: Notification) -> BaseException | None:
        left[0] -= 1
        return error if left[0] >= 0 else None

    return script
