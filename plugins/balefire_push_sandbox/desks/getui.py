"""Stands in for Getui: the token call and the batch of single messages."""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from aiohttp import web

from balefire_push_sandbox.desk import Desk, Door, read_json
from balefire_push_sandbox.faults import Refusal

MOST_MESSAGES: Final = 200
SKEW_MS: Final = 600_000
LIFE_MS: Final = 86_400_000
REMEMBERED: Final = 10_000
REFUSALS: Final[Mapping[Refusal, tuple[int, int]]] = {
    "overload": (429, 10005),
    "server_error": (500, 2),
    "refuse_credentials": (200, 10001),
}

Name = Annotated[str, msgspec.Meta(max_length=100)]


class Notification(msgspec.Struct, forbid_unknown_fields=True):
    title: Annotated[str, msgspec.Meta(min_length=1)]
    body: Annotated[str, msgspec.Meta(min_length=1)]
    click_type: Literal["intent", "url", "payload", "payload_custom", "startapp", "none"]
    intent: str = ""
    url: str = ""
    payload: Annotated[str, msgspec.Meta(max_length=3072)] = ""
    channel_id: Name = ""
    channel_name: Name = ""
    channel_level: Literal[0, 1, 2, 3, 4] = 3
    notify_id: int = 0
    ring_name: Name = ""
    badge_add_num: int = 0
    thread_id: str = ""
    category: Name = ""
    big_text: str = ""
    big_image: str = ""


class PushMessage(msgspec.Struct, forbid_unknown_fields=True):
    notification: Notification | None = None
    transmission: Annotated[str, msgspec.Meta(max_length=3072)] = ""
    revoke: dict[str, Any] = {}


class Strategy(msgspec.Struct):
    default: Literal[1, 2, 3, 4] = 1


class Options(msgspec.Struct, forbid_unknown_fields=True):
    ttl: Annotated[int, msgspec.Meta(ge=-1, le=3 * 86_400_000)] = 7_200_000
    strategy: Strategy = msgspec.field(default_factory=Strategy)
    speed: int = 0
    schedule_time: int = 0


class Audience(msgspec.Struct, forbid_unknown_fields=True):
    cid: Annotated[list[str], msgspec.Meta(min_length=1, max_length=1)]


class Message(msgspec.Struct, forbid_unknown_fields=True):
    request_id: Annotated[str, msgspec.Meta(min_length=10, max_length=32)]
    audience: Audience
    push_message: PushMessage
    settings: Options = msgspec.field(default_factory=Options)
    push_channel: dict[str, Any] = {}


class Batch(msgspec.Struct, forbid_unknown_fields=True):
    msg_list: Annotated[list[Message], msgspec.Meta(min_length=1, max_length=MOST_MESSAGES)]
    is_async: bool = False


class GetuiDesk(Desk):
    """One app."""

    vendor = "getui"

    def make_secrets(self) -> dict[str, str]:
        return {name: secrets.token_urlsafe(16) for name in ("app_id", "app_key", "master_secret")}

    def secret_texts(self) -> list[str]:
        return [self.kept_secrets()["master_secret"], *self._tokens]

    def doors(self) -> Sequence[Door]:
        return (
            Door("POST", "/v2/{app}/auth", self._auth, sends=False),
            Door("POST", "/v2/{app}/push/single/batch/cid", self._send),
        )

    def account(self, url: str) -> dict[str, Any]:
        self._tokens: dict[str, int] = {}
        self._requests: OrderedDict[str, None] = OrderedDict()
        return {**self.kept_secrets(), "endpoint": url}

    def make_token(self, seed: bytes) -> str:
        return hashlib.md5(seed, usedforsecurity=False).hexdigest()

    def refuse(self, refusal: Refusal) -> web.Response:
        status, code = REFUSALS[refusal]
        return _answer(code, status=status)

    async def _auth(self, request: web.Request) -> web.Response:
        body, kept, now = await read_json(request), self.kept_secrets(), self.clock.now_ms()
        body = body if isinstance(body, dict) else {}
        stamp = str(body.get("timestamp", ""))
        wanted = hashlib.sha256((kept["app_key"] + stamp + kept["master_secret"]).encode()).hexdigest()
        is_timely = stamp.isdigit() and abs(now - int(stamp[:15])) <= SKEW_MS
        is_ours = request.match_info["app"] == kept["app_id"] and body.get("appkey") == kept["app_key"]
        if not (is_timely and is_ours and body.get("sign") == wanted):
            return _answer(10004)
        token = secrets.token_hex(32)
        self._tokens[token] = now + LIFE_MS
        return _answer(0, {"expire_time": str(now + LIFE_MS), "token": token})

    async def _send(self, request: web.Request) -> web.Response:
        if self._tokens.get(request.headers.get("token", ""), 0) <= self.clock.now_ms():
            return _answer(10001)
        try:
            batch = msgspec.convert(await read_json(request), Batch)
        except msgspec.ValidationError:
            return _answer(20001)
        if not all(map(_is_fitting, batch.msg_list)):
            return _answer(20001)
        return _answer(0, dict(map(self._deliver, batch.msg_list)))

    def _deliver(self, message: Message) -> tuple[str, dict[str, str]]:
        task, [token] = f"RASS_{secrets.token_hex(12)}", message.audience.cid
        phone = self.phone(token)
        if phone is None or phone.gone_since:
            return task, {token: "target user is invalid"}
        if message.request_id not in self._requests:
            self._requests[message.request_id] = None
            if len(self._requests) > REMEMBERED:
                self._requests.popitem(last=False)
            self.phones.show(phone, id=message.request_id, **_shown(message))
        return task, {token: "successed_online"}


def _is_fitting(message: Message) -> bool:
    shown, pushed = message.push_message.notification, message.push_message
    if sum(map(bool, (shown, pushed.transmission, pushed.revoke))) != 1:
        return False
    return shown is None or (_length(shown.title) <= 50 and _length(shown.body) <= 256)


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _shown(message: Message) -> dict[str, Any]:
    shown = message.push_message.notification
    if shown is None:
        return {"push_type": "background", "data": msgspec.json.decode(message.push_message.transmission)}
    return {
        "title": shown.title,
        "body": shown.body,
        "thread": shown.thread_id,
        "collapse_id": str(shown.notify_id or ""),
        "data": msgspec.json.decode(shown.payload or "{}"),
    }


def _answer(code: int, data: Mapping[str, Any] | None = None, *, status: int = 200) -> web.Response:
    return web.json_response({"code": code, "msg": "success" if code == 0 else "refused", "data": data}, status=status)
