"""A stand-in for Acme's server: a real one on loopback, as strict as Acme's documentation says Acme is."""

import json
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from balefire.testing.push_vendor import Accepted, Behaviour, HttpStandIn

KEY = "acme-key-for-tests"
STATUS = {"accept": 200, "overload": 429, "server_error": 503, "refuse_credentials": 401}


class AcmeStandIn(HttpStandIn):
    """Refuses what Acme would refuse; ``accepted`` holds the rest."""

    secrets = (KEY,)
    retry_after_seconds = 7.0

    async def read(self, request: web.Request) -> list[Accepted]:
        """The one notification in a request."""
        if (request.method, request.path) != ("POST", "/v1/notifications"):
            raise web.HTTPNotFound
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            raise web.HTTPUnauthorized
        body = json.loads(await request.read())
        if not is_valid(body):
            raise web.HTTPBadRequest
        return [Accepted(token=body["to"], id=body["id"], title=body["title"], body=body["text"])]

    def answer(self, behaviour: Behaviour, notes: Sequence[Accepted], dead: Sequence[Accepted]) -> web.Response:
        """Acme's wording."""
        if dead:
            return web.json_response({"error": "no such device"}, status=410)
        headers = {"Retry-After": "7"} if behaviour == "overload" else {}
        return web.json_response({"id": f"acme-{notes[0].id}"}, status=STATUS[behaviour], headers=headers)


def is_valid(body: Any) -> bool:
    """Every field is there, of the right type, within its limit, and nothing else is."""
    if not isinstance(body, dict) or set(body) != {"id", "to", "title", "text", "ttl", "data"}:
        return False
    texts = [body[key] for key in ("id", "to", "title", "text")]
    return (
        all(isinstance(text, str) and len(text.encode()) <= 2_000 for text in texts)
        and isinstance(body["ttl"], int)
        and isinstance(body["data"], dict)
    )
