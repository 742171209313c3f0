"""A plugin whose operations misbehave in every way a test needs."""

import asyncio
from collections.abc import Awaitable
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, Field

from balefire import (
    Conflict,
    HealthCheck,
    Identity,
    InvalidInput,
    Metric,
    Operation,
    PluginContext,
    RawRoute,
    Route,
    SlowDown,
    hookimpl,
)


class Parcel(BaseModel):
    weight: Annotated[int, Field(ge=1, le=100)]
    label: str = ""
    extra: dict[str, Any] = {}


class Receipt(BaseModel):
    number: int
    parcel: Parcel
    by: str


class Probe:
    """Operations under ``/probe``; ``calls`` counts how often the ones with effects ran."""

    def __init__(self) -> None:
        self.calls = 0
        self.trouble: str | None = None
        self.gate = asyncio.Event()
        self.entered = asyncio.Event()

    @hookimpl
    def register_routes(self, ctx: PluginContext[Any]) -> list[Route]:
        tags = ("probe",)
        return [
            Operation(
                "POST", "/probe/{shelf}/parcels", self.store_parcel, "messages:write", tags, 201, is_idempotent=True
            ),
            Operation("GET", "/probe/parcels", self.find_parcels, "messages:read", tags),
            Operation("GET", "/probe/open", self.who_is_there, None, tags),
            Operation("GET", "/probe/error/{name}", self.fail, None, tags, errors={409: "conflict"}),
            Operation("POST", "/probe/slow", self.wait, "messages:write", tags, 204, is_idempotent=True),
            Operation("POST", "/probe/admin", self.administer, "admin", tags, 204),
            Operation("GET", "/probe/limited", self.who_is_there, None, tags, rate="probe"),
            RawRoute("GET", "/probe/raw/{rest:.*}", self.raw),
            RawRoute("POST", "/probe/raw/broken", self.broken),
        ]

    @hookimpl
    def register_health_checks(self) -> list[HealthCheck]:
        return [HealthCheck("belt", self.check), HealthCheck("lamp", self.check_lamp, is_critical=False)]

    @hookimpl
    def register_metrics(self) -> list[Metric]:
        return [
            Metric("balefire_probe_calls_total", "Calls", lambda: self.calls, kind="counter"),
            Metric("balefire_probe_shelves", 'Shelves by "colour"', lambda: {('re"d\n',): 2.0}, ("colour",)),
            Metric("balefire_probe_broken", "Cannot be read", lambda: 1 / 0),
        ]

    async def check(self) -> str | None:
        return self.trouble

    def check_lamp(self) -> Awaitable[str | None]:
        if self.trouble == "raise":
            raise RuntimeError("the lamp is broken")
        return self._look_at_lamp()

    async def _look_at_lamp(self) -> str | None:
        if self.trouble == "hang":
            await asyncio.Event().wait()
        return None

    async def store_parcel(
        self,
        shelf: Annotated[int, Field(ge=0)],
        request: Parcel,
        identity: Identity,
        fragile: bool = False,
    ) -> Receipt:
        """Put a parcel on a shelf."""
        self.calls += 1
        if request.label == "taken":
            raise Conflict("the shelf is taken", where="path.shelf")
        return Receipt(number=self.calls, parcel=request, by=identity.user)

    async def find_parcels(
        self, q: str, limit: Annotated[int, Field(ge=1, le=10)] = 5, tag: list[str] | None = None
    ) -> list[Parcel]:
        """Find parcels."""
        return [Parcel(weight=limit, label=f"{q} {tag}")]

    async def who_is_there(self, identity: Identity | None = None) -> Parcel:
        """Say who asks."""
        return Parcel(weight=1, label=identity.user if identity else "nobody")

    async def fail(self, name: str) -> None:
        """Fail in the way that is asked for."""
        match name:
            case "conflict":
                raise Conflict("there is one already", where="path.name")
            case "slow-down":
                raise SlowDown("not so fast", retry_after_seconds=2.2)
            case "exit":
                raise SystemExit(3)
            case "timeout":
                raise TimeoutError
            case "aiohttp":
                raise web.HTTPPreconditionFailed(text="Short and stout")
        raise ZeroDivisionError("secret-in-a-traceback")

    async def wait(self) -> None:
        """Wait until the test lets it go."""
        self.calls += 1
        self.entered.set()
        await self.gate.wait()

    async def administer(self) -> None:
        """Use an operator's powers."""

    async def raw(self, request: web.Request) -> web.Response:
        return web.Response(text=request.match_info["rest"], headers={"Content-Security-Policy": "default-src 'self'"})

    async def broken(self, request: web.Request) -> web.Response:
        raise InvalidInput("this hook cannot be read", where="body")
