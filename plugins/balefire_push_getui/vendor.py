"""The push vendor "getui": up to two hundred notifications, each with its own text, in one call."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from balefire import (
    AccessTokens,
    Account,
    AuthExpired,
    Clock,
    Misconfigured,
    Notification,
    NotificationRejected,
    Outcome,
    PushError,
    RateLimited,
    Refusals,
    TryLater,
    VendorHttp,
    VendorPlugin,
    codes,
    send_halving,
    send_worded,
)
from balefire_push_getui.message import build_message
from balefire_push_getui.settings import Config

CODES: Final[Mapping[str, type[PushError]]] = (
    codes(AuthExpired, "10001")
    | codes(Misconfigured, "301 404 405 10002 10004")
    | codes(RateLimited, "10003 10005")
    | codes(NotificationRejected, "1 20001")
    | codes(TryLater, "2")
)
HINTS: Final = {
    "301": "this app lives at another domain: set plugins.push-getui.endpoint as Getui's console says",
    "10002": "this server's address is not on the list in Getui's console",
    "10004": "compare plugins.push-getui with Getui's console",
}
TAKEN: Final = ("successed_online", "successed_offline", "successed_ignore")
"""The last: the device has been away for long. It is not gone, so its token stays."""

INVALID_TARGET: Final = "target user is invalid"
RENEW_EARLY_SECONDS: Final = 600.0


class Getui:
    """Implements ``BatchPushVendor``."""

    name = "getui"
    max_batch = 200

    def __init__(self, account: Account[Config], http: VendorHttp, clock: Clock) -> None:
        self._account, self._http, self._clock = account, http, clock
        self._refusals = Refusals("getui", CODES, hints=HINTS)
        self._tokens = account.derive(self._make_tokens)

    async def send_batch(self, notes: Sequence[Notification]) -> Sequence[Outcome]:
        """Push up to two hundred; see ``BatchPushVendor.send_batch``."""
        config = self._account.read()
        return await send_worded(
            notes,
            lambda note: build_message(note, config),
            lambda part, messages: send_halving(part, lambda half: self._call(config, half, messages)),
        )

    async def _call(
        self, config: Config, notes: Sequence[Notification], messages: Mapping[str, Any]
    ) -> Sequence[Outcome]:
        async with self._tokens().lent() as token:
            answer = await self._http.post(
                f"{config.endpoint}/v2/{config.app_id}/push/single/batch/cid",
                headers={"token": token},
                json_body={"is_async": False, "msg_list": [messages[note.id] for note in notes]},
                timeout_seconds=config.timeout_seconds,
            )
            code = str(answer.fields.get("code", ""))
            if not answer.is_success or code != "0":
                if INVALID_TARGET in str(answer.fields.get("msg", "")) and len(notes) == 1:
                    return [Outcome(kind="token_gone", reason=f"getui answered {code}: {INVALID_TARGET}")]
                raise self._refusals.explain(answer, code)
        return self._sorted_out(notes, answer.fields.get("data"))

    def _sorted_out(self, notes: Sequence[Notification], data: Any) -> list[Outcome]:
        """The answer has a task for each message, with the device's state in it."""
        states: dict[str, tuple[str, str]] = {}
        for task, targets in data.items() if isinstance(data, dict) else ():
            if isinstance(targets, dict):
                states.update({token: (str(state), str(task)) for token, state in targets.items()})
        return [_outcome(*states.get(note.token, ("", ""))) for note in notes]

    def _make_tokens(self, config: Config) -> AccessTokens:
        async def fetch() -> tuple[str, float]:
            now = str(self._clock.now_ms())
            signed = config.app_key + now + config.master_secret.get_secret_value()
            body = {"sign": hashlib.sha256(signed.encode()).hexdigest(), "timestamp": now, "appkey": config.app_key}
            url = f"{config.endpoint}/v2/{config.app_id}/auth"
            answer = await self._http.post(url, json_body=body, timeout_seconds=config.timeout_seconds)
            data, code = answer.fields.get("data"), str(answer.fields.get("code", ""))
            if answer.is_success and code == "0" and isinstance(data, dict) and data.get("token"):
                ends_at = str(data.get("expire_time", ""))
                return str(data["token"]), (int(ends_at[:15]) - int(now)) / 1000 if ends_at.isdigit() else 3600.0
            error = self._refusals.explain(answer, code)
            if isinstance(error, AuthExpired | NotificationRejected):
                raise Misconfigured(f"{error.reason}: compare plugins.push-getui with Getui's console, and the clock")
            raise error

        return AccessTokens(fetch, self._clock, renew_early_seconds=RENEW_EARLY_SECONDS)


def _outcome(state: str, task: str) -> Outcome:
    if state in TAKEN:
        return Outcome(kind="delivered", reason=state, vendor_message_id=task)
    if INVALID_TARGET in state:
        return Outcome(kind="token_gone", reason=f"getui says: {INVALID_TARGET}")
    if not state:
        return Outcome(kind="retry", reason="getui's answer leaves this device out")
    return Outcome(kind="rejected", reason="getui did not take it for this device")


class Plugin(VendorPlugin[Config]):
    """The plugin "push-getui"."""

    vendor = "getui"
    settings = Config
    summary = "Push through Getui to the phones of all makers in China"
    summary_zh = "通过个推向国内各品牌手机推送"

    def build(self, account: Account[Config], http: VendorHttp, clock: Clock) -> Getui:
        """One vendor for the account."""
        return Getui(account, http, clock)
