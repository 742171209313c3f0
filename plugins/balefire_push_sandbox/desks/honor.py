"""Stands in for Honor: access tokens, and Honor Push."""

import base64
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from aiohttp import web

from balefire import Clock
from balefire_push_sandbox.desk import Door
from balefire_push_sandbox.desks.hms_family import (
    ALL_ILLEGAL,
    BAD_STRUCTURE,
    NO_PERMISSION,
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
from balefire_push_sandbox.phones import Phones

TAKEN: Final = 200
SKEW_MS: Final = 600_000
LAUNCHER: Final = "com.example.app.MainActivity"
LONGEST_TITLE, LONGEST_BODY = 40, 256


class Badge(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    badge_class: Annotated[str, msgspec.Meta(min_length=1)]
    add_num: Annotated[int, msgspec.Meta(ge=1, le=99)] | None = None
    set_num: Annotated[int, msgspec.Meta(ge=0, le=99)] | None = None


class Shown(Basic, forbid_unknown_fields=True, rename="camel", kw_only=True):
    click_action: Click
    style: Literal[0, 1] = 0
    big_title: str = ""
    big_body: str = ""
    importance: Literal["LOW", "NORMAL"] = "NORMAL"
    badge: Badge | None = None
    notify_id: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None = None
    tag: str = ""
    group: str = ""
    when: str = ""
    buttons: tuple[dict[str, Any], ...] = ()


class Android(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    ttl: str = "86400s"
    bi_tag: str = ""
    data: str = ""
    target_user_type: Literal[0, 1] = 0
    category: str = ""
    notification: Shown | None = None


class Send(msgspec.Struct, forbid_unknown_fields=True):
    token: list[str]
    data: str = ""
    notification: Basic | None = None
    android: Android | None = None


class HonorDesk(GrantingDesk):
    """One app. Devices in ``failing`` are answered as failed, without a reason."""

    vendor = "honor"
    overload_status = 429

    def __init__(self, phones: Phones, clock: Clock, folder: Path) -> None:
        super().__init__(phones, clock, folder)
        self.failing: set[str] = set()

    def make_secrets(self) -> dict[str, str]:
        return {**super().make_secrets(), "app_id": str(secrets.randbelow(9 * 10**8) + 10**8)}

    def doors(self) -> Sequence[Door]:
        return (
            Door("POST", "/auth/token", self.grant, sends=False),
            Door("POST", "/api/v1/{app}/sendMessage", self.send),
        )

    def account(self, url: str) -> dict[str, Any]:
        kept = self.kept_secrets()
        return {**kept, "badge_class": LAUNCHER, "endpoint": url, "token_url": f"{url}/auth/token"}

    def make_token(self, seed: bytes) -> str:
        return f"BAEAAAAAB.{base64.urlsafe_b64encode(seed * 2).decode().rstrip('=')}"

    def coded(self, code: int, *, status: int = 200, detail: Any = None) -> web.Response:
        said = "success" if code == TAKEN else "refused"
        return web.json_response({"code": code, "message": said, "data": detail or {}}, status=status)

    async def judge(self, request: web.Request) -> web.Response:
        self.check_grant(request)
        if request.match_info["app"] != self.kept_secrets()["app_id"]:
            raise Refused(NO_PERMISSION)
        timestamp = request.headers.get("timestamp", "")
        if not timestamp.isdigit() or abs(int(timestamp[:15]) - self.clock.now_ms()) > SKEW_MS:
            raise Refused(BAD_STRUCTURE)
        send = await read_body(request, Send, "token")
        _check(send)
        there, expired = self.find(send.token)
        failed = [phone.token for phone in there if phone.token in self.failing]
        if not there:
            raise Refused(ALL_ILLEGAL)
        request_id = secrets.token_hex(16)
        for phone in there:
            if phone.token not in self.failing:
                self.phones.show(phone, id=request_id, **_look(send))
        result = {"requestId": request_id, "failTokens": failed, "expireTokens": list(expired)}
        return self.coded(TAKEN, detail={"sendResult": len(failed) < len(there), **result})


def _check(send: Send) -> None:
    android = send.android or Android()
    check_ttl(android.ttl)
    shown = android.notification
    if shown is None:
        if not (send.data or android.data) or send.notification is not None:
            raise Refused(BAD_STRUCTURE)
        return
    title, body = _words(send, shown)
    check_texts(title, body, longest_title=LONGEST_TITLE, longest_body=LONGEST_BODY)
    shown.click_action.check()


def _words(send: Send, shown: Shown) -> tuple[str, str]:
    basic = send.notification or Basic()
    return shown.title or basic.title, shown.body or basic.body


def _look(send: Send) -> dict[str, Any]:
    android = send.android or Android()
    shown, data = android.notification, android.data or send.data
    if shown is None:
        return drawn_by_app(data)
    title, body = _words(send, shown)
    return shown_by_system(
        data,
        shown.click_action,
        title=title,
        body=body,
        badge=shown.badge.set_num if shown.badge else None,
        collapse_id=str(shown.notify_id) if shown.notify_id is not None else shown.tag,
    )
