"""A stand-in for a push vendor: a real HTTP server on loopback that answers as a test tells it to."""

import asyncio
from collections.abc import Sequence
from typing import Literal, Protocol, Self

import msgspec
from aiohttp import web

Behaviour = Literal["accept", "overload", "server_error", "refuse_credentials", "hang", "drop"]
"""What a stand-in does with a request: take it, answer "too many", answer 5xx, say that key or access token are
wrong, never answer, or cut the connection."""


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """A notification that the stand-in took. ``id`` is the notification's, "" if the vendor's protocol has none."""

    token: str
    id: str = ""
    title: str = ""
    body: str = ""


class StandIn(Protocol):
    """What the conformance kit asks of a stand-in, whatever protocol the vendor speaks.

    ``accepted`` holds what was taken, in order. Requests for ``dead_tokens`` get the vendor's answer for a device
    that is gone. ``secrets`` are the credentials that must never show in logs or errors. ``retry_after_seconds`` is
    what the answer to "overload" asks for, ``None`` if the vendor cannot say. ``waiting`` counts the requests that
    hang now.
    """

    @property
    def accepted(self) -> Sequence[Accepted]: ...

    @property
    def dead_tokens(self) -> set[str]: ...

    @property
    def secrets(self) -> Sequence[str]: ...

    @property
    def retry_after_seconds(self) -> float | None: ...

    @property
    def waiting(self) -> int: ...

    def behave(self, behaviour: Behaviour, *, times: int | None = None) -> None:
        """Treat the coming requests so: this many, then accept again; ``None`` until told otherwise."""


class HttpStandIn:
    """A stand-in for a vendor that is spoken to over HTTP: one request carries one notification, or a list.

    Inherit it and write ``read`` and ``answer``; enter it with ``async with`` and point the vendor at ``url``.
    Everything runs on the caller's event loop; the port is ephemeral.
    """

    secrets: Sequence[str] = ()
    retry_after_seconds: float | None = 7.0

    def __init__(self) -> None:
        self.accepted: list[Accepted] = []
        self.dead_tokens: set[str] = set()
        self.waiting = 0
        self.url = ""
        self._behaviour: Behaviour = "accept"
        self._times: int | None = None
        self._released = asyncio.Event()

    # -- what an author writes ---------------------------------------------------------------------------------

    async def read(self, request: web.Request) -> list[Accepted]:
        """What a request asks to send. Check headers, signature and limits here as strictly as the vendor does.

        :raises aiohttp.web.HTTPException: the answer for a request that the vendor would refuse.
        """
        raise NotImplementedError("a stand-in says how to read its vendor's requests")

    def answer(self, behaviour: Behaviour, notes: Sequence[Accepted], dead: Sequence[Accepted]) -> web.Response:
        """The vendor's wording of an answer; ``dead`` are those of ``notes`` whose token is gone.

        Asked for "accept", "overload", "server_error" and "refuse_credentials".
        """
        raise NotImplementedError("a stand-in says how its vendor answers")

    # -- what the kit uses -------------------------------------------------------------------------------------

    def behave(self, behaviour: Behaviour, *, times: int | None = None) -> None:
        self._behaviour, self._times = behaviour, times
        if behaviour != "hang":
            self._released.set()
            self._released = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._serve)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._released.set()
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        notes = await self.read(request)
        behaviour = self._next_behaviour()
        if behaviour == "hang":
            await self._hang()
            behaviour = "server_error"
        if behaviour == "drop" and request.transport is not None:
            request.transport.abort()
        if behaviour != "accept":
            return self.answer("server_error" if behaviour == "drop" else behaviour, notes, ())
        dead = [note for note in notes if note.token in self.dead_tokens]
        self.accepted.extend(note for note in notes if note.token not in self.dead_tokens)
        return self.answer("accept", notes, dead)

    def _next_behaviour(self) -> Behaviour:
        if self._times == 0:
            self._behaviour, self._times = "accept", None
        elif self._times is not None:
            self._times -= 1
        return self._behaviour

    async def _hang(self) -> None:
        released = self._released
        self.waiting += 1
        try:
            await released.wait()
        finally:
            self.waiting -= 1
