"""Stands in for Huawei: access tokens, and Push Kit's versions 1 and 2 for Android and HarmonyOS up to 4."""

import base64
import secrets
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from aiohttp import web

from balefire_push_sandbox.desk import Door
from balefire_push_sandbox.desks.hms_family import (
    ALL_ILLEGAL,
    BAD_STRUCTURE,
    NO_PARAMETERS,
    NO_PERMISSION,
    NO_URGENCY,
    TAKEN,
    TAKEN_IN_PART,
    Basic,
    Click,
    GrantingDesk,
    Refused,
    check_texts,
    check_ttl,
    drawn_by_app,
    read_body,
    shown_by_system,
)

SENSITIVE: Final = 80100016
BAD_COLLAPSE_KEY: Final = 80100013
LAUNCHER: Final = "com.example.app.MainActivity"
LONGEST_TITLE, LONGEST_BODY = 40, 256

Category = Literal[
    "IM",
    "VOIP",
    "SUBSCRIPTION",
    "TRAVEL",
    "HEALTH",
    "WORK",
    "ACCOUNT",
    "EXPRESS",
    "FINANCE",
    "DEVICE_REMINDER",
    "SYSTEM_REMINDER",
    "MAIL",
    "PLAY_VOICE",
    "MARKETING",
]
Hundred = Annotated[int, msgspec.Meta(ge=0, le=99)]


class Badge(msgspec.Struct, forbid_unknown_fields=True, rename={"launcher": "class"}):
    launcher: Annotated[str, msgspec.Meta(min_length=1)]
    add_num: Annotated[int, msgspec.Meta(ge=1, le=99)] | None = None
    set_num: Hundred | None = None


class Shown(Basic, forbid_unknown_fields=True, kw_only=True):
    click_action: Click
    icon: str = ""
    color: Annotated[str, msgspec.Meta(pattern="^(#[0-9A-Fa-f]{6})?$")] = ""
    sound: str = ""
    default_sound: bool = False
    tag: str = ""
    channel_id: str = ""
    notify_id: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None = None
    group: str = ""
    badge: Badge | None = None
    importance: Literal["LOW", "NORMAL"] = "NORMAL"
    style: Literal[0, 1, 3] = 0
    big_title: str = ""
    big_body: str = ""
    inbox_content: Annotated[tuple[str, ...], msgspec.Meta(max_length=5)] = ()
    foreground_show: bool = True
    profile_id: Annotated[str, msgspec.Meta(max_length=64)] = ""
    buttons: Annotated[tuple[dict[str, Any], ...], msgspec.Meta(max_length=3)] = ()


class Android(msgspec.Struct, forbid_unknown_fields=True):
    collapse_key: int = -1
    urgency: Literal["HIGH", "NORMAL"] = "NORMAL"
    category: Category | None = None
    ttl: str = "86400s"
    bi_tag: str = ""
    receipt_id: str = ""
    target_user_type: Literal[0, 1] = 0
    data: str = ""
    fast_app_target: Literal[1, 2] = 2
    notification: Shown | None = None


class Message(msgspec.Struct, forbid_unknown_fields=True):
    data: str = ""
    notification: Basic | None = None
    android: Android | None = None
    token: list[str] | None = None
    topic: str | None = None
    condition: str | None = None
    apns: dict[str, Any] = {}
    webpush: dict[str, Any] = {}


class Send(msgspec.Struct, forbid_unknown_fields=True):
    message: Message
    validate_only: bool = False


class HuaweiDesk(GrantingDesk):
    """One app in one project. ``may_be_urgent``: whether Huawei has permitted urgency HIGH. The word "forbidden" in a
    text is sensitive here."""

    vendor = "huawei"
    may_be_urgent = False

    def make_secrets(self) -> dict[str, str]:
        return {**super().make_secrets(), "project_id": str(secrets.randbelow(10**17))}

    def doors(self) -> Sequence[Door]:
        return (
            Door("POST", "/oauth2/v3/token", self.grant, sends=False),
            Door("POST", "/{version:v[12]}/{account}/messages:send", self.send),
        )

    def account(self, url: str) -> dict[str, Any]:
        kept = self.kept_secrets()
        return {
            "client_id": kept["client_id"],
            "client_secret": kept["client_secret"],
            "badge_class": LAUNCHER,
            "endpoint": url,
            "token_url": f"{url}/oauth2/v3/token",
        }

    def make_token(self, seed: bytes) -> str:
        return f"IQAAAACy{base64.urlsafe_b64encode(seed * 3).decode().rstrip('=')}"

    async def judge(self, request: web.Request) -> web.Response:
        self.check_grant(request)
        kept = self.kept_secrets()
        expected = kept["client_id"] if request.match_info["version"] == "v1" else kept["project_id"]
        if request.match_info["account"] != expected:
            raise Refused(NO_PERMISSION, status=404)
        send = await read_body(request, Send, "message", "token")
        message = send.message
        if sum(target is not None for target in (message.token, message.topic, message.condition)) != 1:
            raise Refused(NO_PARAMETERS)
        self._check(message)
        there, illegal = self.find(message.token or [])
        if not there:
            raise Refused(ALL_ILLEGAL)
        request_id = secrets.token_hex(16)
        for phone in there if not send.validate_only else ():
            self.phones.show(phone, id=request_id, **_look(message))
        if illegal:
            counts = {"success": len(there), "failure": len(illegal), "illegal_tokens": list(illegal)}
            return self.coded(TAKEN_IN_PART, detail=counts)
        return self.coded(TAKEN)

    def _check(self, message: Message) -> None:
        android = message.android or Android()
        check_ttl(android.ttl)
        if not -1 <= android.collapse_key <= 100:
            raise Refused(BAD_COLLAPSE_KEY)
        if android.urgency == "HIGH" and not self.may_be_urgent:
            raise Refused(NO_URGENCY)
        shown = android.notification
        if shown is None:
            if not (message.data or android.data) or message.notification is not None:
                raise Refused(BAD_STRUCTURE)
            return
        title, body = _words(message, shown)
        check_texts(title, body, longest_title=LONGEST_TITLE, longest_body=LONGEST_BODY)
        if "forbidden" in title + body:
            raise Refused(SENSITIVE)
        shown.click_action.check()


def _words(message: Message, shown: Shown) -> tuple[str, str]:
    basic = message.notification or Basic()
    return shown.title or basic.title, shown.body or basic.body


def _look(message: Message) -> dict[str, Any]:
    android = message.android or Android()
    shown, data = android.notification, android.data or message.data
    if shown is None:
        return drawn_by_app(data)
    title, body = _words(message, shown)
    return shown_by_system(
        data,
        shown.click_action,
        title=title,
        body=body,
        badge=shown.badge.set_num if shown.badge else None,
        sound=shown.sound or ("default" if shown.default_sound else ""),
        collapse_id=str(shown.notify_id) if shown.notify_id is not None else shown.tag,
    )
