"""The push vendor "xiaomi": up to a thousand notifications, each with its own text, in one call."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from balefire import (
    Account,
    Answer,
    Clock,
    Doubts,
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
    codes,
    encode_json,
    send_halving,
    send_worded,
)
from balefire_push_xiaomi.message import build_message
from balefire_push_xiaomi.settings import Config

CODES: Final[Mapping[str, type[PushError]]] = (
    codes(TryLater, "1 10001 10002 10003 10037 22102 26003 65029")
    | codes(NotificationRejected, "10008 10016 10017 21305 26006 65003 65009 65014 65015 65036 65037 65038")
    | codes(Misconfigured, "10012 10026 10031 10033 10036 21301 21302 22000 22006 22007 22022 27001 66108")
    | codes(RateLimited, "10027 10028 10030 10032 10039 21303 26004 26005")
    | codes(QuotaExhausted, "10034 200001")
    | codes(TokenRejected, "10029")
)
HINTS: Final = {
    "21301": "the AppSecret is wrong, or the app lives in another region than plugins.push-xiaomi.endpoint",
    "27001": "the channel does not fit; compare plugins.push-xiaomi.channel with the console",
    "66108": "the package does not belong to this AppSecret",
}
QUOTA_WORD: Final = "channel_exceed_quota"
UNKNOWN_TARGET: Final = "20301"
BELIEVED_AFTER: Final = 3  # the answer for an unknown device has other causes too
DOUBT_SECONDS: Final = 60.0


class Xiaomi:
    """Implements ``BatchPushVendor``."""

    name = "xiaomi"
    max_batch = 1000

    def __init__(self, account: Account[Config], http: VendorHttp) -> None:
        self._account, self._http = account, http
        self._refusals = Refusals("xiaomi", CODES, hints=HINTS)
        self._doubts = Doubts(BELIEVED_AFTER)

    async def send_batch(self, notes: Sequence[Notification]) -> Sequence[Outcome]:
        """Push up to a thousand; see ``BatchPushVendor.send_batch``."""
        config = self._account.read()
        return await send_worded(
            notes,
            lambda note: build_message(note, config),
            lambda part, messages: send_halving(part, lambda half: self._call(config, half, messages)),
        )

    async def _call(
        self, config: Config, notes: Sequence[Notification], messages: Mapping[str, Any]
    ) -> Sequence[Outcome]:
        listed = [{"target": note.token, "message": messages[note.id]} for note in notes]
        answer = await self._http.post(
            f"{config.endpoint}/v2/multi_messages/regids",
            headers={"Authorization": f"key={config.app_secret.get_secret_value()}"},
            form={"messages": encode_json(listed).decode()},
            timeout_seconds=config.timeout_seconds,
        )
        code = answer.fields.get("code")
        if answer.status != 200 or code != 0:
            return self._refused(answer, "" if code is None else str(code), notes)
        data = answer.fields.get("data")
        data = data if isinstance(data, dict) else {}
        bad = set(str(data.get("bad_regids", "")).split(","))
        return [self._outcome(note, note.token in bad, str(data.get("id", ""))) for note in notes]

    def _outcome(self, note: Notification, is_bad: bool, message_id: str) -> Outcome:
        if is_bad:
            return Outcome(kind="token_gone", reason="xiaomi lists it among bad_regids")
        self._doubts.forget(note.token)
        return Outcome(kind="delivered", vendor_message_id=message_id)

    def _refused(self, answer: Answer, code: str, notes: Sequence[Notification]) -> Sequence[Outcome]:
        if QUOTA_WORD in (answer.fields.get("reason"), answer.fields.get("description")):
            raise QuotaExhausted(f"xiaomi answered {QUOTA_WORD}")
        if code == UNKNOWN_TARGET:
            return [self._doubtful(note) for note in notes]
        raise self._refusals.explain(answer, code)

    def _doubtful(self, note: Notification) -> Outcome:
        said = f"xiaomi answered {UNKNOWN_TARGET}"
        if self._doubts.is_gone(note.token):
            return Outcome(kind="token_gone", reason=f"{said} {BELIEVED_AFTER} times")
        reason = f"{said}: unknown device, or a passing trouble"
        return Outcome(kind="retry", reason=reason, after_seconds=DOUBT_SECONDS)


class Plugin(VendorPlugin[Config]):
    """The plugin "push-xiaomi"."""

    vendor = "xiaomi"
    settings = Config
    summary = "Push to Xiaomi and Redmi phones through MiPush"
    summary_zh = "通过小米推送向小米与红米手机推送"

    def build(self, account: Account[Config], http: VendorHttp, clock: Clock) -> Xiaomi:
        """One vendor for the account."""
        return Xiaomi(account, http)
