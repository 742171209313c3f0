"""The pages that the platform itself answers: health, figures, the API document and its reader."""

from __future__ import annotations

import ipaddress
import json
import logging
from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from aiohttp import web

from balefire.figures import CONTENT_TYPE, figures_text, own_figures
from balefire.readiness import Readiness, without_reasons
from balefire.routes import Handler
from balefire_hookspecs import Forbidden, NotFound, Unauthenticated

if TYPE_CHECKING:
    from balefire.http_server import HttpServer
    from balefire.operations import BoundOperation

log = logging.getLogger(__name__)

_PAGE_FILES: Final[Mapping[str, str]] = {
    "reader.html": "text/html",
    "reader.js": "text/javascript",
    "reader.css": "text/css",
    "icon.svg": "image/svg+xml",
}
_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FORWARDED: Final = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


def platform_routes(server: HttpServer) -> dict[str, Handler]:
    """Paths and handlers of these pages; made anew whenever plugins change, which is what empties their caches."""
    pages = _Pages(server)
    return {
        "/healthz": pages.health,
        "/readyz": pages.readiness,
        "/metrics": pages.figures,
        "/openapi.json": pages.document,
        "/docs": partial(pages.reader, "reader.html"),
        "/docs/{file}": pages.reader_file,
    }


class _Pages:
    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._readiness = Readiness(server)
        self._document = b""

    async def health(self, request: web.Request) -> web.Response:
        return web.json_response({"state": "ok"})

    async def readiness(self, request: web.Request) -> web.Response:
        report = await self._readiness.report()
        status = 503 if report["state"] == "unavailable" else 200
        return web.json_response(report if await self._is_trusted(request) else without_reasons(report), status=status)

    async def figures(self, request: web.Request) -> web.Response:
        if not await self._is_trusted(request):
            raise Unauthenticated("figures are for this machine, or for a credential with the scope 'admin'")
        metrics = [("balefire", metric) for metric in own_figures(self._server)]
        metrics += self._server.host.registered("register_metrics")
        return web.Response(body=figures_text(metrics).encode(), headers={"Content-Type": CONTENT_TYPE})

    async def document(self, request: web.Request) -> web.Response:
        if not self._document:
            from balefire.openapi import describe_operations

            operations = [operation for operation in self._server.operations() if _is_understood(operation)]
            url = self._server.config.server.public_url or "/"
            document = describe_operations(operations, version=version("balefire"), url=url)
            self._document = json.dumps(document, ensure_ascii=False).encode()
        return web.Response(body=self._document, content_type="application/json")

    async def reader_file(self, request: web.Request) -> web.Response:
        return await self.reader(request.match_info["file"], request)

    async def reader(self, name: str, request: web.Request) -> web.Response:
        if name not in _PAGE_FILES:
            raise NotFound("there is nothing at this address")
        body = (files("balefire") / "api_reader" / name).read_bytes()
        headers = {"Content-Security-Policy": _PAGE_POLICY, "Cache-Control": "no-cache"}
        return web.Response(body=body, content_type=_PAGE_FILES[name], charset="utf-8", headers=headers)

    async def _is_trusted(self, request: web.Request) -> bool:
        """This very machine, or an operator. Behind a proxy everybody looks local, so that does not count."""
        if not any(name in request.headers for name in _FORWARDED) and _is_loopback(request.remote):
            return True
        identity = await self._server.admission.identify(request)
        if identity is None:
            return False
        if not identity.may("admin"):
            raise Forbidden("this needs the scope 'admin', which your credential does not have")
        return True


def _is_loopback(address: str | None) -> bool:
    try:
        return ipaddress.ip_address((address or "").partition("%")[0]).is_loopback
    except ValueError:
        return False


def _is_understood(operation: BoundOperation) -> bool:
    """One plugin's broken annotation must not cost the others their documentation."""
    try:
        return operation.signature is not None
    except Exception:
        log.exception("plugin %r: operation %s cannot be described", operation.plugin, operation.name)
        return False
