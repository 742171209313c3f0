"""Stands in for OPPO's push server: the token call and the list of different texts."""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from aiohttp import web

from balefire_push_sandbox.desk import Desk, Door
from balefire_push_sandbox.faults import Refusal

CHANNEL: Final = "chat"
CATEGORY: Final = "IM"
MOST_TARGETS: Final = 1000
SKEW_MS: Final = 600_000
LIFE_MS: Final = 86_400_000
REMEMBERED: Final = 10_000
REFUSALS: Final[Mapping[Refusal, int]] = {"overload": -2, "server_error": -1, "refuse_credentials": 11}
CATEGORIES: Final = frozenset(
    ["IM", "ACCOUNT", "DEVICE_REMINDER", "ORDER", "TODO", "SUBSCRIPTION", "NEWS", "CONTENT", "MARKETING", "SOCIAL"]
)


class Notification(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    content: str
    style: Literal[1, 2, 3] = 1
    app_message_id: Annotated[str, msgspec.Meta(max_length=64)] = ""
    sub_title: Annotated[str, msgspec.Meta(max_length=10)] = ""
    click_action_type: Literal[0, 1, 2, 4, 5] = 0
    click_action_activity: Annotated[str, msgspec.Meta(max_length=500)] = ""
    click_action_url: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    action_parameters: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    channel_id: str = ""
    category: str = ""
    notify_level: Literal[0, 1, 2, 16] = 0
    off_line: bool = True
    off_line_ttl: Annotated[int, msgspec.Meta(ge=0, le=10 * 86_400)] = 3600
    notify_id: int = 0
    badge_operation_type: Literal[0, 1] = 0
    badge_message_count: Annotated[int, msgspec.Meta(ge=0)] = 0


class Target(msgspec.Struct, forbid_unknown_fields=True):
    target_type: Literal[2]
    target_value: str
    notification: Notification
    verify_registration_id: bool = False


class OppoDesk(Desk):
    """One app with one registered channel and the right to the category IM."""

    vendor = "oppo"

    def make_secrets(self) -> dict[str, str]:
        return {"app_key": secrets.token_hex(16), "master_secret": secrets.token_hex(16)}

    def secret_texts(self) -> list[str]:
        return [self.kept_secrets()["master_secret"], *self._tokens]

    def doors(self) -> Sequence[Door]:
        return (
            Door("POST", "/server/v1/auth", self._auth, sends=False),
            Door("POST", "/server/v1/message/notification/unicast_batch", self._send),
        )

    def account(self, url: str) -> dict[str, Any]:
        self._tokens: dict[str, int] = {}
        self._taken: OrderedDict[tuple[str, str], str] = OrderedDict()
        return {**self.kept_secrets(), "channel": CHANNEL, "category": CATEGORY, "notify_level": 2, "endpoint": url}

    def make_token(self, seed: bytes) -> str:
        return f"OPPO_CN_{hashlib.md5(seed, usedforsecurity=False).hexdigest()}"

    def refuse(self, refusal: Refusal) -> web.Response:
        return _error(REFUSALS[refusal])

    async def _auth(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        kept, now = self.kept_secrets(), self.clock.now_ms()
        if form.get("app_key") != kept["app_key"]:
            return _error(14)
        timestamp = form.get("timestamp", "")
        if not timestamp.isdigit() or abs(now - int(timestamp[:15])) > SKEW_MS:
            return _error(18)
        wanted = hashlib.sha256((kept["app_key"] + timestamp + kept["master_secret"]).encode()).hexdigest()
        if form.get("sign") != wanted:
            return _error(15)
        token = secrets.token_hex(24)
        self._tokens[token] = now + LIFE_MS
        return web.json_response({"code": 0, "message": "success", "data": {"auth_token": token, "create_time": now}})

    async def _send(self, request: web.Request) -> web.Response:
        form = await request.post()
        token = request.headers.get("auth_token") or str(form.get("auth_token", ""))
        if not token:
            return _error(29)
        if self._tokens.get(token, 0) <= self.clock.now_ms():
            return _error(11)
        try:
            targets = msgspec.json.decode(str(form.get("messages", "")), type=list[Target])
        except msgspec.DecodeError:
            return _error(40)
        if not 0 < len(targets) <= MOST_TARGETS:
            return _error(41)
        for code in (_what_is_wrong(target.notification) for target in targets):
            if code:
                return _error(code)
        return web.json_response({"code": 0, "message": "", "data": [self._deliver(target) for target in targets]})

    def _deliver(self, target: Target) -> dict[str, Any]:
        entry: dict[str, Any] = {"registrationId": target.target_value}
        phone = self.phone(target.target_value)
        if phone is None or phone.gone_since:
            return entry | {"errorCode": 10000, "errorMessage": "invalid registration id"}
        notification = target.notification
        key = (target.target_value, notification.app_message_id)
        if notification.app_message_id and key in self._taken:
            return entry | {"messageId": self._taken[key], "errorCode": 32, "errorMessage": "duplicate"}
        message_id = self._taken[key] = secrets.token_hex(12)
        if len(self._taken) > REMEMBERED:
            self._taken.popitem(last=False)
        data = msgspec.json.decode(notification.action_parameters or "{}")
        self.phones.show(
            phone,
            id=notification.app_message_id or message_id,
            title=notification.title,
            body=notification.content,
            badge=notification.badge_message_count or None,
            thread=data.get("conversation", ""),
            collapse_id=str(notification.notify_id or ""),
            data=data,
        )
        return entry | {"messageId": message_id}


def _what_is_wrong(notification: Notification) -> int:
    """OPPO's code for the first thing wrong, 0 for nothing."""
    longest = 50 if notification.style == 1 else 128
    if not 0 < _length(notification.title) <= 50 or not 0 < _length(notification.content) <= longest:
        return 41
    if notification.channel_id not in ("", CHANNEL) or notification.category not in ("", *CATEGORIES):
        return 67
    if notification.notify_level and not notification.category:
        return 67
    return 31 if notification.notify_level == 16 else 0


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _error(code: int) -> web.Response:
    return web.json_response({"code": code, "message": "refused"})
