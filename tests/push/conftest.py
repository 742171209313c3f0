"""A sandbox and an APNs vendor that points at it; a clock that tests move."""

import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from balefire import Notification
from balefire.database import SqlDatabase
from balefire.migrations import migrate
from balefire_push_apns.settings import AccountSource, Config
from balefire_push_apns.vendor import Apns
from balefire_push_sandbox.phones import Phone
from balefire_push_sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from tests.push.lane_scene import Scene

TOPIC = "com.example.app"


class MovableClock:
    """Real time plus what a test added; begins a minute after a slot of provider tokens began."""

    def __init__(self) -> None:
        self._offset = 981_667 * 1800 + 65 - time.time()

    def move(self, seconds: float) -> None:
        self._offset += seconds

    def now_ms(self) -> int:
        return int((time.time() + self._offset) * 1000)

    def monotonic(self) -> float:
        return time.monotonic() + self._offset

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here waits for the clock")


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def sandbox(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(tmp_path / "sandbox", clock, topics=[TOPIC, "com.example.other"])
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


@pytest.fixture
async def scene(tmp_path: Path) -> "AsyncIterator[Scene]":
    from tests.push.lane_scene import Scene  # which needs the clock from here

    database = SqlDatabase(f"sqlite:///{tmp_path / 'balefire.db'}", "normal")
    await database.open()
    await migrate(database, "push", "balefire_push.migrations")
    scene = Scene(database)
    await scene.dispatcher.start()
    yield scene
    await scene.dispatcher.stop()
    await database.close()


MakeVendor = Callable[..., Apns]


@pytest.fixture
async def make_vendor(sandbox: Sandbox, clock: MovableClock, tmp_path: Path) -> AsyncIterator[MakeVendor]:
    made: list[Apns] = []

    def make(**settings: Any) -> Apns:
        values = {"timeout_seconds": 5.0, **sandbox.account(), **settings}
        config = Config.model_validate({key: value for key, value in values.items() if value is not None})
        made.append(Apns(config, AccountSource(config, tmp_path), clock))
        return made[-1]

    yield make
    for vendor in made:
        vendor.close()


@pytest.fixture
def vendor(make_vendor: MakeVendor) -> Apns:
    return make_vendor()


@pytest.fixture
def phone(sandbox: Sandbox) -> Phone:
    return sandbox.make_phone(user="carol", name="Carol's phone")


def note_for(phone: Phone, number: int = 0, **fields: Any) -> Notification:
    values: dict[str, Any] = {"body": "tea?", "environment": phone.environment, "app": TOPIC, "token": phone.token}
    return Notification(id=f"00000000-0000-4000-8000-{number:012x}", **(values | fields))
