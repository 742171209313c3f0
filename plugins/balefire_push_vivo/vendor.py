"""The push vendor "vivo": one call for each text, a list of devices where several get the same."""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from balefire import (
    AccessTokens,
    Account,
    Answer,
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
    send_grouped,
    split_outcomes,
)
from balefire_push_vivo.message import build_message
from balefire_push_vivo.settings import Config

CODES: Final[Mapping[str, type[PushError]]] = (
    codes(AuthExpired, "10000")
    | codes(TryLater, "10040")
    | codes(NotificationRejected, "10045 10046 10050 10051 10052 10053 10054 10055 10056 10057 10058 10059 10060 10061")
    | codes(NotificationRejected, "10062 10063 10064 10065 10066 10067 10068 10069 10071 10085 10104 10303")
    | codes(QuotaExhausted, "10070 10073")
    | codes(RateLimited, "10072 10093 10252 10254")
    | codes(Misconfigured, "10094")
    | codes(TokenRejected, "10302")
)
HINTS: Final = {
    "10085": "vivo takes it for a test: only digits, only letters, or words like test",
    "10094": "plugins.push-vivo.app_id does not fit app_key and app_secret",
    "10104": "vivo takes it for a test: only digits, only letters, or words like test",
}
TAKEN: Final = ("0", "10089", "10090")
"""Taken, and taken before: vivo knows the request's id."""

STATUSES: Final[Mapping[int, PushError]] = {
    1: TokenRejected("vivo does not know this device"),
    2: TokenRejected("the app was removed from this device"),
    3: NotificationRejected("not a test device: register it in vivo's console, or push formal messages"),
    4: NotificationRejected("notifications are switched off on this device"),
}
MOST_TARGETS: Final = 1000
MIDNIGHT_OFFSET_MS: Final = 8 * 3_600_000  # quotas begin anew at midnight in Shanghai
DAY_MS: Final = 86_400_000

_NAMESPACE: Final = uuid.UUID("0e4ac1f7-2d3a-4d5e-9f57-3d0f6f6f2b0a")


class Vivo:
    """Implements ``BatchPushVendor``."""

    name = "vivo"
    max_batch = 100
    """Texts of chats differ, and each text is a call of its own: more would not be done in time."""

    def __init__(self, account: Account[Config], http: VendorHttp, clock: Clock) -> None:
        self._account, self._http, self._clock = account, http, clock
        self._refusals = Refusals("vivo", CODES, hints=HINTS)
        self._tokens = account.derive(self._make_tokens)

    async def send_batch(self, notes: Sequence[Notification]) -> Sequence[Outcome]:
        """Push up to a hundred; see ``BatchPushVendor.send_batch``."""
        config = self._account.read()

        async def send(words: bytes, group: Sequence[Notification]) -> Sequence[Outcome]:
            message = json.loads(words)
            if len(group) == 1:
                return await self._send_one(config, message, group[0])
            return await self._send_list(config, message, group)

        return await send_grouped(
            notes, lambda note: encode_json(build_message(note, config)), send, at_most=MOST_TARGETS
        )

    async def _send_one(self, config: Config, message: dict[str, Any], note: Notification) -> Sequence[Outcome]:
        answer = await self._call(config, "send", message | {"regId": note.token, "requestId": note.id})
        return self._sorted_out(answer, [note])

    async def _send_list(
        self, config: Config, message: dict[str, Any], notes: Sequence[Notification]
    ) -> Sequence[Outcome]:
        """The text first, then who gets it; both under ids that are the same at every attempt."""
        request = str(uuid.uuid5(_NAMESPACE, " ".join(note.id for note in notes)))
        saved = await self._call(config, "saveListPayload", message | {"requestId": f"s-{request}"})
        task = saved.fields.get("taskId")
        if not task:
            raise TryLater("vivo took the text and gave no task id")
        targets = {"taskId": task, "requestId": request, "regIds": [note.token for note in notes]}
        return self._sorted_out(await self._call(config, "pushToList", targets), notes)

    async def _call(self, config: Config, path: str, body: dict[str, Any]) -> Answer:
        async with self._tokens().lent() as token:
            answer = await self._http.post(
                f"{config.endpoint}/message/{path}",
                headers={"authToken": token},
                json_body=body,
                timeout_seconds=config.timeout_seconds / 2 if path != "send" else config.timeout_seconds,
            )
            code = str(answer.fields.get("result", ""))
            if answer.is_success and code in TAKEN:
                return answer
            raise self._explain(answer, code)

    def _explain(self, answer: Answer, code: str) -> PushError:
        error = self._refusals.explain(answer, code)
        if isinstance(error, QuotaExhausted):
            return QuotaExhausted(error.reason, after_seconds=self._until_midnight())
        status = answer.fields.get("invalidUser")
        found = STATUSES.get(status.get("status", 0)) if isinstance(status, dict) else None
        return found if found is not None and isinstance(error, NotificationRejected) else error

    def _until_midnight(self) -> float:
        return (DAY_MS - (self._clock.now_ms() + MIDNIGHT_OFFSET_MS) % DAY_MS) / 1000

    def _sorted_out(self, answer: Answer, notes: Sequence[Notification]) -> list[Outcome]:
        listed = [answer.fields.get("invalidUser"), *(answer.fields.get("invalidUsers") or ())]
        refused = {
            str(entry.get("userid", "")): STATUSES.get(entry.get("status", 0), NotificationRejected("vivo refuses it"))
            for entry in listed
            if isinstance(entry, dict)
        }
        return split_outcomes(notes, refused, str(answer.fields.get("taskId", "")))

    def _make_tokens(self, config: Config) -> AccessTokens:
        async def fetch() -> tuple[str, float]:
            now = self._clock.now_ms()
            signed = f"{config.app_id}{config.app_key}{now}{config.app_secret.get_secret_value()}"
            sign = hashlib.md5(signed.encode(), usedforsecurity=False).hexdigest()  # vivo's protocol asks for MD5
            body = {"appId": config.app_id, "appKey": config.app_key, "timestamp": now, "sign": sign}
            url = f"{config.endpoint}/message/auth"
            answer = await self._http.post(url, json_body=body, timeout_seconds=config.timeout_seconds)
            code, token = str(answer.fields.get("result", "")), answer.fields.get("authToken")
            if answer.is_success and code == "0" and token:
                return str(token), config.token_hours * 3600
            error = self._refusals.explain(answer, code)
            if isinstance(error, AuthExpired | NotificationRejected):
                raise Misconfigured(f"{error.reason}: compare plugins.push-vivo with vivo's console, and the clock")
            raise error

        return AccessTokens(fetch, self._clock, renew_early_seconds=0.0)


class Plugin(VendorPlugin[Config]):
    """The plugin "push-vivo"."""

    vendor = "vivo"
    settings = Config
    summary = "Push to vivo and iQOO phones"
    summary_zh = "向 vivo 与 iQOO 手机推送"

    def build(self, account: Account[Config], http: VendorHttp, clock: Clock) -> Vivo:
        """One vendor for the account."""
        return Vivo(account, http, clock)
