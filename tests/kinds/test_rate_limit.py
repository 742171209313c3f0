"""The token bucket: how much at once, how much over time, and for whom."""

import pytest
from tests.kinds.memory import text_of

from balefire import Conversation, Denied
from balefire.testing import TestClock
from balefire_rate_limit.bucket import TokenBuckets
from balefire_rate_limit.plugin import Config, RateLimit

TEAM = Conversation("group", "team")


def accepted(buckets: TokenBuckets, sender: str, attempts: int) -> int:
    return sum(buckets.take(sender) == 0 for _ in range(attempts))


def test_a_rested_sender_may_send_a_burst_and_no_more() -> None:
    buckets = TokenBuckets(10, 5, TestClock())

    assert accepted(buckets, "a", 8) == 5


async def test_tokens_come_back_at_the_rate() -> None:
    clock = TestClock()
    buckets = TokenBuckets(10, 5, clock)
    accepted(buckets, "a", 5)

    await clock.advance(0.3)

    assert accepted(buckets, "a", 5) == 3


async def test_a_bucket_never_holds_more_than_a_burst() -> None:
    clock = TestClock()
    buckets = TokenBuckets(10, 5, clock)
    accepted(buckets, "a", 5)

    await clock.advance(3600)

    assert accepted(buckets, "a", 20) == 5


async def test_who_waits_as_long_as_told_is_accepted() -> None:
    clock = TestClock()
    buckets = TokenBuckets(3, 1, clock)
    buckets.take("a")

    await clock.advance(buckets.take("a"))

    assert buckets.take("a") == 0


def test_senders_do_not_share_a_bucket() -> None:
    buckets = TokenBuckets(10, 2, TestClock())

    assert accepted(buckets, "a", 3) == 2
    assert accepted(buckets, "b", 3) == 2


def test_memory_is_bounded() -> None:
    buckets = TokenBuckets(10, 2, TestClock(), max_senders=100)

    for number in range(1000):
        buckets.take(f"sender-{number}")

    assert len(buckets) == 100


def limit(**config: object) -> RateLimit:
    return RateLimit(Config.model_validate({"user": {"per_second": 2, "burst": 1}, **config}), TestClock())


def test_a_refusal_says_when_to_come_back() -> None:
    policy = limit()
    policy.verdict(text_of("alice", TEAM))

    refusal = policy.verdict(text_of("alice", TEAM))

    assert isinstance(refusal, Denied)
    assert refusal.code == "slow_down"
    assert refusal.details == {"retry_after_ms": 500}


@pytest.mark.parametrize(("sender", "origin"), [("alice", "admin"), ("vip", "user"), ("alice", "robot")])
def test_operators_and_the_exempt_are_not_limited_and_robots_have_their_own_rate(sender: str, origin: str) -> None:
    policy = limit(exempt=["vip"], robot={"per_second": 100, "burst": 100})

    assert [policy.verdict(text_of(sender, TEAM, origin=origin)) for _ in range(50)] == [None] * 50
