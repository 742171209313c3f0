"""Refuses messages of senders who exceed their rate; answered from memory, so the message path never waits."""

import math
from collections.abc import AsyncIterator
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from balefire import Clock, Denied, Manifest, PluginContext, Settings, Submission, hookimpl
from balefire_rate_limit.bucket import TokenBuckets

EXEMPT_ORIGIN: Final = "admin"


class Rate(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    per_second: float = Field(gt=0, description="messages a second, over a long time")
    burst: int = Field(ge=1, description="messages at once after a silence")


class Config(Settings):
    """The table ``[plugins.rate-limit]``."""

    user: Rate = Field(Rate(per_second=50, burst=200), description="for each user")
    robot: Rate = Field(Rate(per_second=200, burst=1000), description="for each robot")
    channel: Rate = Field(Rate(per_second=100, burst=1000), description="for each channel's publisher")
    exempt: tuple[str, ...] = Field((), description="ids of senders who are never refused")
    remembered_senders: int = Field(100_000, ge=1, description="buckets kept in memory at most, for each origin")


class RateLimit:
    """The policy. Operators (origin "admin") are not limited."""

    def __init__(self, config: Config, clock: Clock) -> None:
        limit = config.remembered_senders
        self._exempt = frozenset(config.exempt)
        self._buckets = {
            origin: TokenBuckets(rate.per_second, rate.burst, clock, max_senders=limit)
            for origin, rate in (("user", config.user), ("robot", config.robot), ("channel", config.channel))
        }

    def verdict(self, submission: Submission) -> Denied | None:
        """``None``, or a refusal with code ``slow_down`` and ``details.retry_after_ms``."""
        if submission.origin == EXEMPT_ORIGIN or submission.sender in self._exempt:
            return None
        wait_seconds = self._buckets[submission.origin].take(submission.sender)
        if not wait_seconds:
            return None
        wait_ms = math.ceil(wait_seconds * 1000)
        return Denied("slow_down", f"too many messages; the next one in {wait_ms} ms", {"retry_after_ms": wait_ms})


class Plugin:
    """Limits how fast anyone sends."""

    @hookimpl
    def describe(self) -> Manifest:
        return Manifest(
            summary="Refuses messages of senders who exceed their rate",
            summary_zh="限制每个发送者的消息速率",
            config=Config,
            provides=("policy:rate-limit",),
        )

    @hookimpl
    async def lifespan(self, ctx: PluginContext[Config]) -> AsyncIterator[None]:
        self._limit = RateLimit(ctx.config, ctx.clock)
        yield

    @hookimpl
    def authorize_message(self, submission: Submission) -> Denied | None:
        return self._limit.verdict(submission)
