"""HTTP to a vendor: whatever goes wrong on the way becomes an outcome, and no secret gets into its text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from balefire_hookspecs import (
    AuthExpired,
    Clock,
    Misconfigured,
    NotificationRejected,
    PushError,
    QuotaExhausted,
    RateLimited,
    TokenRejected,
    TryLater,
)

if TYPE_CHECKING:
    import httpx

LONGEST_WAIT_SECONDS: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a vendor answered. ``fields`` is the JSON object of the body, empty if it is none."""

    status: int
    headers: Mapping[str, str]
    fields: Mapping[str, Any]
    retry_after_seconds: float | None = None

    @property
    def is_success(self) -> bool:
        """Whether the HTTP status is 2xx. Many vendors answer 200 to what they refuse: look at ``fields`` too."""
        return 200 <= self.status < 300


class VendorHttp:
    """Posts to one vendor. Safe to call concurrently; connections are shared and kept."""

    def __init__(self, vendor: str, client: httpx.AsyncClient, clock: Clock) -> None:
        self._vendor = vendor
        self._client = client
        self._clock = clock

    async def post(
        self,
        url: str,
        *,
        timeout_seconds: float,
        headers: Mapping[str, str] | None = None,
        json_body: Any = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        """Post JSON, a form, or bytes.

        :param json_body: anything JSON can say; lone surrogates are replaced, since no vendor takes them.
        :raises TryLater: the vendor cannot be reached or does not answer in time. The request, which holds secrets,
            is not in its chain.
        """
        import httpx  # slow to import, and not every platform pushes

        sent = dict(headers or {})
        if json_body is not None:
            content = encode_json(json_body)
            sent.setdefault("Content-Type", "application/json; charset=utf-8")
        try:
            answer = await self._client.post(url, headers=sent, content=content, data=form, timeout=timeout_seconds)
        except httpx.TransportError as error:
            raise TryLater(f"{self._vendor} cannot be reached: {type(error).__name__}") from None
        except (httpx.InvalidURL, UnicodeError):
            raise NotificationRejected(f"{self._vendor}: the address cannot be called") from None
        wait = read_retry_after(answer.headers.get("Retry-After", ""), self._clock.now_ms())
        return Answer(answer.status_code, answer.headers, read_object(answer.content), wait)


def encode_json(value: Any) -> bytes:
    """JSON as it is sent: UTF-8, no spaces, a question mark for a lone surrogate."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def read_retry_after(text: str, now_ms: int) -> float | None:
    """Seconds in a ``Retry-After`` header (RFC 9110, section 10.2.3), a day at most; ``None`` if it says nothing."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), LONGEST_WAIT_SECONDS)
    try:
        until = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(0.0, until - now_ms / 1000), LONGEST_WAIT_SECONDS)


class Refusals:
    """What a vendor's own codes mean for the hub; where it has none for something, the HTTP status decides."""

    def __init__(
        self,
        vendor: str,
        codes: Mapping[str, type[PushError]],
        statuses: Mapping[int, type[PushError]] | None = None,
        hints: Mapping[str, str] | None = None,
    ) -> None:
        """
        :param codes: the vendor's error codes, each with the error that says what to do.
        :param statuses: what an HTTP status means where the vendor has its own idea of it.
        :param hints: what a person should look at, by code.
        """
        self._vendor = vendor
        self._codes = codes
        self._statuses = statuses or {}
        self._hints = hints or {}

    def explain(self, answer: Answer, code: str = "", hint: str = "") -> PushError:
        """The error for an answer that is no success.

        :param code: the vendor's code in the answer's body.
        :param hint: what a person should look at, if not the one for this code; never anything that the vendor echoed.
        """
        kind = self._codes.get(code) or self._statuses.get(answer.status) or _by_status(answer)
        return make_error(kind, self._said(code or str(answer.status), hint), answer.retry_after_seconds)

    def explain_target(self, code: str) -> PushError:
        """The error for one target of a list that was answered; a code nobody knows ends that notification only."""
        return make_error(self._codes.get(code, NotificationRejected), self._said(code))

    def _said(self, code: str, hint: str = "") -> str:
        hint = hint or self._hints.get(code, "")
        return f"{self._vendor} answered {code[:60]}" + (f": {hint}" if hint else "")


def codes(kind: type[PushError], listed: str) -> dict[str, type[PushError]]:
    """Part of a table for ``Refusals``: all these codes mean the same.

    :param listed: the codes, with spaces between.
    """
    return dict.fromkeys(listed.split(), kind)


def make_error(kind: type[PushError], reason: str, after_seconds: float | None = None) -> PushError:
    """An error of this kind; those that can wait are told for how long."""
    if issubclass(kind, TryLater | RateLimited | QuotaExhausted):
        return kind(reason, after_seconds=after_seconds)
    return kind(reason)


def _by_status(answer: Answer) -> type[PushError]:
    status = answer.status
    if status == 401:
        return AuthExpired
    if status in (403, 404):
        return Misconfigured
    if status == 410:
        return TokenRejected
    if status == 429:
        return RateLimited
    if status >= 500 or status == 408 or (answer.is_success and not answer.fields):
        return TryLater  # a success that says nothing comes from something in between
    return NotificationRejected


def read_object(text: str | bytes) -> Mapping[str, Any]:
    """The JSON object in a text; empty if it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
