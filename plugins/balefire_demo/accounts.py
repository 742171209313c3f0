"""One-click sign-in for the demo's people: from this computer, from this very page, and nowhere else."""

import ipaddress
from typing import Any, Final

from aiohttp import web

from balefire import USER_SCOPES, PluginContext, RawRoute, Route
from balefire_demo.people import PEOPLE, PLACES

TTL_SECONDS: Final = 86_400
LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
FORWARDED: Final = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")


class AccountRoutes:
    """``GET /demo/accounts`` lists the people, ``POST /demo/accounts/{user}/token`` signs in as one."""

    def __init__(self, ctx: PluginContext[Any]) -> None:
        self._ctx = ctx

    def routes(self) -> list[Route]:
        """What is registered."""
        return [
            RawRoute("GET", "/demo/accounts", self.list_accounts),
            RawRoute("POST", "/demo/accounts/{user}/token", self.sign_in),
        ]

    async def list_accounts(self, request: web.Request) -> web.StreamResponse:
        """Whom one may sign in as, and what else there is to see."""
        if (why := refusal(request)) is not None:
            return _problem(403, "not_local", why)
        people = [
            {"id": person.id, "display_name": person.name, "about": {"en": person.about, "zh": person.about_zh}}
            for person in PEOPLE
        ]
        places = [{"url": url, "name": {"en": english, "zh": chinese}} for english, chinese, url in PLACES]
        return web.json_response({"items": people, "places": places})

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        """A token for one of the demo's people, and for nobody else."""
        if (why := refusal(request)) is not None:
            return _problem(403, "not_local", why)
        user = request.match_info["user"]
        if user not in {person.id for person in PEOPLE}:
            return _problem(404, "not_found", "the demo has no such person")
        issuer = next(iter(self._ctx.providers.token_issuers.values()), None)
        if issuer is None:
            return _problem(503, "no_tokens", "no plugin issues tokens")
        token, _ = await issuer.issue(user, scopes=USER_SCOPES, ttl_seconds=TTL_SECONDS)
        return web.json_response({"token": token, "user": user}, headers={"Cache-Control": "no-store"})


def refusal(request: web.Request) -> str | None:
    """Why this request may not sign in, or ``None``.

    The address alone would not do: a proxy on this computer and a page of somebody else's in a browser on this
    computer come from loopback too.
    """
    if not _is_loopback(request.remote or ""):
        return "the demo's accounts work on the computer it runs on only"
    if any(name in request.headers for name in FORWARDED):
        return "the demo's accounts do not work through a proxy"
    if request.host.rpartition(":")[0] not in LOCAL_NAMES and request.host not in LOCAL_NAMES:
        return "open the demo under 127.0.0.1 or localhost"
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return "the demo's accounts work from its own pages only"
    origin = request.headers.get("Origin", "")
    if origin and origin not in (f"http://{request.host}", f"https://{request.host}"):
        return "the demo's accounts work from its own pages only"
    return None


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _problem(status: int, code: str, detail: str) -> web.Response:
    return web.json_response(
        {"status": status, "code": code, "title": code, "detail": detail},
        status=status,
        content_type="application/problem+json",
    )
