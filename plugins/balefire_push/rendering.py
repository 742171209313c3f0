"""Turns a message into the words of a notification: Jinja2 templates, one catalogue per language."""

import tomllib
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import msgspec

from balefire import shorten

if TYPE_CHECKING:
    from jinja2 import Template

LANGUAGES: Final = ("en", "zh")
FALLBACK: Final = "private"
TITLE_LENGTH: Final = 80
BODY_LENGTH: Final = 500


class Words(msgspec.Struct, frozen=True):
    title: str
    body: str


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    """What the templates may use."""

    sender: str
    conversation: str
    digest: str
    is_mentioned: bool


class Renderer:
    """Renders notifications. The catalogues are read on first use; rendering is synchronous and takes microseconds."""

    def words(self, sort: str, wording: Wording, *, language: str, shows_detail: bool) -> Words:
        """Title and body.

        :param sort: a conversation kind, or "call"; unknown ones are worded like private messages.
        :param language: a BCP 47 tag; what is neither English nor Chinese becomes English.
        :param shows_detail: without it nothing tells who wrote what.
        """
        catalogue = self._catalogues["zh" if language.lower().startswith("zh") else "en"]
        templates = catalogue.get(sort) or catalogue[FALLBACK]
        fields = msgspec.structs.asdict(wording)
        if not shows_detail:
            return Words("", templates["hidden"].render(fields))
        title, body = templates["title"].render(fields), templates["body"].render(fields)
        return Words(_cut(title, TITLE_LENGTH), _cut(body, BODY_LENGTH))

    @cached_property
    def _catalogues(self) -> "dict[str, dict[str, dict[str, Template]]]":
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        environment = ImmutableSandboxedEnvironment(autoescape=False)
        return {
            language: {
                sort: {name: environment.from_string(text) for name, text in templates.items()}
                for sort, templates in _read(language).items()
            }
            for language in LANGUAGES
        }


def _read(language: str) -> dict[str, dict[str, str]]:
    text = (files("balefire_push") / "texts" / f"{language}.toml").read_text("utf-8")
    return tomllib.loads(text)


def _cut(text: str, length: int) -> str:
    return shorten(" ".join(text.split()), lambda cut: len(cut) <= length)
