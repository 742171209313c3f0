"""The sandbox over HTTP: the page with the phones, and the calls that control them."""

import asyncio
import html
from collections.abc import Awaitable, Callable
from functools import wraps
from importlib.resources import files
from typing import Any, Final

import msgspec
from aiohttp import web

from balefire import BalefireError, InvalidInput, NotFound, RawRoute, TooLarge, Unauthenticated
from balefire_push_sandbox.faults import Fault
from balefire_push_sandbox.phones import Environment, Phone
from balefire_push_sandbox.sandbox import Sandbox

Guard = Callable[[web.Request], Awaitable[None]]
Handler = Callable[["SandboxRoutes", web.Request], Awaitable[web.StreamResponse]]

LONGEST_WAIT_SECONDS: Final = 25.0
MOST_PHONES: Final = 500
MAX_BODY_BYTES: Final = 16_384
REQUESTS_SHOWN: Final = 30
ASSETS: Final = {"page.js": "text/javascript", "page.css": "text/css", "icon.svg": "image/svg+xml"}
POLICY: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class NewPhone(msgspec.Struct, forbid_unknown_fields=True):
    user: str = ""
    name: str = ""
    environment: Environment = "production"
    vendor: str = "apns"


def guarded(handler: Handler) -> Handler:
    """Let in who may, and word errors as JSON."""

    @wraps(handler)
    async def checked(self: "SandboxRoutes", request: web.Request) -> web.StreamResponse:
        try:
            await self.guard(request)
            return await handler(self, request)
        except BalefireError as error:
            return _json({"code": error.code, "detail": error.reason}, status=error.status)

    return checked


class SandboxRoutes:
    """The routes. ``guard`` raises for callers who may not; ``hand_out`` registers a new phone with a platform."""

    def __init__(self, sandbox: Sandbox, *, guard: Guard, hand_out: Callable[[Phone], Awaitable[None]]) -> None:
        self._sandbox, self.guard, self._hand_out = sandbox, guard, hand_out
        folder = files("balefire_push_sandbox") / "page"
        self._assets = {name: (folder / name).read_bytes() for name in ASSETS}
        self._document = (folder / "page.html").read_bytes()

    def all(self) -> list[RawRoute]:
        return [
            RawRoute("GET", "/sandbox", self.document),
            RawRoute("GET", "/sandbox/{name:page\\.(?:js|css)|icon\\.svg}", self.asset),
            RawRoute("GET", "/sandbox/api/state", self.state),
            RawRoute("POST", "/sandbox/api/phones", self.add_phone),
            RawRoute("DELETE", "/sandbox/api/phones/{id}", self.uninstall),
            RawRoute("POST", "/sandbox/api/faults", self.add_fault),
            RawRoute("DELETE", "/sandbox/api/faults", self.clear_faults),
        ]

    async def document(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=self._document, content_type="text/html", charset="utf-8", headers=POLICY)

    async def asset(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        return web.Response(body=self._assets[name], content_type=ASSETS[name], charset="utf-8", headers=POLICY)

    @guarded
    async def state(self, request: web.Request) -> web.StreamResponse:
        """Everything the page shows; with ``?version=`` it waits until something differs, 25 seconds at most."""
        version = request.query.get("version", "")
        if version.isascii() and version.isdigit() and len(version) < 18:
            await self._sandbox.phones.news(int(version), LONGEST_WAIT_SECONDS)
        return _json(self._state())

    @guarded
    async def add_phone(self, request: web.Request) -> web.StreamResponse:
        """A new phone; with ``user`` it becomes a device of that user. The answer holds its tokens."""
        wanted = await _read(request, NewPhone)
        if len(wanted.user) > 64 or len(wanted.name) > 64:
            raise InvalidInput("user and name have at most 64 characters")
        if wanted.vendor not in self._sandbox.vendors:
            raise InvalidInput(f"vendor is one of {', '.join(self._sandbox.vendors)}")
        if len(self._sandbox.phones.all()) >= MOST_PHONES:
            raise InvalidInput(f"there are {MOST_PHONES} phones already; restart the sandbox to begin anew")
        phone = self._sandbox.make_phone(
            user=wanted.user, name=wanted.name, environment=wanted.environment, vendor=wanted.vendor
        )
        await self._hand_out(phone)
        return _json(phone, status=201)

    @guarded
    async def uninstall(self, request: web.Request) -> web.StreamResponse:
        """The user removes the app: from now on the vendor says that this phone is gone."""
        if not self._sandbox.phones.uninstall(request.match_info["id"]):
            raise NotFound(f"no phone {html.escape(request.match_info['id'][:64])!r}")
        return web.Response(status=204)

    @guarded
    async def add_fault(self, request: web.Request) -> web.StreamResponse:
        """Order a fault; the fields are those of ``Fault``."""
        fault = await _read(request, Fault)
        if not 200 <= fault.status <= 599 or fault.delay_ms > 60_000 or (fault.times is not None and fault.times < 1):
            raise InvalidInput("status is 200 to 599, delay_ms at most 60000, times at least 1")
        self._sandbox.faults.add(fault)
        return _json(fault, status=201)

    @guarded
    async def clear_faults(self, request: web.Request) -> web.StreamResponse:
        """From now on everything works again."""
        self._sandbox.faults.clear()
        return web.Response(status=204)

    def _state(self) -> dict[str, Any]:
        phones, desks = self._sandbox.phones, self._sandbox.desks
        return {
            "vendors": self._sandbox.vendors,
            "desks": list(desks.requests)[-REQUESTS_SHOWN:],
            "version": phones.version,
            "accepted": phones.count,
            "phones": [self._phone(phone) for phone in phones.all()],
            "faults": self._sandbox.faults.all,
            "servers": {
                name: {
                    "connections": len(server.connections),
                    "connections_made": server.connections_made,
                    "requests": list(server.requests)[-REQUESTS_SHOWN:],
                }
                for name, server in self._sandbox.servers.items()
            },
        }

    def _phone(self, phone: Phone) -> dict[str, Any]:
        return {
            "id": phone.id,
            "user": phone.user,
            "name": phone.name,
            "environment": phone.environment,
            "vendor": phone.vendor,
            "topic": phone.topic,
            "badge": phone.badge,
            "gone_since": phone.gone_since,
            "shown": self._sandbox.phones.screen(phone.id),
        }


async def _read(request: web.Request, shape: Any) -> Any:
    if request.content_type != "application/json":  # other sites cannot send this without being asked first
        raise InvalidInput("send JSON with content-type application/json")
    body = await request.content.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge(f"the body has at most {MAX_BODY_BYTES} bytes")
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"the body is not understood: {error}") from None


def _json(value: Any, *, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json", headers=POLICY)


async def let_everybody_in(request: web.Request) -> None:
    """The guard of a sandbox that is open: on loopback, in the demo."""


def operators_only(authenticate: Callable[[str], Awaitable[Any]]) -> Guard:
    """The guard of a sandbox inside a platform: a bearer credential with the scope ``push:write`` or ``admin``."""

    async def guard(request: web.Request) -> None:
        scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not credential:
            raise Unauthenticated("send Authorization: Bearer with a token or key that has the scope push:write")
        async with asyncio.timeout(5):
            identity = await authenticate(credential)
        if not (identity.may("push:write") or identity.may("admin")):
            raise Unauthenticated("this credential lacks the scope push:write")

    return guard
