"""What one rendering may use: rounds of loops, characters made, time."""

import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

MAX_TEMPLATE: Final = 16_384
"""Characters of a template."""
MAX_ROUNDS: Final = 10_000
MAX_SIZE: Final = 1 << 20
"""Characters or items of one value made inside a template."""
MAX_MADE: Final = 16 << 20
"""Characters and items of all values made in one rendering."""


class TemplateError(Exception):
    """A template that does not compile or cannot be rendered; ``line`` is 0 when it is not known."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


@dataclass(slots=True)
class Allowance:
    """What is left. ``until`` is a time of ``time.monotonic``."""

    until: float
    rounds: int = MAX_ROUNDS
    made: int = MAX_MADE

    def spend(self, *, rounds: int = 0, made: int = 0) -> None:
        """Take from what is left.

        :raises TemplateError: there is not as much.
        """
        self.rounds -= rounds
        self.made -= made
        if self.rounds < 0:
            raise TemplateError(f"loops may go round {MAX_ROUNDS} times in all")
        if self.made < 0:
            raise TemplateError(f"the values made add up to more than {MAX_MADE} characters")
        if time.monotonic() > self.until:
            raise TemplateError("rendering took too long")


CURRENT: ContextVar[Allowance | None] = ContextVar("allowance", default=None)
"""The allowance of the rendering that runs in this thread; ``None`` while a template is being compiled."""


def counted(values: Any) -> Any:
    """Go through a loop's values, counting."""
    allowance = CURRENT.get()
    for value in values if values is not None else ():
        if allowance is not None:
            allowance.spend(rounds=1)
        yield value


def measured(value: Any) -> Any:
    """The value, if it is not too large. Measured after it was made: no single step can make much more than twice that.

    :raises TemplateError: it is too large.
    """
    if isinstance(value, (str, list, tuple, dict)):
        if len(value) > MAX_SIZE:
            raise TemplateError(f"a value grew beyond {MAX_SIZE} characters or items")
        allowance = CURRENT.get()
        if allowance is not None:
            allowance.spend(made=len(value))
    elif isinstance(value, int) and value.bit_length() > 4096:
        raise TemplateError("a number grew too large")
    return value
