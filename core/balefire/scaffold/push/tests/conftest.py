"""The stand-in, and a vendor that speaks to it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from acme_stand_in import KEY, AcmeStandIn
from balefire_push_acme import Acme, Config


@pytest.fixture
async def stand_in() -> AsyncIterator[AcmeStandIn]:
    """Acme's stand-in, listening."""
    async with AcmeStandIn() as stand_in:
        yield stand_in


@pytest.fixture
async def vendor(stand_in: AcmeStandIn) -> AsyncIterator[Acme]:
    """The vendor under test; it waits two seconds at most, so that the tests of silence are quick."""
    config = Config.model_validate({"api_key": KEY, "endpoint": stand_in.url, "timeout_seconds": 2})
    async with httpx.AsyncClient(trust_env=False) as http:
        yield Acme(config, http)
