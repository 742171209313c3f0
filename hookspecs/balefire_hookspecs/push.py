"""Push vendors: the contract between the hub, which decides and keeps, and a plugin that speaks to one vendor."""

from collections.abc import Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from balefire_hookspecs.errors import BalefireError
from balefire_hookspecs.messages import Message

Urgency = Literal["call", "message", "bulk"]
PushStyle = Literal["alert", "data", "voip"]


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """One push for one device, as a vendor gets it.

    ``id`` is a UUID that stays the same over every attempt, so a vendor that can will drop or replace a repeat.
    ``collapse_key`` replaces an earlier notification with the same key. ``ttl_seconds`` is what remains of its life
    at this attempt. ``badge`` is absolute; ``None`` leaves it. ``data`` is for the app and JSON-shaped. ``token`` is
    secret: never log it.
    """

    id: str
    token: str
    title: str = ""
    body: str = ""
    data: dict[str, Any] = {}
    badge: int | None = None
    sound: str = ""
    thread: str = ""
    category: str = ""
    collapse_key: str = ""
    ttl_seconds: int = 86_400
    urgency: Urgency = "message"
    style: PushStyle = "alert"
    app: str = ""
    environment: str = ""


class PushError(BalefireError):
    """Base of what a vendor may raise; anything else counts as TryLater and is blamed on the plugin."""

    code = "push_error"
    outcome: "OutcomeKind" = "retry"


class TokenRejected(PushError):
    """This token will never work again: the hub forgets it. ``invalid_since_ms`` if the vendor said when."""

    code = "token_rejected"
    outcome: "OutcomeKind" = "token_gone"

    def __init__(self, reason: str, *, invalid_since_ms: int | None = None) -> None:
        super().__init__(reason)
        self.invalid_since_ms = invalid_since_ms


class TryLater(PushError):
    """A temporary failure of vendor or network; keep the token, keep the id. A time-out belongs here."""

    code = "try_later"
    outcome: "OutcomeKind" = "retry"

    def __init__(self, reason: str, *, after_seconds: float | None = None) -> None:
        super().__init__(reason, retry_after_seconds=after_seconds)


class AuthExpired(PushError):
    """The access token was refused; a fresh one may do. The hub repeats once, then treats it as Misconfigured."""

    code = "auth_expired"
    outcome: "OutcomeKind" = "auth_expired"


class RateLimited(PushError):
    """A short-term speed limit: the hub slows the whole lane down."""

    code = "rate_limited"
    outcome: "OutcomeKind" = "rate_limited"

    def __init__(self, reason: str, *, after_seconds: float | None = None) -> None:
        super().__init__(reason, retry_after_seconds=after_seconds)


class QuotaExhausted(PushError):
    """A daily or monthly allowance is used up: not tried again before ``after_seconds``."""

    code = "quota_exhausted"
    outcome: "OutcomeKind" = "quota"

    def __init__(self, reason: str, *, after_seconds: float | None = None) -> None:
        super().__init__(reason, retry_after_seconds=after_seconds)


class Misconfigured(PushError):
    """Wrong key, topic, package or permission: the hub opens this vendor's circuit and tells the operator."""

    code = "misconfigured"
    outcome: "OutcomeKind" = "misconfigured"


class NotificationRejected(PushError):
    """Only this notification is unacceptable (too long, bad field): dead-lettered, the lane goes on."""

    code = "notification_rejected"
    outcome: "OutcomeKind" = "rejected"


OutcomeKind = Literal[
    "delivered", "token_gone", "retry", "auth_expired", "rate_limited", "quota", "misconfigured", "rejected"
]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one attempt. ``reason`` is the vendor's own word and never holds a token."""

    kind: OutcomeKind
    reason: str = ""
    after_seconds: float | None = None
    invalid_since_ms: int | None = None
    vendor_message_id: str = ""

    @classmethod
    def from_error(cls, error: PushError) -> "Outcome":
        """The outcome that a vendor's error stands for."""
        return cls(
            kind=error.outcome,
            reason=error.reason,
            after_seconds=error.retry_after_seconds,
            invalid_since_ms=error.invalid_since_ms if isinstance(error, TokenRejected) else None,
        )


@runtime_checkable
class PushVendor(Protocol):
    """Speaks to one vendor, one notification at a time.

    ``send`` is called concurrently, by default up to 50 times; connections and access tokens are the vendor's to
    share and keep. It must return within 15 seconds and must let itself be cancelled.
    """

    name: str

    async def send(self, note: Notification) -> str | None:
        """Hand one notification over.

        :returns: the vendor's message id, or ``None`` if it gives none.
        :raises PushError: one of its subclasses says what the hub should do.
        """


@runtime_checkable
class BatchPushVendor(Protocol):
    """Speaks to a vendor that takes lists. One outcome per notification, in order."""

    name: str
    max_batch: int

    async def send_batch(self, notes: Sequence[Notification]) -> Sequence[Outcome]:
        """Hand 1 to ``max_batch`` notifications over. An exception applies to all of them."""


class PushCandidate(msgspec.Struct, frozen=True, kw_only=True):
    """Someone who may be pushed to: what ``choose_push`` decides about."""

    user: str
    message: Message
    is_mentioned: bool = False
    is_muted: bool = False
    is_online: bool = False


class PushChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Push or not, and why: ``reason`` appears in the decision trace."""

    is_allowed: bool
    reason: str
