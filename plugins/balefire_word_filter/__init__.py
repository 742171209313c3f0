"""Covers up words that the operator does not want to see."""

import re
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from pydantic import Field

from balefire import Manifest, Payload, PluginContext, Settings, hookimpl


class Config(Settings):
    """The table ``[plugins.word-filter]``."""

    words: tuple[str, ...] = Field((), description="what is covered up, whatever its case")
    cover: str = Field("*", min_length=1, max_length=1, description="stands in for each character of such a word")


class WordFilter:
    """Replaces words in every text of a payload."""

    def __init__(self, config: Config) -> None:
        longest_first = sorted(filter(None, config.words), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)", re.IGNORECASE)
        self._cover = config.cover

    def amend(self, payload: Payload) -> Payload | None:
        """The payload with the words covered up; ``None`` when there are none in it."""
        fields = {name: self._clean(value) for name, value in payload.fields.items()}
        push_text = self._clean(payload.push_text)
        if fields == payload.fields and push_text == payload.push_text:
            return None
        return msgspec.structs.replace(payload, fields=fields, push_text=push_text)

    def _clean(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return self._pattern.sub(lambda found: self._cover * len(found[0]), value)


class Plugin:
    @hookimpl
    def describe(self) -> Manifest:
        """Say what this plugin is and how it is configured."""
        return Manifest(summary="Covers up unwanted words", summary_zh="遮盖敏感词", config=Config)

    @hookimpl
    async def lifespan(self, ctx: PluginContext[Config]) -> AsyncIterator[None]:
        """Compile the words once."""
        self._filter = WordFilter(ctx.config)
        yield

    @hookimpl
    def amend_message(self, payload: Payload) -> Payload | None:
        """Cover up what is to be covered up, before anything is stored."""
        return self._filter.amend(payload)
