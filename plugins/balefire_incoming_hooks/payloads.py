"""Reads what somebody posted: JSON, or a form, within limits."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec
from aiohttp import web

from balefire import BalefireError, InvalidInput, TooLarge

MAX_BODY: Final = 1 << 20
MAX_DEPTH: Final = 64
BODY_SECONDS: Final = 30.0


class UnsupportedPayload(BalefireError):
    """The body is neither JSON nor a form."""

    code = "unsupported_media_type"
    status = 415


class PayloadTooSlow(BalefireError):
    """The body did not arrive in time."""

    code = "body_too_slow"
    status = 408


async def read_body(request: web.Request) -> bytes:
    """The request's body.

    :raises TooLarge: more than ``MAX_BODY`` bytes. :raises PayloadTooSlow: it did not arrive within ``BODY_SECONDS``.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_chunked(1 << 16):
                body += chunk
                if len(body) > MAX_BODY:
                    raise TooLarge(f"a payload may have {MAX_BODY} bytes, this one has more", where="body")
    except TimeoutError:
        raise PayloadTooSlow(f"the body did not arrive within {BODY_SECONDS:g} seconds", where="body") from None
    return bytes(body)


def parse(body: bytes, content_type: str) -> Any:
    """The payload of a body: JSON, a form with JSON in ``payload`` (as GitHub and Slack send), or a plain form.

    :raises InvalidInput: malformed or nested too deeply. :raises UnsupportedPayload: something else altogether.
    """
    if content_type == "application/x-www-form-urlencoded":
        return _form(body)
    if content_type in ("application/json", "text/json", "application/octet-stream", "") or content_type.endswith(
        "+json"
    ):
        return _json(body)
    raise UnsupportedPayload(f"send JSON or a form, not {content_type[:64]!r}", where="header.content-type")


def _form(body: bytes) -> Any:
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError:
        raise InvalidInput("the body is no form: it must be UTF-8 with at most 1000 fields", where="body") from None
    if "payload" in fields:
        return _json(fields["payload"][0].encode())
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}


def _json(body: bytes) -> Any:
    try:
        value = msgspec.json.decode(body)
    except RecursionError:
        raise InvalidInput(f"the payload is nested more than {MAX_DEPTH} levels deep", where="body") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"the body is no JSON: {str(error)[:200].lower()}", where="body") from None
    _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(v for v in item.values() if isinstance(v, (dict, list)))
            elif isinstance(item, list):
                below.extend(v for v in item if isinstance(v, (dict, list)))
        if not below:
            return
        level = below
    raise InvalidInput(f"the payload is nested more than {MAX_DEPTH} levels deep", where="body")


def look_up(place: str, payload: Any, headers: Mapping[str, str]) -> str:
    """The text or whole number at ``header:NAME`` or ``body:dotted.path``; "" when there is none."""
    kind, _, path = place.partition(":")
    if kind == "header":
        return headers.get(path, "")[:128]
    value = payload
    for step in path.split(".") if path else ():
        value = value.get(step) if isinstance(value, dict) else None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value[:128] if isinstance(value, str) and path else ""
