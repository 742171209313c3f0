"""Push through Acme.

What is written here about Acme's protocol is an example: replace ``Acme.send`` by what your vendor's documentation
says, and make ``tests/acme_stand_in.py`` as strict as your vendor is.
"""

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any, Final

import httpx
from pydantic import Field, SecretStr

from balefire import (
    Manifest,
    Misconfigured,
    Notification,
    NotificationRejected,
    PluginContext,
    PushVendor,
    RateLimited,
    Settings,
    TokenRejected,
    TryLater,
    hookimpl,
    shorten,
)

MOST_BYTES: Final = 2_000
"""How long a text may be, in UTF-8. Find out your vendor's limit, and what it counts."""


class Config(Settings):
    """The table ``[plugins.push-acme]``."""

    api_key: SecretStr = Field(description="the key from Acme's console")
    endpoint: str = Field("https://push.acme.example", description="where Acme's API is")
    timeout_seconds: float = Field(10.0, gt=0, le=14, description="how long to wait for an answer")


class Acme:
    """One account at Acme. ``send`` is called concurrently; the connections are shared."""

    name = "acme"

    def __init__(self, config: Config, http: httpx.AsyncClient) -> None:
        self._config = config
        self._http = http

    async def send(self, note: Notification) -> str | None:
        """Hand one notification over and return Acme's id for it.

        :raises PushError: one of its subclasses tells the hub what to do next.
        """
        response = await self._post(note)
        if response.status_code == HTTPStatus.OK:
            return str(response.json()["id"])
        raise _refusal(response)

    async def _post(self, note: Notification) -> httpx.Response:
        try:
            return await self._http.post(
                f"{self._config.endpoint}/v1/notifications",
                headers={"Authorization": f"Bearer {self._config.api_key.get_secret_value()}"},
                json=_body(note),
                timeout=self._config.timeout_seconds,
            )
        except httpx.TransportError as error:
            # Not "from error": the exception holds the request, and the request holds the key.
            raise TryLater(f"acme cannot be reached: {type(error).__name__}") from None


def _body(note: Notification) -> dict[str, Any]:
    return {
        "id": note.id,
        "to": note.token,
        "title": shorten(note.title, _fits),
        "text": shorten(note.body, _fits),
        "ttl": note.ttl_seconds,
        "data": note.data,
    }


def _fits(text: str) -> bool:
    return len(text.encode()) <= MOST_BYTES


def _refusal(response: httpx.Response) -> Exception:
    """What an answer other than 200 means for the hub. Never put a device token into the text: it ends up in logs."""
    status = response.status_code
    if status == HTTPStatus.GONE:
        return TokenRejected("acme no longer knows this device")
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return Misconfigured("plugins.push-acme.api_key: acme refuses it; compare it with acme's console")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited("acme asks for fewer requests", after_seconds=_retry_after(response))
    if response.is_server_error:
        return TryLater(f"acme answered {status}", after_seconds=_retry_after(response))
    return NotificationRejected(f"acme answered {status}")


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else None


class Plugin:
    """Wires the vendor to the platform; all logic is above."""

    @hookimpl
    def describe(self) -> Manifest:
        """Say what this plugin is and how it is configured."""
        return Manifest(summary="Push through Acme", summary_zh="通过 Acme 推送", config=Config)

    @hookimpl
    async def lifespan(self, ctx: PluginContext[Config]) -> AsyncIterator[None]:
        """Open the connections, and close them at stop. The operator chose the endpoint, so it may be private."""
        async with ctx.http_client(allow_private=True) as http:
            self._vendor = Acme(ctx.config, http)
            yield

    @hookimpl
    def register_push_vendors(self) -> list[PushVendor]:
        """Hand the vendor over; devices whose ``vendor`` is "acme" are its business."""
        return [self._vendor]
