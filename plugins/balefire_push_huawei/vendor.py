"""The push vendor "huawei": one request for all devices that get the same."""

import asyncio
from collections.abc import Mapping, Sequence
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
    RateLimited,
    Refusals,
    TokenRejected,
    TryLater,
    VendorHttp,
    client_credentials,
    codes,
    encode_json,
    read_object,
    send_grouped,
    split_outcomes,
)
from balefire_push_huawei.message import build_body
from balefire_push_huawei.settings import Config

MOST_TOKENS: Final = 1000
CALLS_AT_ONCE: Final = 32
TAKEN: Final = "80000000"
TAKEN_IN_PART: Final = "80100000"
CODES: Final[Mapping[str, type[PushError]]] = {
    **codes(
        NotificationRejected,
        "80100001 80100003 80100004 80100013 80100016 80100017 80100018 80300008 80300010 80300013",
    ),
    **codes(AuthExpired, "80200001 80200003 80200005"),
    **codes(Misconfigured, "80300002 80300011"),
    **codes(TokenRejected, "80300007"),
    **codes(TryLater, "80600003 81000001"),
}
STATUSES: Final[Mapping[int, type[PushError]]] = {503: RateLimited}  # Huawei's word for flow control
HINTS: Final = {
    "80100016": "the text holds words that Huawei does not let pass",
    "80300002": "this app may not push to these devices; compare client_id and project_id with AppGallery Connect",
    "80300011": "switch urgent_data off, or ask Huawei for the right to urgency HIGH",
}
HINT: Final = "compare plugins.push-huawei.client_id and client_secret with AppGallery Connect"


class Huawei:
    """Implements ``BatchPushVendor``. Calls share connections and access token."""

    name = "huawei"
    max_batch = MOST_TOKENS

    def __init__(self, account: Account[Config], http: VendorHttp, clock: Clock) -> None:
        self._http, self._clock = http, clock
        self._current = account.derive(self._open)
        self._calls = asyncio.Semaphore(CALLS_AT_ONCE)
        self._refusals = Refusals("huawei", CODES, STATUSES, HINTS)

    async def send_batch(self, notes: Sequence[Notification]) -> Sequence[Outcome]:
        """Push up to 1000 notifications; see ``BatchPushVendor.send_batch``."""
        config, tokens = self._current()
        return await send_grouped(
            notes,
            lambda note: encode_json(build_body(note, config)),
            partial(self._call, config, tokens),
            at_most=MOST_TOKENS,
            calls_at_once=self._calls,
        )

    def _open(self, config: Config) -> tuple[Config, AccessTokens]:
        return config, client_credentials(
            "huawei",
            self._http,
            self._clock,
            url=config.token_url,
            client_id=config.client_id,
            client_secret=config.client_secret.get_secret_value(),
            timeout_seconds=config.timeout_seconds,
            hint=HINT,
        )

    async def _call(
        self, config: Config, tokens: AccessTokens, body: bytes, notes: Sequence[Notification]
    ) -> Sequence[Outcome]:
        message = dict(read_object(body)["message"])
        message["token"] = list(dict.fromkeys(note.token for note in notes))
        async with tokens.lent() as token:
            answer = await self._http.post(
                config.send_url,
                headers={"Authorization": f"Bearer {token}"},
                json_body={"message": message},
                timeout_seconds=config.timeout_seconds,
            )
            code = str(answer.fields.get("code", ""))
            if code not in (TAKEN, TAKEN_IN_PART):
                raise self._refusals.explain(answer, code)
        refused = _illegal_tokens(answer) if code == TAKEN_IN_PART else {}
        return split_outcomes(notes, refused, str(answer.fields.get("requestId", "")))


def _illegal_tokens(answer: Answer) -> dict[str, PushError]:
    """All others were taken, even if Huawei's list cannot be read."""
    named = read_object(str(answer.fields.get("msg", ""))).get("illegal_tokens")
    tokens = [token for token in named if isinstance(token, str)] if isinstance(named, list) else []
    return dict.fromkeys(tokens, TokenRejected(f"huawei answered {TAKEN_IN_PART}: an illegal token"))
