"""The push vendor "honor": one request for all devices that get the same."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from balefire import (
    AccessTokens,
    Account,
    AuthExpired,
    Clock,
    Doubts,
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
from balefire_push_honor.message import build_body
from balefire_push_honor.settings import Config

MOST_TOKENS: Final = 1000
CALLS_AT_ONCE: Final = 32
TAKEN: Final = frozenset({"200", "80000000", "80100000"})
CODES: Final[Mapping[str, type[PushError]]] = {
    **codes(AuthExpired, "80200001 80200003"),
    **codes(Misconfigured, "80300002 80300011"),
    **codes(TokenRejected, "80300007"),
    **codes(NotificationRejected, "80100003 80300008 80300010"),
    **codes(TryLater, "81000001"),
}
STATUSES: Final[Mapping[int, type[PushError]]] = {403: AuthExpired, 503: RateLimited}
HINTS: Final = {
    "80300002": "this app may not push to these devices; compare app_id with Honor's console",
    "80300011": "the app lacks a right that this message needs; look into Honor's console",
}
HINT: Final = "plugins.push-honor wants client_id and client_secret of the push service page, not the app's own"
BELIEVED_AFTER: Final = 2  # Honor does not say why a token failed


class Honor:
    """Implements ``BatchPushVendor``. Calls share connections and access token."""

    name = "honor"
    max_batch = MOST_TOKENS

    def __init__(self, account: Account[Config], http: VendorHttp, clock: Clock) -> None:
        self._http, self._clock = http, clock
        self._current = account.derive(self._open)
        self._calls = asyncio.Semaphore(CALLS_AT_ONCE)
        self._refusals = Refusals("honor", CODES, STATUSES, HINTS)
        self._doubts = Doubts(BELIEVED_AFTER)

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
            "honor",
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
        targets = list(dict.fromkeys(note.token for note in notes))
        async with tokens.lent() as token:
            answer = await self._http.post(
                f"{config.endpoint}/api/v1/{config.app_id}/sendMessage",
                headers={"Authorization": f"Bearer {token}", "timestamp": str(self._clock.now_ms())},
                json_body={**read_object(body), "token": targets},
                timeout_seconds=config.timeout_seconds,
            )
            code = str(answer.fields.get("code", ""))
            if not answer.is_success or code not in TAKEN:
                raise self._refusals.explain(answer, code)
        result = answer.fields.get("data")
        result = result if isinstance(result, dict) else {}
        expired, failed = _texts(result.get("expireTokens")), _texts(result.get("failTokens"))
        if result.get("sendResult") is False and not expired and not failed:
            raise NotificationRejected("honor answered that it did not send, and names no device")
        return split_outcomes(notes, self._judge(targets, expired, failed), str(result.get("requestId", "")))

    def _judge(self, targets: Sequence[str], expired: set[str], failed: set[str]) -> dict[str, PushError]:
        refused: dict[str, PushError] = dict.fromkeys(expired, TokenRejected("honor answered: an expired token"))
        for token in targets:
            if token in refused:
                continue
            if token not in failed:
                self._doubts.forget(token)
            elif self._doubts.is_gone(token):
                refused[token] = TokenRejected("honor answered again: a failed token")
            else:
                refused[token] = TryLater("honor answered: a failed token")
        return refused


def _texts(found: object) -> set[str]:
    return {token for token in found if isinstance(token, str)} if isinstance(found, list) else set()
