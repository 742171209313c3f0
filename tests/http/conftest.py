"""A platform with the probe plugin, and a person on it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.http.probe import Probe

from balefire.testing import Platform, start_platform


@pytest.fixture
def probe() -> Probe:
    return Probe()


@pytest.fixture
async def site(tmp_path: Path, probe: Probe) -> AsyncIterator[Platform]:
    """A running platform with the probe."""
    async with start_platform(tmp_path, extra={"probe": probe}) as platform:
        yield platform


@pytest.fixture
async def alice(site: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client that carries Alice's token."""
    headers = {"Authorization": f"Bearer {await site.token('alice')}"}
    async with httpx.AsyncClient(base_url=site.url, headers=headers, trust_env=False) as client:
        yield client


@pytest.fixture
async def stranger(site: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client that carries nothing."""
    async with httpx.AsyncClient(base_url=site.url, trust_env=False) as client:
        yield client
