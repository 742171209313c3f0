"""Stands in for the receiver of signed web hooks: checks the signature as Standard Webhooks says."""

import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp import web

from balefire_push_sandbox.desk import Desk, Door, read_json
from balefire_push_sandbox.faults import Refusal

TOLERANCE_SECONDS: Final = 300
REMEMBERED: Final = 10_000
STATUS: Final[Mapping[Refusal, int]] = {"overload": 429, "server_error": 503, "refuse_credentials": 401}


class WebhookDesk(Desk):
    """A receiver with one secret, that shows what it gets."""

    vendor = "webhook"

    def make_secrets(self) -> dict[str, str]:
        return {"secret": f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"}

    def secret_texts(self) -> list[str]:
        return [self.kept_secrets()["secret"].removeprefix("whsec_")]

    def doors(self) -> Sequence[Door]:
        return (Door("POST", "/hook", self._take),)

    def account(self, url: str) -> dict[str, Any]:
        self._taken: OrderedDict[str, None] = OrderedDict()
        return {**self.kept_secrets(), "url": f"{url}/hook"}

    def refuse(self, refusal: Refusal) -> web.Response:
        headers = {"Retry-After": "7"} if refusal == "overload" else {}
        return web.json_response({}, status=STATUS[refusal], headers=headers)

    async def _take(self, request: web.Request) -> web.Response:
        message_id = request.headers.get("webhook-id", "")
        if not self._is_signed(request.headers, message_id, await request.read()):
            return web.json_response({}, status=401)
        note = await read_json(request)
        if not isinstance(note, dict) or note.get("id") != message_id or not isinstance(note.get("token"), str):
            return web.json_response({}, status=400)
        phone = self.phone(note["token"])
        if phone is None or phone.gone_since:
            return web.json_response({}, status=410)
        if message_id not in self._taken:
            self._taken[message_id] = None
            if len(self._taken) > REMEMBERED:
                self._taken.popitem(last=False)
            self.phones.show(phone, id=message_id, **_shown(note))
        return web.json_response({"id": f"seen-{message_id}"})

    def _is_signed(self, headers: Mapping[str, str], message_id: str, body: bytes) -> bool:
        stamp = headers.get("webhook-timestamp", "")
        if not stamp.isdigit() or abs(self.clock.now_ms() / 1000 - int(stamp[:15])) > TOLERANCE_SECONDS:
            return False
        key = base64.b64decode(self.kept_secrets()["secret"].removeprefix("whsec_"))
        wanted = base64.b64encode(hmac.digest(key, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256)).decode()
        given = headers.get("webhook-signature", "").split(" ")
        return any(hmac.compare_digest(text, f"v1,{wanted}") for text in given if text.isascii())


def _shown(note: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "push_type": {"data": "background", "voip": "voip"}.get(str(note.get("style")), "alert"),
        "title": str(note.get("title", "")),
        "body": str(note.get("body", "")),
        "badge": note.get("badge"),
        "sound": str(note.get("sound", "")),
        "thread": str(note.get("thread", "")),
        "collapse_id": str(note.get("collapse_key", "")),
        "data": dict(note.get("data", {})),
    }
