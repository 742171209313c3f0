"""The one HTTP port: routes that plugins registered, the API document, health and figures.

Routes are looked up through the plugin host, so a reloaded plugin's routes take effect with the next request.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Protocol

from aiohttp import web

from balefire.acts import ACTED, Emit, describe_act, is_act
from balefire.addresses import caller_address
from balefire.admission import Admission, Authenticate
from balefire.answers import REPLAYED, StoredAnswers
from balefire.config import Config
from balefire.http_connection import add_headers, connections_of, say_go_on
from balefire.logs import CURRENT_REQUEST
from balefire.operations import BoundOperation
from balefire.platform_pages import platform_routes
from balefire.problems import HandlerTooSlow, MethodNotAllowed, problem_response
from balefire.request_keys import ADDRESS, ALLOW, PLUGIN, REQUEST_ID, ROUTE
from balefire.routes import EVERYTHING, Handler, RouteTable
from balefire_hookspecs import (
    BalefireError,
    Clock,
    Conflict,
    Database,
    Forbidden,
    Identity,
    InvalidInput,
    Metric,
    NotFound,
    Operation,
    RawRoute,
    TooLarge,
    Unauthenticated,
)

log = logging.getLogger(__name__)

OPERATION_SECONDS: Final = 60.0
"""How long an operation's handler may take. Raw routes have no limit: sockets and streams live there."""

_REQUEST_ID_PATTERN = re.compile(r"[A-Za-z0-9._-]{1,64}")

_STATUS_ERRORS: Final[Mapping[int, type[BalefireError]]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    409: Conflict,
    413: TooLarge,
}


class PluginRoutes(Protocol):
    """What this module needs of the plugin host."""

    @property
    def records(self) -> Mapping[str, Any]: ...

    @property
    def on_changed(self) -> list[Callable[[], None]]: ...

    def registered(self, hook_name: str) -> Sequence[tuple[str, Any]]: ...


class HttpServer:
    """Serves plugins' routes and the platform's own pages. Everything runs on the event loop that started it."""

    def __init__(
        self,
        config: Config,
        host: PluginRoutes,
        authenticate: Authenticate,
        store_check: Callable[[], Awaitable[None]],
        clock: Clock,
        *,
        database: Database | None = None,
        metrics: Sequence[Metric] = (),
        emit: Emit | None = None,
        troubles: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """Prepare; nothing listens before ``start``.

        :param authenticate: turns a bearer credential into an identity, or raises Unauthenticated.
        :param store_check: proves that a write would succeed, or raises StorageUnavailable.
        :param database: keeps the answers of idempotent requests; without it their keys are ignored.
        :param metrics: the kernel's own figures.
        :param emit: appends what operators do to the event log.
        :param troubles: lines for ``/readyz``: what runs and does not get on, and why.
        """
        self.config, self.host, self.clock = config, host, clock
        self.store_check = store_check
        self.troubles = troubles
        self.own_metrics = list(metrics)
        self._emit = emit
        self.admission = Admission(config, authenticate, clock)
        self.answers = StoredAnswers(database, clock, config.data_folder / "secrets" / "http-answers")
        self.counts: dict[tuple[str, ...], float] = {}
        self.is_draining = False
        self.started_at = clock.monotonic()
        self.port = 0
        self.app = web.Application(client_max_size=config.server.max_body_bytes)
        self.app.router.add_route("*", EVERYTHING, self._serve, expect_handler=say_go_on)
        self.app.on_response_prepare.append(add_headers)
        self._runner: web.AppRunner | None = None
        self._listening: asyncio.Server | None = None
        self._routes: RouteTable | None = None
        host.on_changed.append(self._forget_routes)

    # -- life --------------------------------------------------------------------------------------------------------

    async def start(self) -> int:
        """Listen, and return the port: the configured one, or a free one for 0.

        :raises OSError: the port is taken or may not be opened.
        """
        await self.answers.prepare()
        listener = socket.create_server(
            (self.config.server.host, self.config.server.port), backlog=1024, family=_family(self.config.server.host)
        )
        self._runner = web.AppRunner(self.app, handle_signals=False, shutdown_timeout=5.0)
        await self._runner.setup()
        assert self._runner.server is not None, "it was set up"
        self._listening = await asyncio.get_running_loop().create_server(
            connections_of(self._runner.server), sock=listener, backlog=1024
        )
        self.port = int(listener.getsockname()[1])
        return self.port

    def drain(self) -> None:
        """Tell load balancers to look elsewhere: ``/readyz`` says no from now on; requests are still answered."""
        self.is_draining = True

    async def stop(self) -> None:
        """Stop listening, let requests in flight finish for 5 seconds, close. Stopping twice is no error."""
        self.drain()
        if self._listening is not None:
            self._listening.close()
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    # -- routes ------------------------------------------------------------------------------------------------------

    def operations(self) -> list[BoundOperation]:
        """Every typed operation of the running plugins, in configuration order."""
        return [
            BoundOperation(route, plugin)
            for plugin, route in self.host.registered("register_routes")
            if isinstance(route, Operation)
        ]

    def _forget_routes(self) -> None:
        self._routes = None

    def _route_table(self) -> RouteTable:
        if self._routes is None:
            own = [("balefire", "GET", path, handler) for path, handler in platform_routes(self).items()]
            registered = self.host.registered("register_routes")
            theirs = [(plugin, it.method, it.path, self._handler(plugin, it)) for plugin, it in registered]
            self._routes = RouteTable(own + theirs)
        return self._routes

    def _handler(self, plugin: str, route: Operation | RawRoute) -> Handler:
        if isinstance(route, RawRoute):
            return partial(_raw, route.handler, plugin)
        return partial(self._operate, BoundOperation(route, plugin))

    # -- one request -------------------------------------------------------------------------------------------------

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        request[REQUEST_ID] = _request_id(request)
        request[ADDRESS] = caller_address(request, self.config.server.trusted_proxies)
        token = CURRENT_REQUEST.set(request[REQUEST_ID])
        try:
            response = await self._guarded(request)
            self._finish(request, response)
            return response
        finally:
            CURRENT_REQUEST.reset(token)

    async def _guarded(self, request: web.Request) -> web.StreamResponse:
        """The answer, whatever the handler does."""
        try:
            return await self._answer(request)
        except BalefireError as error:
            return self._problem(request, error)
        except web.HTTPException as error:
            return error if error.status < 400 else _as_problem(request, error)
        except (Exception, SystemExit) as error:
            if _broke_off(request, error):
                return self._problem(request, InvalidInput("the body is damaged or breaks off", where="body"))
            plugin = request.get(PLUGIN, "balefire")
            log.exception("plugin %r failed to answer %s %s", plugin, request.method, _address(request))
            failed = BalefireError(f"the server failed; quote request {request[REQUEST_ID]}")
            return self._problem(request, failed, error)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        handler = await self._route_table().find(request)
        return await handler(request)

    async def _operate(self, operation: BoundOperation, request: web.Request) -> web.StreamResponse:
        request[PLUGIN] = operation.plugin
        identity = await self.admission.admit(request, operation)
        arguments = await operation.arguments(request, identity)

        async def run() -> web.StreamResponse:
            return operation.response(await _in_time(operation.operation.handler(**arguments)))

        if operation.operation.is_idempotent and "Idempotency-Key" in request.headers:
            response = await self.answers.once(request, identity.user if identity else "", run)
        else:
            response = await run()
        if identity is not None and response.status < 400 and REPLAYED not in response.headers:
            await self._note_act(request, operation, identity, response)
        return response

    async def _note_act(
        self, request: web.Request, operation: BoundOperation, identity: Identity, response: web.StreamResponse
    ) -> None:
        if self._emit is not None and is_act(request, operation, identity):
            data = describe_act(request, operation, identity, response)
            await self._emit(ACTED, user=identity.user, data=data)

    def _problem(self, request: web.Request, error: BalefireError, cause: BaseException | None = None) -> web.Response:
        if cause is None and error.status >= 500:
            log.warning("%s %s: %s", request.method, _address(request), error.reason, extra={"code": error.code})
        response = problem_response(error, request[REQUEST_ID])
        if ALLOW in request:
            response.headers["Allow"] = request[ALLOW]
        return response

    def _finish(self, request: web.Request, response: web.StreamResponse) -> None:
        label = (f"{response.status // 100}xx",)
        self.counts[label] = self.counts.get(label, 0) + 1
        log.debug("answered", extra={"method": request.method, "path": _address(request), "status": response.status})


def _address(request: web.Request) -> str:
    """As the route has it. Where there is none, the beginning: the rest may be a secret that was mistyped."""
    start, more = request.path[1:].partition("/")[::2]
    return str(request.get(ROUTE, f"/{start}/…" if more or request.path.endswith("/") else f"/{start}"))


def _broke_off(request: web.Request, error: BaseException) -> bool:
    """Whether it is the caller who failed: with a damaged body, or by hanging up before the end of it."""
    return isinstance(error, web.RequestPayloadError) or (
        isinstance(error, ConnectionError) and request.transport is None
    )


async def _raw(handler: Callable[[web.Request], Awaitable[Any]], plugin: str, request: web.Request) -> Any:
    request[PLUGIN] = plugin
    return await handler(request)


async def _in_time(work: Awaitable[Any]) -> Any:
    try:
        async with asyncio.timeout(OPERATION_SECONDS) as limit:
            return await work
    except TimeoutError:
        if not limit.expired():
            raise  # the handler's own
        raise HandlerTooSlow(f"the operation did not finish within {OPERATION_SECONDS:g} seconds") from None


def _as_problem(request: web.Request, error: web.HTTPException) -> web.Response:
    kind = _STATUS_ERRORS.get(error.status, InvalidInput if error.status < 500 else BalefireError)
    reason = (error.text or error.reason).strip()
    return problem_response(kind(reason[:1].lower() + reason[1:]), request[REQUEST_ID], status=error.status)


def _request_id(request: web.Request) -> str:
    given = request.headers.get("X-Request-Id", "")
    return given if _REQUEST_ID_PATTERN.fullmatch(given) else secrets.token_hex(8)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
