"""Turns what is wrong with a configuration into sentences: dotted key, what is wrong, what would be right."""

import difflib
from collections.abc import Iterable
from typing import Any, Final

from pydantic import BaseModel, ValidationError

_COMPARISONS: Final = {"greater_than", "greater_than_equal", "less_than", "less_than_equal", "multiple_of"}


def describe_problems(error: ValidationError, model: type[BaseModel], where: str) -> list[str]:
    """One line per problem. Values are never quoted, since any of them may be a secret; only a number that is out of
    bounds is."""
    return [_describe(problem, model, where) for problem in error.errors(include_url=False)]


def unknown(path: str, key: str, known: Iterable[str], noun: str) -> str:
    """The line for a key that does not exist: the nearest known one, and all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(key, names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    listing = f"{noun}s are {', '.join(names)}" if names else f"there are no {noun}s here"
    return f"{path}: no such {noun}; {hint}{listing}"


def _describe(problem: Any, model: type[BaseModel], where: str) -> str:
    path = ".".join([where, *map(str, problem["loc"])])
    if problem["type"] == "extra_forbidden":
        return unknown(path, str(problem["loc"][-1]), _keys_at(model, problem["loc"][:-1]), "setting")
    if problem["type"] == "missing":
        return f"{path}: is required and missing{_purpose(model, problem['loc'])}"
    text = problem["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    verb = "must be " if problem["msg"].startswith("Input should be ") else ""
    got = f", got {problem['input']!r}" if problem["type"] in _COMPARISONS else ""
    if problem["type"] == "string_pattern_mismatch":
        return f"{path}: is not written correctly{_purpose(model, problem['loc'])}"
    return f"{path}: {verb}{text[:1].lower()}{text[1:]}{got}"


def _model_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    for part in loc:
        field = model.model_fields.get(str(part))
        if field is None or not isinstance(field.annotation, type) or not issubclass(field.annotation, BaseModel):
            return None
        model = field.annotation
    return model


def _keys_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    found = _model_at(model, loc)
    return [field.alias or name for name, field in found.model_fields.items()] if found else []


def _purpose(model: type[BaseModel], loc: tuple[int | str, ...]) -> str:
    found = _model_at(model, loc[:-1])
    field = found.model_fields.get(str(loc[-1])) if found else None
    return f" ({field.description})" if field is not None and field.description else ""
