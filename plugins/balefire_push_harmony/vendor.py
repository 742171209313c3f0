"""The push vendor "harmony": one request for all devices that get the same."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

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
    codes,
    encode_json,
    read_object,
    send_grouped,
    split_outcomes,
)
from balefire_push_harmony.message import PUSH_TYPES, build_body
from balefire_push_harmony.settings import Config, ServiceAccount
from balefire_push_harmony.signing import signed_tokens

MOST_TOKENS: Final = 1000
MOST_TEST_TOKENS: Final = 10
CALLS_AT_ONCE: Final = 32
TAKEN: Final = "80000000"
TAKEN_IN_PART: Final = "80100000"
ALL_ILLEGAL: Final = "80300007"
CODES: Final[Mapping[str, type[PushError]]] = {
    **codes(NotificationRejected, "80100001 80100003 80100004 80100013 80100022 80300008 80300010"),
    **codes(AuthExpired, "80200001 80200003 80200005"),
    **codes(Misconfigured, "80200006 80300002 80300036 80300037"),
    **codes(TokenRejected, ALL_ILLEGAL),
    **codes(QuotaExhausted, "80300029 80300030"),
    **codes(TryLater, "81000001"),
}
REASONS: Final[Mapping[str, type[PushError]]] = {
    **codes(TokenRejected, "tokenFormatError tokenPlatformNotSupport noRight"),
    **codes(Misconfigured, "noPushTypeRight appinfoError notSupportPlayVoice noRightToSendThisLiveNotificationEvent"),
    **codes(Misconfigured, "countryNotSupport disableSendHuaweiMsgBecauseOfPenalty"),
    **codes(NotificationRejected, "atomicUnableSendUnsubscribedMsg differentImgVerifyPolicy"),
}
STATUSES: Final[Mapping[int, type[PushError]]] = {503: RateLimited}  # Huawei's word for flow control
HINTS: Final = {
    "80200006": "the service account is switched off in Huawei's console",
    "80300002": "this project may not push to these devices; compare service_account with Huawei's console",
    "80300037": "Huawei has barred this app for a while; look into its console",
}
REASON_HINTS: Final = {
    "noPushTypeRight": "the app lacks the right to this kind of push, such as calls; ask Huawei for it",
    "disableSendHuaweiMsgBecauseOfPenalty": "Huawei has barred this app for a while; look into its console",
}
ANOTHER_PROJECT: Final = "noRight"
ALL_OF_ANOTHER_PROJECT: Final = (
    "harmony says of every device that it belongs to another project: compare service_account with the app's project"
)


@dataclass(frozen=True, slots=True)
class _Line:
    """What comes of the settings."""

    config: Config
    url: str
    tokens: AccessTokens


class Harmony:
    """Implements ``BatchPushVendor``. Calls share connections and the signed token."""

    name = "harmony"
    max_batch = MOST_TOKENS

    def __init__(self, account: Account[Config], http: VendorHttp, clock: Clock) -> None:
        self._http, self._clock = http, clock
        self._current = account.derive(self._open)
        self._calls = asyncio.Semaphore(CALLS_AT_ONCE)
        self._refusals = Refusals("harmony", CODES, STATUSES, HINTS)
        self._reasons = Refusals("harmony", REASONS, hints=REASON_HINTS)

    async def send_batch(self, notes: Sequence[Notification]) -> Sequence[Outcome]:
        """Push up to 1000 notifications; see ``BatchPushVendor.send_batch``."""
        line = self._current()
        return await send_grouped(
            notes,
            lambda note: (PUSH_TYPES[note.style], encode_json(build_body(note, line.config))),
            partial(self._call, line),
            at_most=MOST_TEST_TOKENS if line.config.is_test else MOST_TOKENS,
            calls_at_once=self._calls,
        )

    def _open(self, config: Config) -> _Line:
        account = config.read_key("push-harmony", ServiceAccount)
        url = f"{config.endpoint}/v3/{account.project_id}/messages:send"
        return _Line(config, url, signed_tokens(account, self._clock))

    async def _call(self, line: _Line, said: tuple[str, bytes], notes: Sequence[Notification]) -> Sequence[Outcome]:
        push_type, body = said
        targets = list(dict.fromkeys(note.token for note in notes))
        async with line.tokens.lent() as token:
            answer = await self._http.post(
                line.url,
                headers={"Authorization": f"Bearer {token}", "push-type": push_type},
                json_body={**read_object(body), "target": {"token": targets}},
                timeout_seconds=line.config.timeout_seconds,
            )
            code = str(answer.fields.get("code", ""))
            if code not in (TAKEN, TAKEN_IN_PART, ALL_ILLEGAL):
                raise self._refusals.explain(answer, code)
        refused = {} if code == TAKEN else self._judge(targets, _illegal_tokens(answer))
        if code == ALL_ILLEGAL:
            refused = dict.fromkeys(targets, self._refusals.explain(answer, code)) | refused
        return split_outcomes(notes, refused, str(answer.fields.get("requestId", "")))

    def _judge(self, targets: Sequence[str], reasons: Mapping[str, str]) -> dict[str, PushError]:
        """What is wrong with single tokens. Where not one of several is ours, it is the account that is wrong."""
        if len(targets) > 1 and all(reasons.get(token) == ANOTHER_PROJECT for token in targets):
            return dict.fromkeys(targets, Misconfigured(ALL_OF_ANOTHER_PROJECT))
        return {token: self._reasons.explain_target(reason) for token, reason in reasons.items()}


def _illegal_tokens(answer: Answer) -> dict[str, str]:
    """Huawei's reason for each token it refuses; all others were taken, even if the list cannot be read."""
    listed = read_object(str(answer.fields.get("msg", ""))).get("illegalTokens")
    return {
        token: reason if reason in REASONS else "an undocumented reason"
        for reason, tokens in (listed.items() if isinstance(listed, dict) else ())
        for token in (tokens if isinstance(tokens, list) else ())
        if isinstance(token, str)
    }
