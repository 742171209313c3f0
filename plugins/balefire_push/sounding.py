"""Takes what a vendor's plugin gave back and makes it safe: strangers write them, and lanes must survive them (I6)."""

import math
from typing import Any, Final, get_args

from balefire import Outcome, OutcomeKind
from balefire_push.outbox import REASON_LENGTH

KINDS: Final = frozenset(get_args(OutcomeKind))
LONGEST_WAIT_SECONDS: Final = 30 * 86_400.0


def sound(given: Any) -> Outcome:
    """The same outcome with every field of its type and within bounds; what is no outcome counts as a failure."""
    if not isinstance(given, Outcome) or not isinstance(given.kind, str) or given.kind not in KINDS:
        return Outcome(kind="retry", reason="the plugin gave something that is no outcome")
    return Outcome(
        kind=given.kind,
        reason=_text(given.reason),
        after_seconds=_seconds(given.after_seconds),
        invalid_since_ms=given.invalid_since_ms if isinstance(given.invalid_since_ms, int) else None,
        vendor_message_id=_text(given.vendor_message_id),
    )


def _text(given: Any) -> str:
    """Text that both databases take: no NUL, no half of a surrogate pair."""
    return str(given)[:REASON_LENGTH].replace("\0", "").encode("utf-8", "replace").decode()


def _seconds(given: Any) -> float | None:
    if not isinstance(given, int | float) or math.isnan(given):
        return None
    return min(max(0.0, given), LONGEST_WAIT_SECONDS)
