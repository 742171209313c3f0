"""The OpenAPI 3.1 document, made from the operations' annotations and docstrings."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter

from balefire.operations import BoundOperation, path_template
from balefire.problems import PROBLEM_TYPE, Problem

_INTRODUCTION = """Everything a program may do with Balefire over HTTP.

Send a token or an API key as `Authorization: Bearer …`. Times are integer milliseconds since the epoch, UTC; ids of
messages are decimal strings. Lists are pages: repeat with `after` set to `next` until `next` is empty. Errors are
problem documents (RFC 9457) with a stable `code`. Operations that take an `Idempotency-Key` act once per key, however
often they are repeated within 24 hours.
"""

_ALWAYS = {
    400: "No valid HTTP request, or its first line or a header is too long",
    429: "Too many requests; Retry-After says when to come back",
}
_OF_BODY = {
    408: "The body did not arrive in time",
    413: "The body is too large",
    415: "The body is not JSON",
}


def describe_operations(operations: Sequence[BoundOperation], *, version: str, url: str) -> dict[str, Any]:
    """The whole document. Builds every operation's schemas: takes a while, so ask once and keep it.

    :param operations: typed operations with the plugins they belong to; operation ids must be unique in a plugin.
    :param url: where the server is reached.
    """
    schemas, components = _schemas(operations)
    names = _unique_names(operations)
    paths: dict[str, dict[str, Any]] = {}
    for index, operation in enumerate(operations):
        of_this = {place: schema for (at, place), schema in schemas.items() if at == index}
        described = {"operationId": names[index]}
        described |= _describe(operation, of_this, components, schemas[-1, "problem"])
        path = path_template(operation.operation.path)
        paths.setdefault(path, {})[operation.operation.method.lower()] = described
    tags = sorted({tag for operation in operations for tag in operation.operation.tags})
    return {
        "openapi": "3.1.0",
        "info": {"title": "Balefire", "version": version, "description": _INTRODUCTION},
        "servers": [{"url": url}],
        "tags": [{"name": tag} for tag in tags],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": "a token or an API key"}},
        },
    }


def _unique_names(operations: Sequence[BoundOperation]) -> list[str]:
    """The handler's name; with the plugin's before it where several are called the same, and a number if need be."""
    how_often = Counter(operation.name for operation in operations)
    given: Counter[str] = Counter()
    names = []
    for operation in operations:
        own = operation.name
        name = own if how_often[own] == 1 else f"{operation.plugin.replace('-', '_')}_{own}"
        given[name] += 1
        names.append(name if given[name] == 1 else f"{name}_{given[name]}")
    return names


def _schemas(operations: Sequence[BoundOperation]) -> tuple[dict[tuple[int, str], dict[str, Any]], dict[str, Any]]:
    wanted: list[tuple[tuple[int, str], Any, TypeAdapter[Any]]] = [
        ((-1, "problem"), "serialization", TypeAdapter(Problem))
    ]
    for index, operation in enumerate(operations):
        signature = operation.signature
        for place, model in (("path", signature.path), ("query", signature.query)):
            if model is not None:
                wanted.append(((index, place), "validation", TypeAdapter(model)))
        if signature.body is not None:
            wanted.append(((index, "body"), "validation", signature.body))
        if signature.answer is not None:
            wanted.append(((index, "answer"), "serialization", signature.answer))
    found, definitions = TypeAdapter.json_schemas(wanted, ref_template="#/components/schemas/{model}")
    components: dict[str, Any] = dict(definitions.get("$defs", {}))
    schemas = {key: schema for (key, _mode), schema in found.items()}
    return schemas, components


def _describe(
    operation: BoundOperation, schemas: dict[str, Any], components: dict[str, Any], problem: dict[str, Any]
) -> dict[str, Any]:
    declared = operation.operation
    summary, _, text = (inspect.getdoc(declared.handler) or operation.name).partition("\n")
    described: dict[str, Any] = {
        "summary": summary.rstrip("."),
        "tags": list(declared.tags),
        "x-plugin": operation.plugin,
    }
    if text.strip():
        described["description"] = text.strip()
    parameters = _parameters(operation, schemas, components)
    if parameters:
        described["parameters"] = parameters
    if "body" in schemas:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schemas["body"]}}}
    if operation.needs_identity:
        described["security"] = [{"bearer": [declared.scope] if declared.scope else []}]
    else:
        described["security"] = [{}, {"bearer": []}] if operation.signature.identity_name else []
    described["responses"] = _responses(operation, schemas, problem, has_parameters=bool(parameters))
    return described


def _parameters(operation: BoundOperation, schemas: dict[str, Any], components: dict[str, Any]) -> list[dict[str, Any]]:
    parameters = []
    for place in ("path", "query"):
        schema = schemas.get(place, {})
        if "$ref" in schema:
            schema = components.pop(schema["$ref"].rsplit("/", 1)[1])
        for name, of_one in schema.get("properties", {}).items():
            parameter = {"in": place, "name": name, "required": name in schema.get("required", ()), "schema": of_one}
            if "description" in of_one:
                parameter["description"] = of_one["description"]
            parameters.append(parameter)
    if operation.operation.is_idempotent:
        parameters.append(
            {
                "in": "header",
                "name": "Idempotency-Key",
                "required": False,
                "description": "act once for this key, however often the request is repeated within 24 hours",
                "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
            }
        )
    return parameters


def _responses(
    operation: BoundOperation, schemas: dict[str, Any], problem: dict[str, Any], *, has_parameters: bool
) -> dict[str, Any]:
    declared, signature = operation.operation, operation.signature
    errors = dict(_ALWAYS)
    if operation.needs_identity or signature.identity_name:
        errors[401] = "No credentials, or wrong, expired or revoked ones"
    if declared.scope is not None:
        errors[403] = "The credentials do not allow this"
    if "body" in schemas:
        errors |= _OF_BODY
    if has_parameters or "body" in schemas:
        errors[422] = "The request does not fit; every fault is listed"
    if declared.is_idempotent:
        errors[409] = "A request with this Idempotency-Key is still running"
    errors |= declared.errors
    good: dict[str, Any] = {"description": "Done"}
    if "answer" in schemas:
        good["content"] = {"application/json": {"schema": schemas["answer"]}}
    elif signature.is_raw_answer:
        good["content"] = {"*/*": {"schema": {}}}
    has_content = "answer" in schemas or signature.is_raw_answer
    responses = {str(declared.status if has_content else 204): good}
    for status, meaning in sorted(errors.items()):
        responses[str(status)] = {"description": meaning, "content": {PROBLEM_TYPE: {"schema": problem}}}
    responses["5XX"] = {
        "description": "The server cannot do this now; repeat it later",
        "content": {PROBLEM_TYPE: {"schema": problem}},
    }
    return responses
