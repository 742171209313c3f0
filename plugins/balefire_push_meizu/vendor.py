"""The push vendor "meizu": up to a hundred devices that get the same text in one signed call."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from pydantic import Field, SecretStr

from balefire import (
    Account,
    Answer,
    Clock,
    Misconfigured,
    Notification,
    NotificationRejected,
    Outcome,
    PushError,
    QuotaExhausted,
    RateLimited,
    Refusals,
    TokenRejected,
    TryLater,
    VendorHttp,
    VendorPlugin,
    VendorSettings,
    codes,
    encode_json,
    send_grouped,
    shorten_units,
    split_outcomes,
    stable_number,
)

MEIZU: Final = "https://server-api-push.meizu.com"
PATH: Final = "/garcia/api/server/push/varnished/pushByPushId"
MOST_TARGETS: Final = 100
TITLE_CHARACTERS: Final = 32
CONTENT_CHARACTERS: Final = 100
MOST_HOURS: Final = 72
OPENS_THE_APP: Final = 0
TAKEN: Final = "200"
FOLDED: Final = "520"
"""Shown folded together with others, after five in a minute: taken."""

CODES: Final[Mapping[str, type[PushError]]] = (
    codes(TryLater, "500 1001")
    | codes(RateLimited, "1003 110010")
    | codes(NotificationRejected, "1005")
    | codes(Misconfigured, "1006 110000 110001 110009 110031 110033 110053")
    | codes(TokenRejected, "110002 110003 110004")
    | codes(QuotaExhausted, "110019 110051")
)
TARGET_CODES: Final[Mapping[str, type[PushError]]] = (
    codes(TokenRejected, "110002 110003")
    | codes(NotificationRejected, "201 110005 110010")
    | codes(TryLater, "501 513 518 519")  # 518 and 519 are about one device's speed, not ours
    | codes(QuotaExhausted, "110011")
)
HINTS: Final = {
    "1006": "compare plugins.push-meizu.app_id and app_secret with Meizu's console",
    "110001": "compare plugins.push-meizu.app_id and app_secret with Meizu's console",
}


class Config(VendorSettings):
    """The table ``[plugins.push-meizu]``: one app in Meizu's console."""

    needed: ClassVar[tuple[str, ...]] = ("app_id", "app_secret")

    app_id: str = Field("", max_length=40, description="AppID from Meizu's console")
    app_secret: SecretStr = Field(SecretStr(""), description="AppSecret from Meizu's console")
    is_private: bool = Field(True, description="send as private messages, such as chat; public ones have a small quota")
    endpoint: str = Field(MEIZU, pattern="^https?://", description="mainland, or server-api-push.in.meizu.com")


class Meizu:
    """Implements ``BatchPushVendor``."""

    name = "meizu"
    max_batch = 100

    def __init__(self, account: Account[Config], http: VendorHttp) -> None:
        self._account, self._http = account, http
        self._refusals = Refusals("meizu", CODES, hints=HINTS)
        self._target_refusals = Refusals("meizu", TARGET_CODES)

    async def send_batch(self, notes: Sequence[Notification]) -> Sequence[Outcome]:
        """Push up to a hundred; see ``BatchPushVendor.send_batch``."""
        config = self._account.read()

        async def send(words: bytes, group: Sequence[Notification]) -> Sequence[Outcome]:
            return await self._call(config, words.decode(), group)

        return await send_grouped(
            notes, lambda note: encode_json(build_message(note, config)), send, at_most=MOST_TARGETS
        )

    async def _call(self, config: Config, words: str, notes: Sequence[Notification]) -> Sequence[Outcome]:
        form = {
            "appId": config.app_id,
            "pushIds": ",".join(dict.fromkeys(note.token for note in notes)),
            "messageJson": words,
        }
        answer = await self._http.post(
            config.endpoint + PATH,
            form=form | {"sign": sign(form, config.app_secret.get_secret_value())},
            timeout_seconds=config.timeout_seconds,
        )
        code = str(answer.fields.get("code", ""))
        if not answer.is_success or code != TAKEN:
            raise self._refusals.explain(answer, code)
        return split_outcomes(notes, self._refused(answer), str(answer.fields.get("msgId", "")))

    def _refused(self, answer: Answer) -> dict[str, PushError]:
        """Meizu lists the devices that failed under their codes."""
        listed = answer.fields.get("value")
        listed = listed if isinstance(listed, dict) else {}
        return {
            str(token): self._target_refusals.explain_target(str(code))
            for code, tokens in listed.items()
            if code != FOLDED and isinstance(tokens, list)
            for token in tokens
        }


def build_message(note: Notification, config: Config) -> dict[str, Any]:
    """``messageJson``: equal for notifications that say the same.

    :raises NotificationRejected: it shows nothing; Meizu lets few apps do that.
    """
    if note.style == "data":
        raise NotificationRejected("meizu gives silent messages to few apps: everything is shown")
    sound = {"vibrate": 1, "lights": 1, "sound": 1} if note.urgency != "bulk" else {}
    return {
        "noticeBarInfo": {
            "noticeMsgType": 1 if config.is_private else 0,
            "noticeBarType": 0,
            "title": shorten_units(note.title, TITLE_CHARACTERS) or " ",
            "content": shorten_units(note.body, CONTENT_CHARACTERS) or " ",
        },
        "clickTypeInfo": {"clickType": OPENS_THE_APP, "parameters": note.data},
        "pushTimeInfo": {"offLine": 1, "validTime": min(max(note.ttl_seconds // 3600, 1), MOST_HOURS)},
        "advanceInfo": {
            "notificationType": sound,
            "notifyKey": f"{stable_number(note.collapse_key or note.id):08x}",
        },
    }


def sign(form: Mapping[str, str], secret: str) -> str:
    """Meizu's signature: the fields in order of their names, unquoted, then the secret."""
    text = "".join(f"{name}={value}" for name, value in sorted(form.items())) + secret
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()  # Meizu's protocol asks for MD5


class Plugin(VendorPlugin[Config]):
    """The plugin "push-meizu"."""

    vendor = "meizu"
    settings = Config
    summary = "Push to Meizu phones"
    summary_zh = "向魅族手机推送"

    def build(self, account: Account[Config], http: VendorHttp, clock: Clock) -> Meizu:
        """One vendor for the account."""
        return Meizu(account, http)
