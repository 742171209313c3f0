"""Phones stay silent during the night; what was missed is there in the morning."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from balefire import Manifest, PluginContext, PushCandidate, PushChoice, Settings, hookimpl


class Config(Settings):
    """The table ``[plugins.quiet-hours]``."""

    begin: time = Field(time(22), description="when phones fall silent, as in 22:00")
    end: time = Field(time(7), description="when they may ring again")
    timezone: str = Field("UTC", description="whose night it is; an IANA name such as Asia/Shanghai")
    lets_mentions_through: bool = Field(True, description="whether a mention rings at night all the same")

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"there is no time zone {name!r}; write an IANA name such as Asia/Shanghai") from error
        return name

    def covers(self, moment_ms: int) -> bool:
        """Whether this moment lies in the night, which may begin on the evening before."""
        here = datetime.fromtimestamp(moment_ms / 1000, UTC).astimezone(ZoneInfo(self.timezone)).time()
        if self.begin <= self.end:
            return self.begin <= here < self.end
        return here >= self.begin or here < self.end


class Plugin:
    @hookimpl
    def describe(self) -> Manifest:
        """Say what this plugin is and how it is configured."""
        return Manifest(summary="Keeps phones silent at night", summary_zh="夜间不响铃", config=Config)

    @hookimpl
    async def lifespan(self, ctx: PluginContext[Any]) -> AsyncIterator[None]:
        """Remember the clock and the settings."""
        self._ctx = ctx
        yield

    @hookimpl
    def choose_push(self, candidate: PushCandidate) -> PushChoice | None:
        """Silent at night, but for mentions; by day the hub's own rules hold."""
        config: Config = self._ctx.config
        rings = candidate.is_mentioned and config.lets_mentions_through
        if rings or not config.covers(self._ctx.clock.now_ms()):
            return None
        return PushChoice(is_allowed=False, reason="quiet hours")
