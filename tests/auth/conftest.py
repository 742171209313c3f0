"""Shared by the tests of who may come in."""

from collections.abc import AsyncIterator

import httpx
import pytest

from balefire.testing import Platform, TestClock


@pytest.fixture
async def stranger(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client that carries nothing."""
    async with httpx.AsyncClient(base_url=platform.url, trust_env=False) as client:
        yield client


@pytest.fixture
def clock() -> TestClock:
    return TestClock(auto_advance=True)
