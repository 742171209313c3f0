"""How errors look over HTTP: RFC 9457 problem documents with a stable ``code``, and the list of all codes."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import entry_points
from types import ModuleType
from typing import TYPE_CHECKING

from aiohttp import web
from pydantic import BaseModel, Field

from balefire_hookspecs import PROJECT, BalefireError, InvalidInput, MessageDenied

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

PROBLEM_TYPE = "application/problem+json"


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    where: str = Field(description="the offending field as a dotted path: body.fields.text, query.limit")
    reason: str = Field(description="what is wrong with it")


class Problem(BaseModel):
    """An RFC 9457 problem document. Branch on ``code``; show ``detail`` to people."""

    type: str = "about:blank"
    title: str = Field(description="the HTTP status in words")
    status: int
    code: str = Field(description="stable and machine readable")
    detail: str = Field(description="a sentence that says what was wrong, where, and what would be right")
    where: str | None = Field(None, description="the offending field as a dotted path")
    errors: list[Fault] | None = Field(None, description="every fault of the request, when there can be several")
    request_id: str = Field(description="also in the X-Request-Id header and in the server's log")


class InvalidRequest(InvalidInput):
    """Path, query or body do not fit the operation; ``errors`` lists every fault."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.where}: {fault.reason}" for fault in faults[:5]), where=faults[0].where)
        self.faults = list(faults)

    @classmethod
    def of(cls, details: Iterable[ErrorDetails]) -> InvalidRequest:
        """From pydantic's list of errors, whose locations start with path, query or body."""
        return cls([Fault(where=".".join(map(str, found["loc"])), reason=_sentence(found["msg"])) for found in details])


class UnsupportedMediaType(BalefireError):
    """The body is not JSON; send it with ``Content-Type: application/json``."""

    code = "unsupported_media_type"
    status = 415


class MethodNotAllowed(BalefireError):
    """The address exists, but not with this method; the Allow header lists those that do."""

    code = "method_not_allowed"
    status = 405


class MalformedRequest(BalefireError):
    """What arrived is no HTTP request; the connection is closed."""

    code = "malformed_request"
    status = 400


class BodyTooSlow(BalefireError):
    """The body did not arrive in time."""

    code = "body_too_slow"
    status = 408


class HandlerTooSlow(BalefireError):
    """The operation did not finish in time; whether it took effect is unknown, so repeat it with the same key."""

    code = "timed_out"
    status = 504


class KeyReused(BalefireError):
    """This Idempotency-Key was used before with another request; choose a new key."""

    code = "idempotency_key_reused"
    status = 422


class StillRunning(BalefireError):
    """A request with this Idempotency-Key is being worked on; ask again a little later."""

    code = "idempotency_in_progress"
    status = 409


def problem_response(error: BalefireError, request_id: str, *, status: int = 0) -> web.Response:
    """The answer for an error that was raised on purpose; ``status`` replaces the error's own."""
    code, status = error.code, status or error.status
    if isinstance(error, MessageDenied):
        code = error.denied.code
    document = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=error.reason,
        where=error.where,
        errors=error.faults if isinstance(error, InvalidRequest) else None,
        request_id=request_id,
    )
    body = document.model_dump_json(exclude_none=True).encode()
    response = web.Response(status=status, body=body, content_type=PROBLEM_TYPE)
    if error.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(max(1, round(error.retry_after_seconds + 0.5)))
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="balefire"'
    response.headers.update(error.headers)
    return response


def _sentence(text: str) -> str:
    """A validator's message as our texts are written: lower case, no prefix."""
    text = text.removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


# -- the list of codes ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class ErrorCode:
    """A stable code: what it means, the HTTP status it comes with, and the package that raises it."""

    code: str
    status: int
    meaning: str
    origin: str


def error_codes() -> list[ErrorCode]:
    """Every stable code of the kernel and of the installed plugins, in order; source of the reference page.

    Error classes speak for themselves. Refusals are values (``Denied("muted", "…")``), so they are read from the
    source text. Imports every plugin: for documentation and tests, not for a running server.
    """
    names = [PROJECT, *sorted({point.value.partition(":")[0] for point in entry_points(group=PROJECT)})]
    modules = [module for name in names for module in _modules(name)]
    found = {(entry.code, entry.status): entry for entry in sorted(_raised(BalefireError), reverse=True)}
    for module in modules:
        for entry in _denied(module):
            found.setdefault((entry.code, entry.status), entry)
    return sorted(found.values())


def _modules(package: str) -> Iterator[ModuleType]:
    root = importlib.import_module(package)
    yield root
    for child in pkgutil.walk_packages(getattr(root, "__path__", []), f"{package}."):
        if ".migrations" not in child.name and ".testing" not in child.name:
            yield importlib.import_module(child.name)


def _raised(error: type[BalefireError]) -> Iterator[ErrorCode]:
    if "code" in vars(error):
        meaning = (inspect.getdoc(error) or "").split("\n\n", 1)[0].replace("\n", " ")
        yield ErrorCode(error.code, error.status, meaning, error.__module__.partition(".")[0])
    for child in error.__subclasses__():
        yield from _raised(child)


def _denied(module: ModuleType) -> Iterator[ErrorCode]:
    origin = module.__name__.partition(".")[0]
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Denied":
            given = dict(zip(("code", "reason"), node.args, strict=False))
            given |= {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
            code, reason = given.get("code"), given.get("reason")
            if isinstance(code, ast.Constant) and isinstance(code.value, str) and reason is not None:
                yield ErrorCode(code.value, MessageDenied.status, _text(reason), origin)


def _text(node: ast.expr) -> str:
    """A literal or f-string as a reader sees it, with ``…`` for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return "…"
