"""Errors that cross the contract. The type says what to do, the text says what happened."""

from typing import Any, ClassVar

import msgspec


class BalefireError(Exception):
    """Base of every error in the contract.

    ``code`` is stable: clients and API callers may branch on it. ``status`` is the HTTP status the REST API
    answers with. ``where`` names the offending field as a dotted path, when there is one.
    """

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500

    def __init__(self, reason: str, *, where: str | None = None, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.where = where
        self.retry_after_seconds = retry_after_seconds
        self.headers: dict[str, str] = {}
        """Added to the HTTP answer, as rate limits are."""


class InvalidInput(BalefireError):
    """What was sent is malformed; sending it again unchanged cannot succeed."""

    code = "invalid_input"
    status = 422


class TooLarge(BalefireError):
    """A frame, body or field exceeds its limit; the text names the limit."""

    code = "too_large"
    status = 413


class Unauthenticated(BalefireError):
    """No credentials, or credentials that are wrong, expired or revoked."""

    code = "unauthenticated"
    status = 401


class Forbidden(BalefireError):
    """The caller is known and may not do this."""

    code = "forbidden"
    status = 403


class NotFound(BalefireError):
    """The thing named does not exist, or the caller may not know that it does."""

    code = "not_found"
    status = 404


class Conflict(BalefireError):
    """The thing exists already, or is in a state that does not allow this."""

    code = "conflict"
    status = 409


class SlowDown(BalefireError):
    """The caller exceeded a rate limit; ``retry_after_seconds`` says when to come back."""

    code = "slow_down"
    status = 429


class StorageUnavailable(BalefireError):
    """The store cannot accept writes now (full disk, lost connection). Retry with the same client message id."""

    code = "storage_unavailable"
    status = 503


class StorageFull(StorageUnavailable):
    """The disk is full. Reads go on; writes succeed again when there is room."""

    code = "storage_full"
    status = 507


class Overloaded(BalefireError):
    """A bounded queue is full. Retry with the same client message id."""

    code = "overloaded"
    status = 503


class MessageDenied(BalefireError):
    """A message was refused before it was stored. ``denied`` carries the stable code and the sentence."""

    code = "denied"
    status = 403

    def __init__(self, denied: "Denied") -> None:
        super().__init__(denied.reason)
        self.denied = denied


class ConfigError(BalefireError):
    """The configuration is wrong. ``problems`` holds one line each: dotted key, what is wrong, what would be right."""

    code = "config_error"

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(f"the configuration has {len(problems)} problem(s):\n" + "\n".join(f"  {p}" for p in problems))


class Denied(msgspec.Struct, frozen=True):
    """A refusal, as a value: decided by a conversation kind or a policy, told to the sender.

    ``code`` is stable and machine readable (``not_a_member``, ``muted``, ``blocked`` …); ``reason`` is a sentence for
    a person; ``details`` may carry more for clients that know the code.
    """

    code: str
    reason: str
    details: dict[str, Any] = {}
