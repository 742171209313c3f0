"""One HTTP port for the desks of all vendors: ``/<vendor>`` and then the path of that vendor's own API."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
from aiohttp import web

from balefire import Clock
from balefire_push_sandbox.desk import Desk, Door
from balefire_push_sandbox.faults import Fault, Faults, is_refusal

MAX_BODY_BYTES: Final = 4 * 1024 * 1024
REMEMBERED_REQUESTS: Final = 1000


class DeskRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request and its answer. ``door`` is the path's pattern, since paths and bodies hold device tokens."""

    at: int
    vendor: str
    door: str
    size_bytes: int
    status: int


class DeskServer:
    """Serves the desks. Everything runs on the event loop that started it."""

    def __init__(self, desks: Sequence[Desk], faults: Faults, clock: Clock) -> None:
        self.desks = {desk.vendor: desk for desk in desks}
        self.requests: deque[DeskRequest] = deque(maxlen=REMEMBERED_REQUESTS)
        self.answer_delay_ms = 0
        self.waiting = 0
        self._faults, self._clock = faults, clock
        self._runner: web.AppRunner | None = None
        self._stopping = asyncio.Event()

    async def start(self, host: str, port: int = 0) -> int:
        """Listen; returns the port.

        :raises OSError: the port is taken.
        """
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        for desk in self.desks.values():
            for door in desk.doors():
                app.router.add_route(door.method, f"/{desk.vendor}{door.path}", self._handler(desk, door))
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        found: int = self._runner.addresses[0][1]
        return found

    async def stop(self) -> None:
        """Stop listening; requests that were left without an answer end."""
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()

    def _handler(self, desk: Desk, door: Door) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            response = await self._answer(desk, door, request)
            self.requests.append(
                DeskRequest(
                    at=self._clock.now_ms(),
                    vendor=desk.vendor,
                    door=door.path,
                    size_bytes=request.content_length or 0,
                    status=response.status,
                )
            )
            return response

        return serve

    async def _answer(self, desk: Desk, door: Door, request: web.Request) -> web.StreamResponse:
        fault = self._faults.strike(desk.vendor) if door.sends else None
        delay_ms = fault.delay_ms if fault is not None and fault.kind == "slow" else self.answer_delay_ms
        if delay_ms and door.sends:
            await asyncio.sleep(delay_ms / 1000)
        if fault is None or fault.kind == "slow":
            return await door.handler(request)
        await request.read()
        return await self._strike(desk, fault, request)

    async def _strike(self, desk: Desk, fault: Fault, request: web.Request) -> web.StreamResponse:
        if is_refusal(fault.kind):
            return desk.refuse(fault.kind)
        if fault.kind == "answer":
            body = {"error": fault.reason} if fault.body is None else fault.body
            return web.json_response(body, status=fault.status, headers=_retry_after(fault))
        if fault.kind == "silence":
            self.waiting += 1
            try:
                await self._stopping.wait()
            finally:
                self.waiting -= 1
        if request.transport is not None:  # "drop", and what only HTTP/2 can do
            request.transport.abort()
        return web.Response(status=503)


def _retry_after(fault: Fault) -> dict[str, str]:
    return {} if fault.retry_after_seconds is None else {"Retry-After": str(fault.retry_after_seconds)}
