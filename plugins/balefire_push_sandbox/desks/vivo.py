"""Stands in for vivo's push server: the token call, single messages, and lists of devices for one text."""

import hashlib
import re
import secrets
import unicodedata
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from aiohttp import web

from balefire_push_sandbox.desk import Desk, Door, read_json
from balefire_push_sandbox.faults import Refusal
from balefire_push_sandbox.phones import Phone

SKEW_MS: Final = 600_000
LIFE_MS: Final = 86_400_000
REMEMBERED: Final = 10_000
REFUSALS: Final[Mapping[Refusal, int]] = {"overload": 10072, "server_error": 10040, "refuse_credentials": 10000}
SYSTEM: Final = frozenset(["IM", "ACCOUNT", "TODO", "DEVICE_REMINDER", "ORDER", "SUBSCRIPTION"])
OPERATIONAL: Final = frozenset(["NEWS", "CONTENT", "MARKETING", "SOCIAL"])

_TESTLIKE = re.compile(r"\d+|[A-Za-z]+")

RequestId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Message(msgspec.Struct, forbid_unknown_fields=True, rename="camel", kw_only=True):
    title: str
    content: str
    notify_type: Literal[1, 2, 3, 4]
    skip_type: Literal[1, 2, 3, 4]
    request_id: RequestId
    classification: Literal[0, 1] = 0
    category: str = ""
    time_to_live: Annotated[int, msgspec.Meta(ge=60, le=7 * 86_400)] = 86_400
    skip_content: Annotated[str, msgspec.Meta(max_length=1024)] = ""
    network_type: Literal[-1, 1] = -1
    client_custom_map: Annotated[dict[str, str], msgspec.Meta(max_length=10)] = {}
    notify_id: int = 0
    add_badge: bool = False
    push_mode: Literal[0, 1] = 0
    extra: dict[str, str] = {}


class Single(Message, forbid_unknown_fields=True, rename="camel", kw_only=True):
    reg_id: str


class ToList(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    task_id: str
    request_id: RequestId
    reg_ids: Annotated[list[str], msgspec.Meta(min_length=2, max_length=1000)]


class VivoDesk(Desk):
    """One app with the right to system messages."""

    vendor = "vivo"

    def make_secrets(self) -> dict[str, str]:
        app_id = str(secrets.randbelow(90_000) + 10_000)
        return {"app_id": app_id, "app_key": secrets.token_hex(16), "app_secret": secrets.token_hex(18)}

    def secret_texts(self) -> list[str]:
        return [self.kept_secrets()["app_secret"], *self._tokens]

    def doors(self) -> Sequence[Door]:
        return (
            Door("POST", "/message/auth", self._auth, sends=False),
            Door("POST", "/message/send", self._send),
            Door("POST", "/message/saveListPayload", self._save),
            Door("POST", "/message/pushToList", self._push),
        )

    def account(self, url: str) -> dict[str, Any]:
        self._tokens: dict[str, int] = {}
        self._tasks: OrderedDict[str, Message] = OrderedDict()
        self._requests: OrderedDict[str, str] = OrderedDict()
        return {**self.kept_secrets(), "endpoint": url}

    def make_token(self, seed: bytes) -> str:
        return f"v2-{hashlib.sha512(seed).hexdigest()[:60]}"

    def refuse(self, refusal: Refusal) -> web.Response:
        return _answer(REFUSALS[refusal])

    async def _auth(self, request: web.Request) -> web.Response:
        body, kept, now = await read_json(request), self.kept_secrets(), self.clock.now_ms()
        stamp = body.get("timestamp") if isinstance(body, dict) else None
        if not isinstance(stamp, int) or abs(now - stamp) > SKEW_MS:
            return _answer(10000)
        text = f"{kept['app_id']}{kept['app_key']}{stamp}{kept['app_secret']}"
        if body.get("appId") != kept["app_id"]:
            return _answer(10094)
        if body.get("sign") != hashlib.md5(text.encode(), usedforsecurity=False).hexdigest():
            return _answer(10000)
        token = secrets.token_hex(18)
        self._tokens[token] = now + LIFE_MS
        return _answer(0, authToken=token)

    async def _send(self, request: web.Request) -> web.Response:
        single = await self._read(request, Single)
        if isinstance(single, web.Response):
            return single
        if code := _what_is_wrong(single):
            return _answer(code)
        if single.request_id in self._requests:
            return _answer(10090, taskId=self._requests[single.request_id])
        status = self._status(single.reg_id)
        if status:
            return _answer(10302, invalidUser={"userid": single.reg_id, "status": status})
        self._show(single.reg_id, single, single.request_id)
        return _answer(0, taskId=self._remember(single.request_id))

    async def _save(self, request: web.Request) -> web.Response:
        message = await self._read(request, Message)
        if isinstance(message, web.Response):
            return message
        if code := _what_is_wrong(message):
            return _answer(code)
        if message.request_id not in self._requests:
            self._tasks[self._remember(message.request_id)] = message
            if len(self._tasks) > REMEMBERED:
                self._tasks.popitem(last=False)
        return _answer(0, taskId=self._requests[message.request_id])

    async def _push(self, request: web.Request) -> web.Response:
        listed = await self._read(request, ToList)
        if isinstance(listed, web.Response):
            return listed
        message = self._tasks.get(listed.task_id)
        if message is None or len(set(listed.reg_ids)) != len(listed.reg_ids):
            return _answer(10050)
        if listed.request_id in self._requests:
            return _answer(10090, taskId=listed.task_id)
        self._remember(listed.request_id)
        invalid = []
        for token in listed.reg_ids:
            if status := self._status(token):
                invalid.append({"userid": token, "status": status})
            else:
                self._show(token, message, listed.request_id)
        return _answer(0, taskId=listed.task_id, invalidUsers=invalid)

    async def _read(self, request: web.Request, shape: Any) -> Any:
        if self._tokens.get(request.headers.get("authToken", ""), 0) <= self.clock.now_ms():
            return _answer(10000)
        try:
            return msgspec.convert(await read_json(request), shape)
        except msgspec.ValidationError:
            return _answer(10055)

    def _remember(self, request_id: str) -> str:
        task = self._requests[request_id] = str(secrets.randbelow(9 * 10**17) + 10**17)
        if len(self._requests) > REMEMBERED:
            self._requests.popitem(last=False)
        return task

    def _status(self, token: str) -> int:
        phone = self.phone(token)
        return 1 if phone is None else 2 if phone.gone_since else 0

    def _show(self, token: str, message: Message, request_id: str) -> None:
        phone = self.phone(token)
        assert isinstance(phone, Phone)
        data = msgspec.json.decode(message.client_custom_map.get("data", "{}"))
        self.phones.show(
            phone,
            id=request_id,
            title=message.title,
            body=message.content,
            thread=data.get("conversation", ""),
            collapse_id=str(message.notify_id or ""),
            data=data,
        )


def _what_is_wrong(message: Message) -> int:
    """vivo's code for the first thing wrong, 0 for nothing."""
    if not 0 < _width(message.title) <= 40:
        return 10056
    if not 0 < _width(message.content) <= 100:
        return 10058
    if message.category not in (SYSTEM if message.classification else OPERATIONAL):
        return 10062
    return 10085 if message.push_mode == 0 and _TESTLIKE.fullmatch(message.content) else 0


def _width(text: str) -> int:
    return sum(1 if character.isascii() or unicodedata.combining(character) else 2 for character in text)


def _answer(code: int, **fields: Any) -> web.Response:
    return web.json_response({"result": code, "desc": "ok" if code == 0 else "refused", **fields})
