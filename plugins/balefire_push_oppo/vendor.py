"""The push vendor "oppo": up to a thousand notifications, each with its own text and its own answer, in one call."""

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
from balefire_push_oppo.message import build_message
from balefire_push_oppo.settings import Config

CODES: Final[Mapping[str, type[PushError]]] = (
    codes(TryLater, "-1")
    | codes(RateLimited, "-2 13 55")
    | codes(AuthExpired, "11 18 19 29")
    | codes(NotificationRejected, "12 25 40 41 51 59 67 68")
    | codes(Misconfigured, "14 15 16 17 26 27 28 30 31")
    | codes(QuotaExhausted, "33 34")
    | codes(TokenRejected, "10000")
)
HINTS: Final = {
    "14": "compare plugins.push-oppo.app_key with OPPO's console",
    "15": "compare plugins.push-oppo.master_secret with OPPO's console; it is not the AppSecret",
    "16": "this server's address is not on the list in OPPO's console",
    "18": "compare this machine's clock",
    "19": "compare this machine's clock",
}
TAKEN: Final = ("0", "32")
"""Taken, and taken before: OPPO knows the notification's id and sends it once."""

TOKEN_LIFE_SECONDS: Final = 24 * 3600.0
RENEW_EARLY_SECONDS: Final = 3600.0


class Oppo:
    """Implements ``BatchPushVendor``."""

    name = "oppo"
    max_batch = 1000

    def __init__(self, account: Account[Config], http: VendorHttp, clock: Clock) -> None:
        self._http, self._clock = http, clock
        self._account = account
        self._refusals = Refusals("oppo", CODES, hints=HINTS)
        self._tokens = account.derive(self._make_tokens)

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
        async with self._tokens().lent() as token:
            answer = await self._http.post(
                f"{config.endpoint}/server/v1/message/notification/unicast_batch",
                headers={"auth_token": token},
                form={"messages": encode_json([messages[note.id] for note in notes]).decode()},
                timeout_seconds=config.timeout_seconds,
            )
            code = str(answer.fields.get("code", ""))
            if not answer.is_success or code not in TAKEN:
                raise self._refusals.explain(answer, code)
        return self._sorted_out(notes, answer.fields.get("data"))

    def _sorted_out(self, notes: Sequence[Notification], data: Any) -> list[Outcome]:
        """One outcome per notification: OPPO's list has an entry for each registration id."""
        entries = [entry for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []
        found = {str(entry.get("registrationId", "")): entry for entry in entries}
        return [self._outcome(found.get(note.token)) for note in notes]

    def _outcome(self, entry: Mapping[str, Any] | None) -> Outcome:
        if entry is None:
            return Outcome(kind="retry", reason="oppo's answer leaves this device out")
        code = str(entry.get("errorCode") or 0)
        if code in TAKEN:
            return Outcome(kind="delivered", vendor_message_id=str(entry.get("messageId", "")))
        return Outcome.from_error(self._refusals.explain_target(code))

    def _make_tokens(self, config: Config) -> AccessTokens:
        async def fetch() -> tuple[str, float]:
            now = str(self._clock.now_ms())
            signed = config.app_key + now + config.master_secret.get_secret_value()
            form = {"app_key": config.app_key, "timestamp": now, "sign": hashlib.sha256(signed.encode()).hexdigest()}
            url = f"{config.endpoint}/server/v1/auth"
            answer = await self._http.post(url, form=form, timeout_seconds=config.timeout_seconds)
            data, code = answer.fields.get("data"), str(answer.fields.get("code", ""))
            if answer.is_success and code == "0" and isinstance(data, dict) and data.get("auth_token"):
                return str(data["auth_token"]), TOKEN_LIFE_SECONDS
            error = self._refusals.explain(answer, code)
            raise Misconfigured(error.reason) if isinstance(error, AuthExpired | NotificationRejected) else error

        return AccessTokens(fetch, self._clock, renew_early_seconds=RENEW_EARLY_SECONDS)


class Plugin(VendorPlugin[Config]):
    """The plugin "push-oppo"."""

    vendor = "oppo"
    settings = Config
    summary = "Push to OPPO, OnePlus and realme phones"
    summary_zh = "向 OPPO、一加与真我手机推送"

    def build(self, account: Account[Config], http: VendorHttp, clock: Clock) -> Oppo:
        """One vendor for the account."""
        return Oppo(account, http, clock)
