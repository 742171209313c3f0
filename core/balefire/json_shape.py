"""What both encodings and every store can carry: the values of JSON, integers of 64 bits, and no deep nesting."""

from __future__ import annotations

from math import isfinite
from typing import Any, Final

from balefire_hookspecs import InvalidInput

MAX_DEPTH: Final = 32
SMALLEST: Final = -(2**63)
LARGEST: Final = 2**63 - 1


def check_fields(fields: dict[str, Any]) -> None:
    """Let a payload's fields pass, or say which one cannot be written down.

    One value that only MessagePack knows, or an integer that it does not, would otherwise fail later: in the
    transaction with everybody else's messages, or for every reader of the other encoding.

    :raises InvalidInput: naming the field.
    """
    for key, value in fields.items():
        if type(value) is not str and (problem := _problem(value, MAX_DEPTH)):
            raise InvalidInput(f"fields.{key}: {problem}", where=f"fields.{key}")


def _problem(value: object, depth: int) -> str:
    if value is None or isinstance(value, str | bool):
        return ""
    if isinstance(value, int):
        return "" if SMALLEST <= value <= LARGEST else "integers have at most 64 bits"
    if isinstance(value, float):
        return "" if isfinite(value) else "a number must be finite"
    if not isinstance(value, dict | list | tuple):
        return f"{type(value).__name__} is nothing that JSON can express"
    if not depth:
        return f"values are nested at most {MAX_DEPTH} deep"
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            return "the keys of a map are strings"
        value = value.values()
    return next(filter(None, (_problem(inner, depth - 1) for inner in value)), "")
