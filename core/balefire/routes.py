"""Which handler answers a request: the table of all routes, built anew when plugins change."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from aiohttp import web

from balefire.problems import MethodNotAllowed
from balefire.request_keys import ALLOW, ROUTE
from balefire_hookspecs import NotFound

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

EVERYTHING: Final = r"/{path:[\s\S]*}"
"""What the application itself listens to, line breaks included; this table decides the rest."""


class RouteTable:
    """Finds handlers. A path without variables wins over one with: ``/users/me`` is never ``/users/{id}``."""

    def __init__(self, routes: Iterable[tuple[str, str, str, Handler]]) -> None:
        """Build the table.

        :param routes: plugin, method, path, handler. One that cannot be added is left out and logged.
        """
        self._router = web.UrlDispatcher()
        self._fixed: dict[str, set[str]] = {}
        for plugin, method, path, handler in routes:
            try:
                self._add(method, path, handler)
            except Exception as error:  # what a plugin takes for a path or a method may be anything
                log.error("plugin %r: route %s %s is left out: %s", plugin, method, path, error)

    async def find(self, request: web.Request) -> Handler:
        """The handler of this request, whose ``match_info`` then holds the path's variables.

        :raises NotFound: there is nothing at this address.
        :raises MethodNotAllowed: there is, for other methods.
        """
        found = await self._router.resolve(request)
        allowed = self._fixed.get(request.path)
        if allowed is None and isinstance(found.http_exception, web.HTTPMethodNotAllowed):
            allowed = await self._allowed(request)
        if allowed is not None and request.method not in allowed:
            request.setdefault(ROUTE, request.path)  # one without variables
            request[ALLOW] = ", ".join(sorted(allowed))
            raise MethodNotAllowed(f"{request.method} is not allowed here; allowed are {request[ALLOW]}")
        if found.http_exception is not None:
            raise NotFound("there is nothing at this address; /docs lists what there is")
        if found.route.resource is not None:
            request[ROUTE] = found.route.resource.canonical
        request.match_info.clear()
        request.match_info.update(found)
        return found.handler

    def _add(self, method: str, path: str, handler: Handler) -> None:
        resource = self._router.add_resource(path)
        methods = {method, "HEAD"} if method == "GET" else {method}
        for each in methods:
            resource.add_route(each, handler)
        if "{" not in path:
            self._fixed.setdefault(path, set()).update(methods)

    async def _allowed(self, request: web.Request) -> set[str]:
        """What the resources that fit best allow: those with the fewest variables in their path."""
        by_variables: dict[int, set[str]] = {}
        for resource in self._router.resources():
            _, methods = await resource.resolve(request)
            if methods:
                variables = resource.canonical.count("{")
                by_variables.setdefault(variables, set()).update(methods)
                if variables == min(by_variables):
                    request[ROUTE] = resource.canonical
        return by_variables[min(by_variables)]
