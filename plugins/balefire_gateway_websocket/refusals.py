"""What a client is told when something is refused, or when its connection is closed."""

from typing import Final

from balefire import BalefireError, MessageDenied

CLOSE_CODES: Final = {
    "draining": 1012,
    "unavailable": 1013,
    "bad_frames": 4400,
    "unauthenticated": 4401,
    "token_expired": 4401,
    "token_revoked": 4401,
    "unsupported_version": 4406,
    "timeout": 4408,
    "flooding": 4429,
}
ENDED: Final = 4403
"""The close code when the kernel or a plugin ends a session for a reason of its own."""


def error_of(error: Exception) -> tuple[str, str, str, int]:
    """Code, reason, field and retry time (ms) of an error that clients may see."""
    if isinstance(error, MessageDenied):
        denied = error.denied
        return denied.code, denied.reason, "", int(denied.details.get("retry_after_ms", 0))
    if isinstance(error, BalefireError):
        return error.code, error.reason, error.where or "", int((error.retry_after_seconds or 0) * 1000)
    return "internal_error", "the server failed to handle this request", "", 0
