"""The push vendor "ntfy": a device's token is the topic its app has subscribed to."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from pydantic import Field, SecretStr

from balefire import (
    Account,
    Answer,
    Clock,
    Misconfigured,
    Notification,
    NotificationRejected,
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
    fit_texts,
    stated,
)

TITLE_BYTES: Final = 250
MESSAGE_BYTES: Final = 4096
PRIORITIES: Final = {"call": 5, "message": 4, "bulk": 3}
SILENT_PRIORITY: Final = 1
CODES: Final[Mapping[str, type[PushError]]] = (
    codes(Misconfigured, "40101 40301")
    | codes(NotificationRejected, "41301 41302 41303")
    | codes(RateLimited, "42901 42903 42904 42909")
    | codes(QuotaExhausted, "42902 42905 42908 42910")
    | codes(TryLater, "50701")
)
HINTS: Final = {
    "40101": "plugins.push-ntfy.access_token is not accepted",
    "40301": "plugins.push-ntfy.access_token may not write to this topic",
}

_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Config(VendorSettings):
    """The table ``[plugins.push-ntfy]``: one ntfy server."""

    needed: ClassVar[tuple[str, ...]] = ("endpoint",)

    endpoint: str = Field("", pattern="^(https?://.+)?$", description="address of the ntfy server")
    access_token: SecretStr = Field(SecretStr(""), description="an access token that may write; none if all may")
    click: str = Field("", pattern="^(https?://.+)?$", description="address that opens when a notification is touched")


class Ntfy:
    """Implements ``PushVendor``."""

    name = "ntfy"

    def __init__(self, account: Account[Config], http: VendorHttp) -> None:
        self._account, self._http = account, http
        self._refusals = Refusals("ntfy", CODES, hints=HINTS)

    async def send(self, note: Notification) -> str | None:
        """Publish to one topic; see ``PushVendor.send``."""
        config = self._account.read()
        if not _TOPIC.fullmatch(note.token):
            raise TokenRejected("not a topic: letters, digits, - and _, at most 64")
        token = config.access_token.get_secret_value()
        answer = await self._http.post(
            config.endpoint,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            json_body=build_message(note, config),
            timeout_seconds=config.timeout_seconds,
        )
        if answer.is_success and answer.fields.get("id"):
            return str(answer.fields["id"])
        raise self._explain(answer)

    def _explain(self, answer: Answer) -> PushError:
        return self._refusals.explain(answer, str(answer.fields.get("code", "")))


def build_message(note: Notification, config: Config) -> dict[str, Any]:
    """What ntfy gets to read; its JSON form, since headers hold no Chinese."""
    title, _ = fit_texts(note.title, "", lambda title, _: _size(title), TITLE_BYTES)
    _, body = fit_texts("", note.body, lambda _, body: _size(body), MESSAGE_BYTES)
    priority = SILENT_PRIORITY if note.style == "data" else PRIORITIES[note.urgency]
    return {
        "topic": note.token,
        "message": body or " ",
        "priority": priority,
        **stated(title=title, click=config.click),
    }


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


class Plugin(VendorPlugin[Config]):
    """The plugin "push-ntfy"."""

    vendor = "ntfy"
    settings = Config
    summary = "Push through an ntfy server"
    summary_zh = "通过 ntfy 服务器推送"

    def build(self, account: Account[Config], http: VendorHttp, clock: Clock) -> Ntfy:
        """One vendor for the account."""
        return Ntfy(account, http)
