"""The conformance kit: good vendors pass it, and it finds the faults it is there to find."""

from collections.abc import AsyncIterator, Sequence

import httpx
import pytest
from tests.push.beacon import KEY, Beacon, BeaconStandIn, Heliograph

from balefire import Notification, Outcome, TryLater
from balefire.testing.push_vendor import PushVendorContract, StandIn


@pytest.fixture
async def stand_in() -> AsyncIterator[BeaconStandIn]:
    async with BeaconStandIn() as stand_in:
        yield stand_in


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=0.3, trust_env=False) as client:
        yield client


class TestAVendorOfOne(PushVendorContract):
    @pytest.fixture
    def vendor(self, stand_in: BeaconStandIn, http: httpx.AsyncClient) -> Beacon:
        return Beacon(http, stand_in.url)


class TestAVendorOfLists(PushVendorContract):
    @pytest.fixture
    def vendor(self, stand_in: BeaconStandIn, http: httpx.AsyncClient) -> Heliograph:
        return Heliograph(http, stand_in.url)


class Gossip(Heliograph):
    """Tells its key when something fails."""

    async def send_batch(self, notes: Sequence[Notification]) -> Sequence[Outcome]:
        try:
            return await super().send_batch(notes)
        except TryLater:
            raise TryLater(f"failed with key {KEY}") from None


class Forgetful(Heliograph):
    """Loses the last outcome."""

    async def send_batch(self, notes: Sequence[Notification]) -> Sequence[Outcome]:
        return (await super().send_batch(notes))[:-1]


async def test_a_leaked_key_is_found(
    stand_in: BeaconStandIn, http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    kit: PushVendorContract = PushVendorContract()

    with pytest.raises(AssertionError, match="stay out of logs"):
        await kit.test_failures_tell_no_secrets(Gossip(http, stand_in.url), stand_in, caplog, "server_error")


async def test_a_missing_outcome_is_found(stand_in: StandIn, http: httpx.AsyncClient) -> None:
    kit = PushVendorContract()

    with pytest.raises(AssertionError, match="exactly one outcome"):
        await kit.test_fifty_at_once_all_arrive_once(Forgetful(http, getattr(stand_in, "url", "")), stand_in)
