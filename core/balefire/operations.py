"""Typed operations: fills a handler's parameters from a request by annotation, and reports every fault at once.

Nothing is worked out before the first request for an operation, because schemas are costly to build and start-up
time is a promise.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import types
import typing
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError, create_model
from pydantic.fields import FieldInfo

from balefire.problems import BodyTooSlow, Fault, InvalidRequest, UnsupportedMediaType
from balefire_hookspecs import Identity, Operation, TooLarge

BODY_SECONDS: Final = 30.0
"""How long a body may take to arrive."""

_SUSPICIOUS = re.compile(rb"\\u0000|NaN|Infinity|\d{19}|[eE]\+?\d{3}")


@dataclass(frozen=True, slots=True)
class Signature:
    """What a handler takes and gives, read from its annotations."""

    path: type[BaseModel] | None
    query: type[BaseModel] | None
    body: TypeAdapter[Any] | None
    body_name: str
    identity_name: str
    is_identity_required: bool
    request_name: str
    answer: TypeAdapter[Any] | None
    is_raw_answer: bool


class BoundOperation:
    """One operation of one plugin, ready to be called. Holds no state of a request; may be called concurrently."""

    def __init__(self, operation: Operation, plugin: str) -> None:
        self.operation = operation
        self.plugin = plugin

    @property
    def name(self) -> str:
        return self.operation.handler.__name__

    @cached_property
    def signature(self) -> Signature:
        """Built on first use.

        :raises TypeError: an annotation cannot be understood; names the handler.
        """
        return _read_signature(self.operation)

    @property
    def needs_identity(self) -> bool:
        return self.operation.scope is not None or self.signature.is_identity_required

    async def arguments(self, request: web.Request, identity: Identity | None) -> dict[str, Any]:
        """Read and check everything the handler asks for.

        :raises InvalidRequest: with every fault of path, query and body.
        :raises UnsupportedMediaType, TooLarge, BodyTooSlow: the body cannot be read at all.
        """
        signature = self.signature
        given: dict[str, Any] = {}
        faults: list[Fault] = []
        if signature.path is not None:
            _fill(given, faults, "path", signature.path, dict(request.match_info))
        if signature.query is not None:
            _fill(given, faults, "query", signature.query, _query(request, signature.query))
        if signature.body is not None:
            raw = await read_json_bytes(request)
            try:
                given[signature.body_name] = signature.body.validate_json(raw, strict=True)
                faults += _unstorable(raw)
            except ValidationError as error:
                faults += _faults("body", error)
        if faults:
            raise InvalidRequest(faults)
        if signature.identity_name:
            given[signature.identity_name] = identity
        if signature.request_name:
            given[signature.request_name] = request
        return given

    def response(self, answer: Any) -> web.StreamResponse:
        """What the handler returned, as JSON."""
        if isinstance(answer, web.StreamResponse):
            return answer
        adapter = self.signature.answer
        if adapter is None:
            return web.Response(status=204)
        body = adapter.dump_json(answer, by_alias=True)
        return web.Response(status=self.operation.status, body=body, content_type="application/json")


async def read_json_bytes(request: web.Request) -> bytes:
    """The body of a request that must be JSON, within the server's size limit and ``BODY_SECONDS``."""
    if request.content_type != "application/json":
        raise UnsupportedMediaType("send the body as application/json", where="header.content-type")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except TimeoutError:
        raise BodyTooSlow(f"the body did not arrive within {BODY_SECONDS:g} seconds", where="body") from None
    except web.HTTPRequestEntityTooLarge:
        limit = request.client_max_size
        raise TooLarge(f"the body is larger than {limit} bytes", where="body") from None


def path_template(path: str) -> str:
    """``/v1/users/{id:[^/]+}`` as OpenAPI writes it: ``/v1/users/{id}``."""
    return re.sub(r"{(\w+):[^{}]*(?:{[^{}]*}[^{}]*)*}", r"{\1}", path)


def _read_signature(operation: Operation) -> Signature:
    handler = operation.handler
    hints = typing.get_type_hints(handler, include_extras=True)
    names_in_path = set(re.findall(r"{(\w+)}", path_template(operation.path)))
    fields: dict[str, dict[str, Any]] = {"path": {}, "query": {}}
    body: TypeAdapter[Any] | None = None
    names = {"body": "", "identity": "", "request": ""}
    is_identity_required = False
    for parameter in inspect.signature(handler).parameters.values():
        if parameter.name not in hints:
            raise TypeError(f"{handler.__qualname__}: parameter {parameter.name!r} has no annotation")
        annotation = hints[parameter.name]
        kinds = _members(annotation)
        if parameter.name in names_in_path:
            fields["path"][parameter.name] = _field(annotation, parameter.default)
        elif Identity in kinds:
            names["identity"] = parameter.name
            is_identity_required = type(None) not in kinds
        elif any(inspect.isclass(kind) and issubclass(kind, web.BaseRequest) for kind in kinds):
            names["request"] = parameter.name
        elif any(_is_model(kind) for kind in kinds):
            body, names["body"] = TypeAdapter(annotation), parameter.name
        else:
            fields["query"][parameter.name] = _field(annotation, parameter.default)
    missing = names_in_path - set(fields["path"])
    if missing:
        raise TypeError(f"{handler.__qualname__}: takes no parameter {', '.join(sorted(missing))} of its path")
    models = {
        where: create_model(f"{handler.__name__}_{where}", **found) if found else None
        for where, found in fields.items()
    }
    answer = hints.get("return")
    is_raw = inspect.isclass(answer) and issubclass(answer, web.StreamResponse)
    return Signature(
        models["path"],
        models["query"],
        body,
        names["body"],
        names["identity"],
        is_identity_required,
        names["request"],
        None if is_raw or answer is type(None) or answer is None else TypeAdapter(answer),
        is_raw,
    )


def _members(annotation: Any) -> tuple[Any, ...]:
    """The plain types inside ``Annotated``, unions and lists."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated or origin is list:
        return _members(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return tuple(kind for part in typing.get_args(annotation) for kind in _members(part))
    return (annotation,)


def _is_model(kind: Any) -> bool:
    return inspect.isclass(kind) and issubclass(kind, BaseModel)


def _field(annotation: Any, default: Any) -> tuple[Any, FieldInfo]:
    value = ... if default is inspect.Parameter.empty else default
    return annotation, FieldInfo.from_annotated_attribute(annotation, value)


def _query(request: web.Request, model: type[BaseModel]) -> dict[str, Any]:
    query = request.query
    return {
        name: query.getall(name) if _is_many(field.annotation) else query[name]
        for name, field in model.model_fields.items()
        if name in query
    }


def _is_many(annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        return any(_is_many(part) for part in typing.get_args(annotation))
    return origin in (list, set, tuple)


def _fill(given: dict[str, Any], faults: list[Fault], where: str, model: type[BaseModel], raw: dict[str, Any]) -> None:
    faults += [Fault(where=f"{where}.{name}", reason="must not contain NUL") for name in raw if "\0" in str(raw[name])]
    try:
        checked = model.model_validate(raw)
    except ValidationError as error:
        faults += _faults(where, error)
    else:
        given |= {name: getattr(checked, name) for name in model.model_fields}


def _faults(where: str, error: ValidationError) -> list[Fault]:
    details = error.errors(include_url=False, include_context=False, include_input=False)
    for detail in details:
        detail["loc"] = (where, *detail["loc"])
    return InvalidRequest.of(details).faults


def _unstorable(raw: bytes) -> list[Fault]:
    """What JSON allows and no store can keep: NUL in a string, integers beyond 64 bits, NaN and infinity (1e999)."""
    if not _SUSPICIOUS.search(raw):
        return []
    return [Fault(where=where, reason=reason) for where, reason in _walk("body", json.loads(raw))]


def _walk(where: str, value: Any) -> typing.Iterator[tuple[str, str]]:
    if isinstance(value, str) and "\0" in value:
        yield where, "must not contain NUL"
    elif isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        yield where, "must be a finite number"
    elif isinstance(value, int) and not -(2**63) <= value < 2**64:
        yield where, "must fit into 64 bits; send larger numbers as strings"
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(f"{where}.{index}", item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(where, key)
            yield from _walk(f"{where}.{key}".replace("\0", "\ufffd"), item)
