"""A platform that can go away and come back on the same port, with its data."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from balefire.client import Backoff, Client
from balefire.testing import Platform, start_platform

QUICK = Backoff(base_seconds=0.01, cap_seconds=0.05)


class Place:
    """One address where a platform runs, or does not."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._exits = AsyncExitStack()
        self._port = 0
        self._platform: Platform | None = None

    @property
    def platform(self) -> Platform:
        assert self._platform is not None, "the platform is stopped"
        return self._platform

    async def start(self) -> None:
        settings = {"server": {"port": self._port, "drain_seconds": 0.0}}
        self._platform = await self._exits.enter_async_context(start_platform(self._folder, settings=settings))
        self._port = self._platform.kernel.http.port

    async def stop(self) -> None:
        self._platform = None
        await self._exits.aclose()

    async def restart(self) -> None:
        await self.stop()
        await self.start()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    place = Place(tmp_path)
    await place.start()
    for user in ("alice", "bob", "carol"):
        await place.platform.add_user(user)
    yield place
    await place.stop()


async def join(place: Place, user: str, **options: object) -> Client:
    """A client that outlives restarts of the platform; close it yourself."""
    client = Client(place.platform.url, await place.platform.token(user), backoff=QUICK, **options)  # type: ignore[arg-type] # options of the test's choice
    await client.open()
    return client


async def until(condition: Callable[[], bool], *, within_seconds: float = 10.0) -> None:
    """Wait for a condition by looking again and again."""
    async with asyncio.timeout(within_seconds):
        while not condition():
            await asyncio.sleep(0.01)
