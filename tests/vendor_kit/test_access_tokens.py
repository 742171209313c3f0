"""One access token for all: fetched once, renewed early, replaced when refused."""

import asyncio

import pytest

from balefire import AccessTokens, AuthExpired, TryLater


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def now_ms(self) -> int:
        return int(self.now * 1000)

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here waits")


class Vendor:
    """Gives numbered tokens; holds them back while ``gate`` is closed."""

    def __init__(self, life: float = 3600.0) -> None:
        self.life = life
        self.fetched = 0
        self.fails = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def fetch(self) -> tuple[str, float]:
        self.fetched += 1
        number = self.fetched
        await self.gate.wait()
        if self.fails:
            raise TryLater("away")
        return f"token-{number}", self.life


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
async def tokens(vendor: Vendor, clock: Clock) -> AccessTokens:
    return AccessTokens(vendor.fetch, clock)


async def test_it_is_fetched_once_however_many_ask(tokens: AccessTokens, vendor: Vendor) -> None:
    found = await asyncio.gather(*(tokens.current() for _ in range(100)))

    assert set(found) == {"token-1"}
    assert vendor.fetched == 1


async def test_a_caller_who_goes_away_does_not_take_it_from_the_others(tokens: AccessTokens, vendor: Vendor) -> None:
    vendor.gate.clear()
    first, second = asyncio.create_task(tokens.current()), asyncio.create_task(tokens.current())
    await asyncio.sleep(0)

    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    vendor.gate.set()

    assert await second == "token-1"
    assert vendor.fetched == 1


@pytest.mark.parametrize(("life", "kept_for"), [(3600.0, 3299.0), (60.0, 29.0)])
async def test_it_is_replaced_before_it_ends(clock: Clock, life: float, kept_for: float) -> None:
    vendor = Vendor(life)
    tokens = AccessTokens(vendor.fetch, clock)
    await tokens.current()

    clock.now += kept_for
    assert await tokens.current() == "token-1"
    clock.now += 2
    assert await tokens.current() == "token-2"


async def test_one_that_still_lives_serves_while_the_vendor_is_away(
    tokens: AccessTokens, vendor: Vendor, clock: Clock
) -> None:
    await tokens.current()
    vendor.fails = True

    clock.now += 3400
    assert await tokens.current() == "token-1"
    clock.now += 300
    with pytest.raises(TryLater):
        await tokens.current()


async def test_a_refused_one_is_not_handed_out_again(tokens: AccessTokens) -> None:
    refused = await tokens.current()

    assert tokens.refuse(refused)
    assert not tokens.refuse(refused), "the second call to notice changes nothing"
    assert await tokens.current() == "token-2"
    assert not tokens.refuse(refused), "a late answer for the old one leaves the new one alone"
    assert await tokens.current() == "token-2"


async def test_a_failure_that_nobody_waits_for_is_no_warning(tokens: AccessTokens, vendor: Vendor) -> None:
    vendor.gate.clear()
    vendor.fails = True
    asking = asyncio.create_task(tokens.current())
    await asyncio.sleep(0)

    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    vendor.gate.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    vendor.fails = False
    assert await tokens.current() == "token-2"


async def test_a_lent_one_is_refused_by_the_failure_that_says_so_and_by_no_other(tokens: AccessTokens) -> None:
    for failure, following in ((TryLater("busy"), "token-1"), (AuthExpired("stale"), "token-2")):
        with pytest.raises(type(failure)):
            async with tokens.lent():
                raise failure
        assert await tokens.current() == following
