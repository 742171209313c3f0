"""Turns a JSON payload into a message's text with a Jinja2 template that somebody else wrote.

The author of a template is trusted with the words, not with the server. Absent and ``null`` values render as nothing,
at any depth, because payloads leave things out.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from balefire import shorten

MAX_TEXT: Final = 4000
"""Characters (code points) of a rendered message; what is longer is cut with an ellipsis."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a template is rendered with: the payload, what sort of event it is, and the request's headers."""

    payload: Any
    event: str = ""
    action: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def variables(self) -> dict[str, Any]:
        """The payload's own keys are variables too, so that ``repository.name`` works without a prefix."""
        payload = self.payload
        keys = {k: v for k, v in payload.items() if v is not None} if isinstance(payload, dict) else {}
        own = {"payload": payload, "event": self.event, "action": self.action, "headers": dict(self.headers)}
        return {**keys, **own}


@dataclass(frozen=True, slots=True)
class Templates:
    """A hook's templates: by ``event.action``, by ``event``, and the one for everything else ("" for none)."""

    otherwise: str = ""
    by_event: Mapping[str, str] = field(default_factory=dict)

    def choose(self, occasion: Occasion) -> tuple[str, str]:
        """The name and the text of the template that fits best."""
        for name in (f"{occasion.event}.{occasion.action}", occasion.event):
            if name in self.by_event:
                return f"templates.{name}", self.by_event[name]
        return "template", self.otherwise

    def check(self) -> None:
        """Compile every template. Blocking; use a thread.

        :raises InvalidInput: with the template's name and the line.
        """
        from balefire_incoming_hooks.sandbox import check  # imports Jinja2, which costs more than a start may take

        check("template", self.otherwise)
        for event, text in self.by_event.items():
            check(f"templates.{event}", text)

    def render(self, occasion: Occasion, *, seconds: float = 1.0) -> str:
        """The message's text; "" means that nothing is to be sent. Blocking, for ``seconds`` or so; use a thread.

        :raises InvalidInput: the template cannot be rendered; names it and the line.
        """
        from balefire_incoming_hooks.sandbox import render

        name, text = self.choose(occasion)
        rendered = render(name, text, occasion.variables(), seconds=seconds, longest=4 * MAX_TEXT)
        return _shortened(_without_gaps(_printable(rendered), text).strip())


def _without_gaps(rendered: str, template: str) -> str:
    """Lines that absent values left empty are dropped, unless the template itself is spaced with blank lines."""
    lines = [line.rstrip() for line in rendered.split("\n")]
    return "\n".join(lines if "\n\n" in template else [line for line in lines if line])


def _printable(text: str) -> str:
    """Without control characters, which no client shows and PostgreSQL does not store, and without lone surrogates."""
    text = text.replace("\r\n", "\n")
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))


def _shortened(text: str) -> str:
    return shorten(text, lambda cut: len(cut) <= MAX_TEXT)
