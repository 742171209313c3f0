"""The gateway: handshake, the table of connections, heart-beats and draining."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import random
from collections.abc import Coroutine
from typing import Any, Final

from aiohttp import web
from pydantic import Field

from balefire import PluginContext, Settings
from balefire_gateway_websocket import frames
from balefire_gateway_websocket.client_session import ClientSession
from balefire_gateway_websocket.encodings import ENCODINGS, JSON
from balefire_gateway_websocket.refusals import error_of
from balefire_gateway_websocket.websocket import Flusher, WebSocket, take_over

HELLO_BYTES: Final = 16_384
"""Largest frame of somebody we do not know yet."""
ACCEPT_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


class Config(Settings):
    """The table ``[plugins.gateway-websocket]``."""

    path: str = Field("/v1/socket", pattern="^/", description="where clients connect")
    heartbeat_seconds: float = Field(30.0, gt=0, le=600, description="clients speak at least this often")
    hello_seconds: float = Field(10.0, gt=0, le=60, description="time to say hello after connecting")
    max_frame_bytes: int = Field(262_144, ge=1024, le=1_048_576, description="largest frame a client may send")
    max_message_bytes: int = Field(65_536, ge=256, le=262_144, description="largest send frame")


class HandedOver(web.StreamResponse):
    """Tells aiohttp that the request has been answered and its transport is no longer there to write to."""

    @property
    def prepared(self) -> bool:
        return True

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing: the head was written by hand."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing: the WebSocket owns the transport."""


class WebSocketGateway:
    """Implements ``Gateway``. One per plugin instance; everything runs on the event loop."""

    name = "websocket"

    def __init__(self, ctx: PluginContext[Config]) -> None:
        self.ctx = ctx
        # Looked up once: these are used for every message.
        self.offer = ctx.sessions.offer
        self.resolve = ctx.resolve
        self._config = ctx.config
        self.max_message_bytes = ctx.config.max_message_bytes
        self.heartbeat_ms = int(ctx.config.heartbeat_seconds * 1000)
        self.limits = {"frame_bytes": ctx.config.max_frame_bytes, "page": 200, "watch": 500}
        self._flusher = Flusher(asyncio.get_running_loop())
        self._greeting: dict[ClientSession, float] = {}
        self._open: dict[ClientSession, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_draining = False

    # -- connections -----------------------------------------------------------------------------------------------

    async def upgrade(self, request: web.Request) -> web.StreamResponse:
        """Answer the handshake (RFC 6455, section 4.2) and take the transport away from aiohttp."""
        accept = _accept_key(request)
        if accept is None:
            return web.json_response(
                {"code": "not_a_websocket", "error": "connect with a WebSocket client, version 13"},
                status=426,
                headers={"Upgrade": "websocket", "Sec-WebSocket-Version": "13"},
            )
        transport = request.transport
        if self._is_draining or transport is None:
            return web.json_response({"code": "draining", "error": "the server is stopping"}, status=503)
        offered = [p.strip() for p in request.headers.get("Sec-WebSocket-Protocol", "").split(",") if p.strip()]
        chosen = next((p for p in offered if p in ENCODINGS), "")
        head = (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n"
        )
        if chosen:
            head += f"Sec-WebSocket-Protocol: {chosen}\r\n"
        transport.write(f"{head}\r\n".encode())
        self._adopt(request, transport, chosen)
        return HandedOver(status=101)

    def _adopt(self, request: web.Request, transport: asyncio.Transport, chosen: str) -> None:
        handler = request.protocol
        early = getattr(handler, "_message_tail", b"")  # frames sent without waiting for our answer
        handler.transport = None
        handler.connection_lost(None)
        transport.resume_reading()  # aiohttp may have paused it while we had not answered yet
        socket = take_over(transport, self._flusher, HELLO_BYTES)
        session = ClientSession(self, socket, ENCODINGS.get(chosen, JSON))
        socket.attach(session)
        self._greeting[session] = self.ctx.clock.monotonic()
        if early:
            socket.data_received(early)

    def greeted(self, session: ClientSession, socket: WebSocket) -> None:
        """The client said hello and is known now: it may send large frames."""
        socket.max_bytes = self._config.max_frame_bytes
        if self._greeting.pop(session, None) is not None:
            self._open[session] = None

    def forget(self, session: ClientSession) -> None:
        """The connection is gone."""
        self._greeting.pop(session, None)
        self._open.pop(session, None)

    # -- time ------------------------------------------------------------------------------------------------------

    async def keep_time(self) -> None:
        """Close connections that never say hello, that fall silent, or whose token expires."""
        next_sweep = self.ctx.clock.monotonic() + self._config.heartbeat_seconds
        while True:
            await self.ctx.clock.sleep(min(1.0, self._config.hello_seconds / 4, self._config.heartbeat_seconds))
            now = self.ctx.clock.monotonic()
            for session, since in list(self._greeting.items()):
                if now - since < self._config.hello_seconds:
                    break  # in the order of arrival: the rest is younger
                session.close("timeout", f"no hello within {self._config.hello_seconds:g} seconds")
            if now >= next_sweep:
                next_sweep = now + self._config.heartbeat_seconds
                for session in list(self._open):
                    session.sweep(self.ctx.clock.now_ms())

    async def drain(self, spread_seconds: float) -> None:
        """See ``Gateway``."""
        self._is_draining = True
        for session in [*self._greeting, *self._open]:
            wait = random.randint(0, max(1, int(spread_seconds * 1000)))  # noqa: S311 - spreads the herd
            session.close("draining", "the server is stopping; come back", reconnect_after_ms=wait)
        for _ in range(50):
            if not self._open and not self._greeting:
                return
            await asyncio.sleep(0.02)

    # -- for the sessions ------------------------------------------------------------------------------------------

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a request; one that fails in an unforeseen way is logged, and costs its own answer only."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.ctx.log.warning("a request failed", exc_info=error)

    def error_frame(self, request_id: str, error: Exception | None) -> frames.Error:
        """An error as the client sees it; unforeseen ones are logged and not described."""
        error = error or RuntimeError("no reason given")
        code, reason, where, retry_after_ms = error_of(error)
        if code == "internal_error":
            self.ctx.log.error("a request failed", exc_info=error)
        return frames.Error(id=request_id, code=code, reason=reason, where=where, retry_after_ms=retry_after_ms)

    def count(self) -> int:
        """Connections, greeted or not."""
        return len(self._open) + len(self._greeting)


def _accept_key(request: web.Request) -> str | None:
    """The answer to the client's key; ``None`` if this is no WebSocket handshake."""
    headers = request.headers
    key = headers.get("Sec-WebSocket-Key", "")
    try:
        is_key = len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        is_key = False
    if (
        not is_key
        or headers.get("Upgrade", "").lower() != "websocket"
        or "upgrade" not in headers.get("Connection", "").lower()
        or headers.get("Sec-WebSocket-Version") != "13"
    ):
        return None
    digest = hashlib.sha1(key.encode() + ACCEPT_GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()
