"""Who may come in: authentication, scopes and rate limits of typed operations."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import web

from balefire.addresses import address_block
from balefire.config import Config
from balefire.operations import BoundOperation
from balefire.rate_limits import Rate, RateLimits
from balefire.request_keys import ADDRESS, RATE_HEADERS
from balefire_hookspecs import Clock, Forbidden, Identity, SlowDown, Unauthenticated

log = logging.getLogger(__name__)

Authenticate = Callable[[str], Awaitable[Identity]]

LONGEST_CREDENTIAL: Final = 4096

RATES: Final[Mapping[str, Rate]] = {
    "default": Rate(per_minute=1_200, burst=300),
    "operator": Rate(per_minute=60_000, burst=3_000),
    "anonymous": Rate(per_minute=600, burst=120),
    "login": Rate(per_minute=30, burst=30),
}
"""Per caller: a user, or for requests without one the address. ``operator`` replaces ``default`` for admins."""


class Admission:
    """Decides whether a request reaches its handler."""

    def __init__(self, config: Config, authenticate: Authenticate, clock: Clock) -> None:
        given = {name: Rate(rate.per_minute, rate.burst) for name, rate in config.server.rates.items()}
        self._rates = {**RATES, **given}
        self._authenticate = authenticate
        self._limits = RateLimits()
        self._clock = clock

    async def admit(self, request: web.Request, operation: BoundOperation) -> Identity | None:
        """The caller, or ``None`` for an anonymous one at a public operation.

        :raises Unauthenticated, Forbidden, SlowDown: it goes no further.
        """
        scope = operation.operation.scope
        identity = await self.identify(request)
        self._charge(request, identity, operation.operation.rate)
        if identity is None and operation.needs_identity:
            raise Unauthenticated("send a token or key as Authorization: Bearer …", where="header.authorization")
        if identity is not None and scope is not None and not (identity.may(scope) or identity.may("admin")):
            raise Forbidden(f"this needs the scope {scope!r}, which your credential does not have")
        return identity

    async def identify(self, request: web.Request) -> Identity | None:
        """The bearer of the request's credential; ``None`` if it carries none.

        :raises Unauthenticated: there is a credential, and it is worth nothing.
        """
        header = request.headers.get("Authorization")
        if header is None:
            return None
        scheme, _, credential = header.partition(" ")
        if scheme.lower() != "bearer" or not credential or len(credential) > LONGEST_CREDENTIAL:
            self._charge(request, None, "anonymous")
            raise Unauthenticated("the Authorization header must read: Bearer TOKEN", where="header.authorization")
        try:
            return await self._authenticate(credential.strip())
        except Unauthenticated:
            self._charge(request, None, "anonymous")
            raise

    def _charge(self, request: web.Request, identity: Identity | None, name: str) -> None:
        if name == "default":
            name = "anonymous" if identity is None else "operator" if identity.may("admin") else "default"
        rate = self._rates.get(name)
        if rate is None:
            log.warning("no rate is called %r; using 'default'", name, extra={"path": request.path})
            name, rate = "default", self._rates["default"]
        who = (
            f"user {identity.user or identity.credential_id}"
            if identity
            else f"address {address_block(request[ADDRESS])}"
        )
        allowance = self._limits.take(f"{name} {who}", rate, self._clock.monotonic())
        request[RATE_HEADERS] = allowance.headers()
        if not allowance.is_granted:
            seconds = allowance.retry_after_seconds
            raise SlowDown(f"too many requests; try again in {seconds:.1f} seconds", retry_after_seconds=seconds)
