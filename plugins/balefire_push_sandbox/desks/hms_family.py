"""What the desks of Huawei and Honor have in common: grants, coded answers, calls with a list of tokens."""

import base64
import json
import re
import secrets
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, TypeVar

import msgspec
from aiohttp import web

from balefire import Clock
from balefire_push_sandbox.desk import Desk, read_json
from balefire_push_sandbox.faults import Refusal
from balefire_push_sandbox.phones import Phone, Phones

TAKEN: Final = 80000000
TAKEN_IN_PART: Final = 80100000
NO_PARAMETERS: Final = 80100001
BAD_STRUCTURE: Final = 80100003
BAD_TTL: Final = 80100004
UNAUTHENTICATED: Final = 80200001
EXPIRED: Final = 80200003
NO_PERMISSION: Final = 80300002
ALL_ILLEGAL: Final = 80300007
TOO_LARGE: Final = 80300008
TOO_MANY: Final = 80300010
NO_URGENCY: Final = 80300011
INTERNAL: Final = 81000001

LIMIT_BYTES: Final = 4096
MOST_TOKENS: Final = 1000
LONGEST_LIFE_SECONDS: Final = 15 * 86_400
LIFE_SECONDS: Final = 3600

_TTL = re.compile(r"[1-9][0-9]{0,9}s")

S = TypeVar("S", bound=msgspec.Struct)


class Basic(msgspec.Struct, forbid_unknown_fields=True):
    title: str = ""
    body: str = ""
    image: str = ""


class Click(msgspec.Struct, forbid_unknown_fields=True):
    """What a tap does: 1 opens an intent, 2 a page, 3 the app."""

    type: Literal[1, 2, 3]
    intent: str = ""
    action: str = ""
    url: str = ""

    def check(self) -> None:
        """
        :raises Refused: it says not what to open.
        """
        opens = {1: self.intent or self.action, 2: self.url.startswith("https://"), 3: True}
        if not opens[self.type]:
            raise Refused(BAD_STRUCTURE)


class Refused(Exception):
    """The request is answered with this code; ``detail`` is more that the vendor says."""

    def __init__(self, code: int, *, status: int = 200, detail: Any = None) -> None:
        super().__init__(code)
        self.code, self.status, self.detail = code, status, detail


class FamilyDesk(Desk):
    """A desk that answers with Huawei's codes, mostly under HTTP 200."""

    overload_status: ClassVar[int] = 503

    @abstractmethod
    async def judge(self, request: web.Request) -> web.Response:
        """Judge a request to send, and let it reach its phones.

        :raises Refused: it is not in order.
        """

    def coded(self, code: int, *, status: int = 200, detail: Any = None) -> web.Response:
        """The vendor's answer with a code: Huawei's, whose details are JSON within JSON."""
        said = json.dumps(detail) if detail is not None else "Success" if code == TAKEN else "Refused"
        answer = {"code": str(code), "msg": said, "requestId": secrets.token_hex(16)}
        return web.json_response(answer, status=status)

    def refuse(self, refusal: Refusal) -> web.Response:
        if refusal == "overload":
            return web.json_response({}, status=self.overload_status)
        if refusal == "server_error":
            return self.coded(INTERNAL, status=500)
        return self.coded(UNAUTHENTICATED, status=401)

    async def send(self, request: web.Request) -> web.Response:
        """The handler of the vendor's door for notifications."""
        try:
            return await self.judge(request)
        except Refused as refused:
            return self.coded(refused.code, status=refused.status, detail=refused.detail)

    def find(self, tokens: Sequence[str]) -> tuple[list[Phone], dict[str, Phone | None]]:
        """The phones with these tokens; and the tokens that reach nobody, with the phone that had one.

        :raises Refused: no such list.
        """
        if not tokens or len(set(tokens)) != len(tokens):
            raise Refused(NO_PARAMETERS)
        if len(tokens) > MOST_TOKENS:
            raise Refused(TOO_MANY)
        found = {token: self.phone(token) for token in tokens}
        there = [phone for phone in found.values() if phone is not None and not phone.gone_since]
        return there, {token: phone for token, phone in found.items() if phone is None or phone.gone_since}


class GrantingDesk(FamilyDesk):
    """A desk that gives out access tokens for a client's id and secret."""

    def __init__(self, phones: Phones, clock: Clock, folder: Path) -> None:
        super().__init__(phones, clock, folder)
        self._granted: dict[str, float] = {}

    def make_secrets(self) -> dict[str, str]:
        return {
            "client_id": str(secrets.randbelow(9 * 10**8) + 10**8),
            # A plus and a slash, as real ones have, break clients that do not quote their forms.
            "client_secret": f"{base64.b64encode(secrets.token_bytes(30)).decode()}+/",
        }

    def secret_texts(self) -> list[str]:
        return [self.kept_secrets()["client_secret"], *self._granted]

    async def grant(self, request: web.Request) -> web.Response:
        """The handler of the token endpoint."""
        form, kept = await request.post(), self.kept_secrets()
        is_form = request.content_type == "application/x-www-form-urlencoded"
        if not is_form or form.get("grant_type") != "client_credentials":
            return web.json_response({"error": 1102, "error_description": "Refused."}, status=400)
        if (form.get("client_id"), form.get("client_secret")) != (kept["client_id"], kept["client_secret"]):
            return web.json_response({"error": 1101, "sub_error": 20044, "error_description": "Refused."}, status=400)
        token = f"CF{secrets.token_urlsafe(60)}"
        self._granted[token] = self.clock.now_ms() / 1000 + LIFE_SECONDS
        return web.json_response({"access_token": token, "expires_in": LIFE_SECONDS, "token_type": "Bearer"})

    def end_grants(self) -> None:
        """All access tokens end before their time."""
        self._granted = dict.fromkeys(self._granted, 0.0)

    def check_grant(self, request: web.Request) -> None:
        """
        :raises Refused: the request's access token is none of ours, or has ended.
        """
        token = bearer(request)
        if token not in self._granted:
            raise Refused(UNAUTHENTICATED)
        if self._granted[token] <= self.clock.now_ms() / 1000:
            raise Refused(EXPIRED)


def bearer(request: web.Request) -> str:
    """The access token of a request, "" if there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme == "Bearer" else ""


async def read_body(request: web.Request, shape: type[S], *path: str) -> S:
    """The request's body.

    :param path: where in it the tokens are; they do not count towards the limit.
    :raises Refused: it is too large, or not of this shape.
    """
    found = await read_json(request)
    if request.content_type != "application/json" or not isinstance(found, dict):
        raise Refused(BAD_STRUCTURE)
    if _size_without(found, path) > LIMIT_BYTES:
        raise Refused(TOO_LARGE)
    try:
        return msgspec.convert(found, shape)
    except msgspec.ValidationError:
        raise Refused(BAD_STRUCTURE) from None


def check_ttl(text: str) -> None:
    """
    :raises Refused: not a life as the vendor writes one, or one of more than 15 days.
    """
    if not _TTL.fullmatch(text) or int(text[:-1]) > LONGEST_LIFE_SECONDS:
        raise Refused(BAD_TTL)


def check_texts(title: str, body: str, *, longest_title: int, longest_body: int) -> None:
    """
    :raises Refused: one is missing or too long.
    """
    if not 0 < _units(title) <= longest_title or not 0 < _units(body) <= longest_body:
        raise Refused(BAD_STRUCTURE)


def look_of_data(text: str) -> dict[str, Any]:
    """What an app makes of the data it is handed: its own words and looks, if it is ours."""
    try:
        data = json.loads(text or "{}")
    except ValueError:
        data = None
    if not isinstance(data, dict):
        return {"data": {"text": text}}
    return {"data": data, "thread": str(data.get("conversation", ""))}


def drawn_by_app(text: str) -> dict[str, Any]:
    """What the phone shows of a message that the system does not draw."""
    look = look_of_data(text)
    data = look["data"]
    return look | {
        "push_type": "voip" if data.get("push") == "call" else "background",
        "title": str(data.get("title", "")),
        "body": str(data.get("body", "")),
    }


def shown_by_system(data: str, click: Click, **fields: Any) -> dict[str, Any]:
    """What the phone shows of a message that the system draws."""
    look = look_of_data(data) if data else {"data": {"intent": click.intent} if click.intent else {}}
    return look | fields


def _size_without(found: dict[str, Any], path: Sequence[str]) -> int:
    copy = json.loads(json.dumps(found))
    place = copy
    for name in path[:-1]:
        place = place.get(name) if isinstance(place, dict) else None
    if isinstance(place, dict):
        place.pop(path[-1], None)
    return len(json.dumps(copy, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
