"""Two vendors made up for the tests of the kit: Beacon takes one notification a request, Heliograph takes lists."""

import json
from collections.abc import Sequence

import httpx
from aiohttp import web

from balefire import (
    Misconfigured,
    Notification,
    Outcome,
    RateLimited,
    TokenRejected,
    TryLater,
    shorten,
)
from balefire.testing.push_vendor import Accepted, Behaviour, HttpStandIn

KEY = "beacon-key-4711"
STATUS = {"accept": 200, "overload": 429, "server_error": 503, "refuse_credentials": 401}


class BeaconStandIn(HttpStandIn):
    secrets = (KEY,)

    async def read(self, request: web.Request) -> list[Accepted]:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise web.HTTPUnauthorized
        body = json.loads(await request.read())
        if any(len(item["text"].encode()) > 4096 for item in body):
            raise web.HTTPRequestEntityTooLarge(4096, 0)
        return [Accepted(token=item["to"], id=item["id"], body=item["text"]) for item in body]

    def answer(self, behaviour: Behaviour, notes: Sequence[Accepted], dead: Sequence[Accepted]) -> web.Response:
        headers = {"retry-after": "7"} if behaviour == "overload" else {}
        gone = [note.token for note in dead]
        return web.json_response({"gone": gone}, status=STATUS[behaviour], headers=headers)


class Heliograph:
    name = "heliograph"
    max_batch = 20

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http, self._url = http, url

    async def send_batch(self, notes: Sequence[Notification]) -> Sequence[Outcome]:
        body = [{"to": note.token, "text": cut(note.body), "id": note.id} for note in notes]
        try:
            response = await self._http.post(self._url, headers={"authorization": f"Bearer {KEY}"}, json=body)
        except httpx.TransportError as error:
            raise TryLater(f"heliograph cannot be reached: {type(error).__name__}") from None
        refuse(response)
        gone = set(response.json()["gone"])
        return [Outcome(kind="token_gone" if note.token in gone else "delivered") for note in notes]


class Beacon:
    name = "beacon"

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._batch = Heliograph(http, url)

    async def send(self, note: Notification) -> str | None:
        [outcome] = await self._batch.send_batch([note])
        if outcome.kind == "token_gone":
            raise TokenRejected("beacon no longer knows this device")
        return None


def cut(text: str) -> str:
    return shorten(text, lambda kept: len(kept.encode()) <= 4096)


def refuse(response: httpx.Response) -> None:
    if response.status_code == 429:
        raise RateLimited("too many requests", after_seconds=float(response.headers["retry-after"]))
    if response.status_code == 401:
        raise Misconfigured("plugins.push-beacon.api_key: beacon refuses it")
    if response.is_server_error:
        raise TryLater(f"beacon answered {response.status_code}")
