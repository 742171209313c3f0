"""Stands in for MiPush: many messages in one call."""

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote_plus

import msgspec
from aiohttp import web

from balefire_push_sandbox.desk import Desk, Door
from balefire_push_sandbox.faults import Refusal

PACKAGE: Final = "com.example.app"
CHANNEL: Final = "sandbox-private"
MOST_TARGETS: Final = 1000
PAYLOAD_BYTES: Final = 4096
DAY_MS: Final = 86_400_000
REFUSALS: Final[Mapping[Refusal, int]] = {"overload": 10030, "server_error": 10001, "refuse_credentials": 21301}

Short = Annotated[str, msgspec.Meta(max_length=200)]


class Message(msgspec.Struct, forbid_unknown_fields=True):
    payload: str
    restricted_package_name: Short
    pass_through: Literal[0, 1]
    title: str = ""
    description: str = ""
    notify_type: Annotated[int, msgspec.Meta(ge=-1, le=7)] = -1
    notify_id: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] = 0
    time_to_live: Annotated[int, msgspec.Meta(ge=0)] = DAY_MS
    time_to_send: int = 0
    extra: dict[str, str] = {}


class Target(msgspec.Struct, forbid_unknown_fields=True):
    target: str
    message: Message


class XiaomiDesk(Desk):
    """One app with one approved private channel."""

    vendor = "xiaomi"

    def make_secrets(self) -> dict[str, str]:
        return {"app_secret": base64.b64encode(secrets.token_bytes(18)).decode()}

    def doors(self) -> Sequence[Door]:
        return (Door("POST", "/v2/multi_messages/regids", self._send),)

    def account(self, url: str) -> dict[str, Any]:
        return {**self.kept_secrets(), "package": PACKAGE, "channel": CHANNEL, "endpoint": url}

    def make_token(self, seed: bytes) -> str:
        return base64.b64encode(seed + seed[:16]).decode()

    def refuse(self, refusal: Refusal) -> web.Response:
        if refusal == "server_error":
            return web.Response(status=503, text="<html>Service Unavailable</html>", content_type="text/html")
        return _error(REFUSALS[refusal])

    async def _send(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"key={self.kept_secrets()['app_secret']}":
            return _error(21301)
        if request.content_type != "application/x-www-form-urlencoded":
            return _error(10017)
        form = await request.post()
        try:
            targets = msgspec.json.decode(str(form.get("messages", "")), type=list[Target])
        except (msgspec.DecodeError, msgspec.ValidationError):
            return _error(10017)
        if set(form) != {"messages"} or not 0 < len(targets) <= MOST_TARGETS:
            return _error(10017)
        for code in map(_what_is_wrong, targets):
            if code:
                return _error(code)
        bad = [found.target for found in targets if not self._deliver(found)]
        if len(bad) == len(targets):
            return _error(20301)
        data = {"id": f"s{secrets.token_hex(10)}"} | ({"bad_regids": ",".join(bad)} if bad else {})
        return web.json_response({"result": "ok", "code": 0, "description": "成功", "info": "Received", "data": data})

    def _deliver(self, found: Target) -> bool:
        phone = self.phone(found.target)
        if phone is None or phone.gone_since:
            return False
        message = found.message
        data = json.loads(message.payload)
        self.phones.show(
            phone,
            id=data.pop("id", ""),
            push_type="background" if message.pass_through else "alert",
            title=message.title,
            body=message.description,
            thread=data.get("conversation", ""),
            collapse_id=str(message.notify_id or ""),
            data=data,
        )
        return True


def _what_is_wrong(found: Target) -> int:
    """Xiaomi's code for the first thing wrong, 0 for nothing."""
    message, extra = found.message, found.message.extra
    is_private = bool(extra.get("channel_id"))
    if message.restricted_package_name != PACKAGE:
        return 66108
    if len(quote_plus(message.payload.encode())) > PAYLOAD_BYTES:
        return 10017
    if not message.pass_through and not (0 < _length(message.title) < 50 and 0 < _length(message.description) < 128):
        return 10017
    if message.time_to_live > (10 if is_private else 1) * DAY_MS:
        return 10017
    if is_private and extra["channel_id"] != CHANNEL:
        return 27001
    if len(extra) > 10 or sum(len(key) + len(value) for key, value in extra.items()) > 1024:
        return 10017
    return 10017 if len(extra.get("jobkey", "")) > 20 else 0


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _error(code: int) -> web.Response:
    return web.json_response(
        {
            "result": "error",
            "reason": "refused",
            "code": code,
            "description": "refused",
            "trace_id": secrets.token_hex(8),
        }
    )
