from collections.abc import AsyncIterator

import pytest_asyncio
from tests.kinds.listening import Meet, Person, person

from balefire.testing import Platform


@pytest_asyncio.fixture
async def meet(platform: Platform) -> AsyncIterator[Meet]:
    """Connect people to the platform: ``alice, bob = await meet("alice", "bob")``."""
    people: list[Person] = []

    async def meet_them(*names: str) -> list[Person]:
        came = [await person(platform, name) for name in names]
        people.extend(came)
        return came

    yield meet_them
    for who in people:
        await who.stop()
