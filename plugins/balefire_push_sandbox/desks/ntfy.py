"""Stands in for an ntfy server: publishing as JSON."""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
from aiohttp import web

from balefire_push_sandbox.desk import Desk, Door, read_json
from balefire_push_sandbox.faults import Refusal

MESSAGE_BYTES: Final = 4096
REFUSALS: Final[Mapping[Refusal, int]] = {"overload": 42901, "server_error": 50001, "refuse_credentials": 40101}

_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Publish(msgspec.Struct, forbid_unknown_fields=True):
    topic: str
    message: str = ""
    title: str = ""
    tags: list[str] = []
    priority: Annotated[int, msgspec.Meta(ge=1, le=5)] = 3
    click: str = ""
    actions: Annotated[list[dict[str, Any]], msgspec.Meta(max_length=3)] = []
    attach: str = ""
    markdown: bool = False
    icon: str = ""
    filename: str = ""
    delay: str = ""
    email: str = ""
    call: str = ""


class NtfyDesk(Desk):
    """A server on which one access token may write; a topic is known while somebody has subscribed to it."""

    vendor = "ntfy"

    def make_secrets(self) -> dict[str, str]:
        return {"access_token": f"tk_{secrets.token_hex(15)[:29]}"}

    def secret_texts(self) -> list[str]:
        return [self.kept_secrets()["access_token"]]

    def doors(self) -> Sequence[Door]:
        return (Door("POST", "", self._publish),)

    def account(self, url: str) -> dict[str, Any]:
        return {**self.kept_secrets(), "endpoint": url}

    def make_token(self, seed: bytes) -> str:
        return f"up{hashlib.sha256(seed).hexdigest()[:14]}"

    def refuse(self, refusal: Refusal) -> web.Response:
        return _error(REFUSALS[refusal])

    async def _publish(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self.kept_secrets()['access_token']}":
            return _error(40101)
        try:
            publish = msgspec.convert(await read_json(request), Publish)
        except msgspec.ValidationError:
            return _error(40024)
        if not _TOPIC.fullmatch(publish.topic):
            return _error(40009)
        if len(publish.message.encode()) > MESSAGE_BYTES:
            return _error(41301)
        phone = self.phone(publish.topic)
        if phone is None or phone.gone_since:
            return _error(50701)
        message_id = secrets.token_urlsafe(9)
        push_type = "background" if publish.priority == 1 else "alert"
        self.phones.show(phone, id=message_id, title=publish.title, body=publish.message, push_type=push_type)
        now = self.clock.now_ms() // 1000
        answer = {"id": message_id, "time": now, "expires": now + 43_200, "event": "message", "topic": publish.topic}
        return web.json_response(answer)


def _error(code: int) -> web.Response:
    status = code // 100
    headers = {"Retry-After": "7"} if status == 429 else {}
    return web.json_response({"code": code, "http": status, "error": "refused"}, status=status, headers=headers)
