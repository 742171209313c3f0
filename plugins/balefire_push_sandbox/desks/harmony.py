"""Stands in for Huawei's Push Kit, version 3, as HarmonyOS NEXT has it."""

import base64
import json
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal

import jwt
import msgspec
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from balefire import Clock
from balefire_push_sandbox.desk import Door
from balefire_push_sandbox.desks.hms_family import (
    ALL_ILLEGAL,
    BAD_STRUCTURE,
    BAD_TTL,
    EXPIRED,
    LONGEST_LIFE_SECONDS,
    NO_PERMISSION,
    TAKEN,
    TAKEN_IN_PART,
    UNAUTHENTICATED,
    FamilyDesk,
    Refused,
    bearer,
    check_texts,
    drawn_by_app,
    read_body,
)
from balefire_push_sandbox.desks.huawei import Category
from balefire_push_sandbox.phones import Phone, Phones

AUDIENCE: Final = "https://oauth-login.cloud.huawei.com/oauth2/v3/token"
SKEW_SECONDS: Final = 300
DAY_SECONDS: Final = 86_400
LIVES_TOO_LONG: Final = 80300036
TOO_MANY_TESTS: Final = 80300029
TOO_MANY_TEST_TOKENS: Final = 80300030
TESTS_A_DAY: Final = 1000
TEST_TOKENS: Final = 10
LONGEST_TITLE, LONGEST_BODY = 100, 500
NOTIFICATION, BACKGROUND, CALL = "0", "6", "10"


class Click(msgspec.Struct, forbid_unknown_fields=True):
    actionType: Literal[0, 1]  # noqa: N815 - Huawei's names
    action: str = ""
    uri: str = ""
    data: dict[str, Any] = {}


class Badge(msgspec.Struct, forbid_unknown_fields=True):
    addNum: Annotated[int, msgspec.Meta(ge=1, le=99)] | None = None  # noqa: N815
    setNum: Annotated[int, msgspec.Meta(ge=0, le=99)] | None = None  # noqa: N815


class Shown(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    click_action: Click
    title: str = ""
    body: str = ""
    category: Category | Literal["MISS_CALL"] | None = None
    image: str = ""
    style: Literal[0, 3] = 0
    inbox_content: Annotated[list[str], msgspec.Meta(max_length=10)] = []
    big_title: str = ""
    big_body: str = ""
    notify_id: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None = None
    app_message_id: str = ""
    profile_id: str = ""
    badge: Badge | None = None
    sound: str = ""
    sound_duration: int = 0
    foreground_show: bool = True


class Payload(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    notification: Shown | None = None
    extra_data: str = ""


class Options(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    test_message: bool = False
    ttl: Annotated[int, msgspec.Meta(ge=1)] = DAY_SECONDS
    bi_tag: str = ""
    receipt_id: str = ""
    collapse_key: Annotated[int, msgspec.Meta(ge=-1, le=100)] = -1
    background_mode: int = 0


class Target(msgspec.Struct, forbid_unknown_fields=True):
    token: list[str]


class Send(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    payload: Payload
    target: Target
    push_options: Options = msgspec.field(default_factory=Options)


class HarmonyDesk(FamilyDesk):
    """One project with one service account. ``may_call``: whether Huawei has permitted calls."""

    vendor = "harmony"
    platform = "harmony"
    key_bits: ClassVar[int] = 4096
    may_call = True

    def __init__(self, phones: Phones, clock: Clock, folder: Path) -> None:
        super().__init__(phones, clock, folder)
        self._tests: Counter[int] = Counter()
        self._public_key: Any = None

    def make_secrets(self) -> dict[str, str]:
        key = rsa.generate_private_key(public_exponent=65537, key_size=self.key_bits)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return {
            "project_id": str(secrets.randbelow(10**17)),
            "key_id": secrets.token_hex(16),
            "sub_account": str(secrets.randbelow(10**9)),
            "private_key": private.decode(),
            "public_key": public.decode(),
        }

    def secret_texts(self) -> list[str]:
        return self.kept_secrets()["private_key"].splitlines()[1:-1]

    def doors(self) -> Sequence[Door]:
        return (Door("POST", "/v3/{project}/messages:send", self.send),)

    def account(self, url: str) -> dict[str, Any]:
        kept = self.kept_secrets()
        service = {name: value for name, value in kept.items() if name != "public_key"}
        service |= {"auth_uri": "https://oauth-login.cloud.huawei.com/oauth2/v3/authorize", "token_uri": AUDIENCE}
        return {"service_account": json.dumps(service), "endpoint": url}

    def make_token(self, seed: bytes) -> str:
        return f"MAMzLgIk{base64.urlsafe_b64encode(seed * 2).decode().rstrip('=')}"

    async def judge(self, request: web.Request) -> web.Response:
        self._check_assertion(bearer(request))
        if request.match_info["project"] != self.kept_secrets()["project_id"]:
            raise Refused(NO_PERMISSION)
        push_type = request.headers.get("push-type", "")
        send = await read_body(request, Send, "target", "token")
        _check(push_type, send)
        self._count_tests(send)
        there, illegal = self.find(send.target.token)
        reasons = _sorted({token: self._reason(token, phone) for token, phone in illegal.items()})
        if push_type == CALL and not self.may_call:
            there, reasons = [], {"noPushTypeRight": send.target.token}
        request_id = secrets.token_hex(16)
        for phone in there:
            self.phones.show(phone, id=request_id, **_look(push_type, send.payload))
        if not reasons:
            return self.coded(TAKEN)
        counts = {"success": len(there), "failure": len(send.target.token) - len(there), "illegalTokens": reasons}
        return self.coded(TAKEN_IN_PART if there else ALL_ILLEGAL, detail=counts)

    def _check_assertion(self, token: str) -> None:
        kept, now = self.kept_secrets(), self.clock.now_ms() / 1000
        if self._public_key is None:
            self._public_key = serialization.load_pem_public_key(kept["public_key"].encode())
        try:
            if jwt.get_unverified_header(token).get("kid") != kept["key_id"]:
                raise Refused(UNAUTHENTICATED)
            claims = jwt.decode(
                token,
                self._public_key,
                algorithms=["PS256"],
                audience=AUDIENCE,
                issuer=kept["sub_account"],
                options={"verify_exp": False, "verify_iat": False, "require": ["iat", "exp"]},
            )
        except jwt.PyJWTError:
            raise Refused(UNAUTHENTICATED) from None
        if claims["exp"] - claims["iat"] > DAY_SECONDS:
            raise Refused(LIVES_TOO_LONG)
        if claims["iat"] - SKEW_SECONDS > now:
            raise Refused(UNAUTHENTICATED)
        if claims["exp"] <= now:
            raise Refused(EXPIRED)

    def _count_tests(self, send: Send) -> None:
        if not send.push_options.test_message:
            return
        if len(send.target.token) > TEST_TOKENS:
            raise Refused(TOO_MANY_TEST_TOKENS)
        if self.count_tests(1) > TESTS_A_DAY:
            raise Refused(TOO_MANY_TESTS)

    def count_tests(self, calls: int) -> int:
        """Count calls with test messages; how many there were today."""
        day = self.clock.now_ms() // 1000 // DAY_SECONDS
        self._tests[day] += calls
        return self._tests[day]

    def _reason(self, token: str, phone: Phone | None) -> str:
        if phone is not None:
            return "noRight"  # the app is gone
        return "tokenFormatError" if self.phones.find(token) is None else "tokenPlatformNotSupport"


def _check(push_type: str, send: Send) -> None:
    shown, extra = send.payload.notification, send.payload.extra_data
    if send.push_options.ttl > LONGEST_LIFE_SECONDS:
        raise Refused(BAD_TTL)
    if push_type not in (NOTIFICATION, BACKGROUND, CALL):
        raise Refused(BAD_STRUCTURE)
    if push_type != NOTIFICATION:
        if shown is not None or not extra:
            raise Refused(BAD_STRUCTURE)
        return
    if shown is None or extra or (shown.click_action.actionType == 1 and not _target(shown.click_action)):
        raise Refused(BAD_STRUCTURE)
    if shown.title or shown.body or shown.badge is None:
        check_texts(shown.title, shown.body, longest_title=LONGEST_TITLE, longest_body=LONGEST_BODY)


def _target(click: Click) -> str:
    return click.action or click.uri


def _sorted(reasons: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for token, reason in reasons.items():
        found.setdefault(reason, []).append(token)
    return found


def _look(push_type: str, payload: Payload) -> dict[str, Any]:
    shown = payload.notification
    if shown is None:
        return drawn_by_app(payload.extra_data) | {"push_type": "voip" if push_type == CALL else "background"}
    data = shown.click_action.data
    return {
        "title": shown.title,
        "body": shown.body,
        "badge": shown.badge.setNum if shown.badge else None,
        "sound": shown.sound,
        "thread": str(data.get("conversation", "")),
        "collapse_id": "" if shown.notify_id is None else str(shown.notify_id),
        "data": data,
    }
