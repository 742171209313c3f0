"""One connection to the HTTP port, below the level of requests: what is no HTTP, and headers of every answer."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from typing import Final

from aiohttp import web

from balefire.problems import MalformedRequest, problem_response
from balefire.request_keys import RATE_HEADERS, REQUEST_ID
from balefire_hookspecs import BalefireError

HEAD_SECONDS: Final = 20.0
"""How long a new connection may take to send the head of its first request."""
IDLE_SECONDS: Final = 75.0
"""How long it may wait, or dawdle, before each further one."""
MAX_LINE_BYTES: Final = 65_536
"""Of a request's first line; 500 user ids in a query are some 36 000."""

_SERVER: Final = "balefire"

_HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""On every answer that does not set them itself; pages bring their own content security policy."""


async def add_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """What every answer carries, streams included; called just before its first byte."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = _SERVER
    if REQUEST_ID in request:
        response.headers["X-Request-Id"] = request[REQUEST_ID]
    response.headers.update(request.get(RATE_HEADERS, {}))


async def say_go_on(request: web.Request) -> None:
    """Answer ``Expect: 100-continue``; other expectations are none of ours, and no reason to refuse (RFC 9110)."""
    if request.version >= (1, 1) and request.headers["Expect"].lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer itself is still to come


def connections_of(server: web.Server) -> Callable[[], web.RequestHandler]:
    """Makes the protocol of each new connection."""
    log = _quiet_log()
    return lambda: _Connection(
        server,
        loop=asyncio.get_running_loop(),
        access_log=log,
        logger=log,
        keepalive_timeout=IDLE_SECONDS,
        max_line_size=MAX_LINE_BYTES,
    )


class _Connection(web.RequestHandler):
    """aiohttp's, but nobody may dawdle, and what cannot be parsed is answered as all errors are, without quoting it."""

    __slots__ = ("_head_due",)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._head_due = asyncio.get_running_loop().call_later(HEAD_SECONDS, self._expect_head)

    def _expect_head(self) -> None:
        if not self._request_count:
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._head_due.cancel()
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if request.writer.output_size:
            raise ConnectionError("the answer has begun, so it is too late for another")
        request[REQUEST_ID] = secrets.token_hex(8)
        kind = MalformedRequest if status < 500 else BalefireError
        reason = "this is no valid HTTP request, or one of its lines is too long"
        response = problem_response(
            kind(reason if status < 500 else "the server failed"), request[REQUEST_ID], status=status
        )
        response.headers.update({**_HEADERS, "Server": _SERVER, "X-Request-Id": request[REQUEST_ID]})
        response.force_close()
        return response


def _quiet_log() -> logging.Logger:
    """aiohttp reports every malformed request as an error, traceback included; to us it is one stranger's noise."""
    quiet = logging.getLogger("balefire.http_server.protocol")
    quiet.setLevel(logging.CRITICAL)
    return quiet
