"""Stands in for Meizu's push server: signed calls, one text for up to a hundred devices."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from aiohttp import web

from balefire_push_sandbox.desk import Desk, Door
from balefire_push_sandbox.faults import Refusal

FIELDS: Final = {"appId", "pushIds", "messageJson", "sign"}
MOST_TARGETS: Final = 100
REFUSALS: Final[Mapping[Refusal, int]] = {"overload": 110010, "server_error": 1001, "refuse_credentials": 110001}

Bit = Literal[0, 1]


class Bar(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    title: Annotated[str, msgspec.Meta(min_length=1)]
    content: Annotated[str, msgspec.Meta(min_length=1)]
    notice_msg_type: Bit = 0
    notice_bar_type: Literal[0, 2] = 0


class Expand(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    notice_expand_type: Bit = 0
    notice_expand_content: str = ""


class Click(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    click_type: Literal[0, 1, 2, 3] = 0
    url: str = ""
    activity: str = ""
    custom_attribute: str = ""
    parameters: dict[str, Any] = {}


class Time(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    off_line: Bit = 1
    valid_time: Annotated[int, msgspec.Meta(ge=1, le=72)] = 24


class Sound(msgspec.Struct, forbid_unknown_fields=True):
    vibrate: Bit = 0
    lights: Bit = 0
    sound: Bit = 0


class Advance(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    suspend: Bit = 1
    clear_notice_bar: Bit = 1
    fix_speed: Bit = 0
    fix_speed_rate: int = 0
    notification_type: Sound = msgspec.field(default_factory=Sound)
    notify_key: Annotated[str, msgspec.Meta(max_length=8)] = ""


class Message(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    notice_bar_info: Bar
    notice_expand_info: Expand = msgspec.field(default_factory=Expand)
    click_type_info: Click = msgspec.field(default_factory=Click)
    push_time_info: Time = msgspec.field(default_factory=Time)
    advance_info: Advance = msgspec.field(default_factory=Advance)
    extra: dict[str, Any] = {}


class MeizuDesk(Desk):
    """One app with the right to private messages."""

    vendor = "meizu"

    def make_secrets(self) -> dict[str, str]:
        return {"app_id": str(secrets.randbelow(900_000) + 100_000), "app_secret": secrets.token_hex(16)}

    def doors(self) -> Sequence[Door]:
        return (Door("POST", "/garcia/api/server/push/varnished/pushByPushId", self._send),)

    def account(self, url: str) -> dict[str, Any]:
        return {**self.kept_secrets(), "endpoint": url}

    def make_token(self, seed: bytes) -> str:
        return hashlib.sha256(seed).hexdigest()[:44]

    def refuse(self, refusal: Refusal) -> web.Response:
        return _answer(REFUSALS[refusal])

    async def _send(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        kept = self.kept_secrets()
        if set(form) != FIELDS:
            return _answer(1005)
        if form["appId"] != kept["app_id"]:
            return _answer(110000)
        signed = "".join(f"{name}={form[name]}" for name in sorted(FIELDS - {"sign"})) + kept["app_secret"]
        if form["sign"] != hashlib.md5(signed.encode(), usedforsecurity=False).hexdigest():
            return _answer(110001)
        tokens = form["pushIds"].split(",")
        try:
            message = msgspec.json.decode(form["messageJson"], type=Message)
        except msgspec.DecodeError:
            return _answer(1005)
        bar = message.notice_bar_info
        is_fitting = _length(bar.title) <= 32 and _length(bar.content) <= 100
        if not is_fitting or len(tokens) > MOST_TARGETS or len(set(tokens)) != len(tokens):
            return _answer(1005)
        failed: dict[str, list[str]] = {}
        for token in tokens:
            if code := self._deliver(token, message):
                failed.setdefault(code, []).append(token)
        return _answer(200, failed)

    def _deliver(self, token: str, message: Message) -> str:
        phone = self.phone(token)
        if phone is None:
            return "110003"
        if phone.gone_since:
            return "110002"
        data = message.click_type_info.parameters
        self.phones.show(
            phone,
            id=secrets.token_hex(8),
            title=message.notice_bar_info.title,
            body=message.notice_bar_info.content,
            thread=data.get("conversation", ""),
            collapse_id=message.advance_info.notify_key,
            data=data,
        )
        return ""


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _answer(code: int, failed: Mapping[str, Any] | None = None) -> web.Response:
    message_id = f"NS{secrets.token_hex(8)}" if code == 200 else ""
    answer = {"code": str(code), "message": "", "value": failed or {}, "msgId": message_id, "redirect": ""}
    return web.json_response(answer)
