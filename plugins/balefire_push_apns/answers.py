"""What Apple's answers mean: the table of status and reason, and what the hub should do about each."""

import json
from typing import Final

from balefire import (
    AuthExpired,
    Misconfigured,
    NotificationRejected,
    PushError,
    RateLimited,
    TokenRejected,
    TryLater,
)
from balefire_push_apns.exchange import Answer

OK: Final = 200
GONE: Final = 410
TOO_MANY: Final = 429
SERVER_ERROR: Final = 500
TOKEN_CHANGE_PAUSE_SECONDS: Final = 20 * 60

_TOKEN_GONE = {"BadDeviceToken", "DeviceTokenNotForTopic", "Unregistered", "ExpiredToken"}
_AGAIN = {"IdleTimeout", "InternalServerError", "ServiceUnavailable", "Shutdown"}
_OPERATOR = {
    "BadTopic": "topics: apple does not know the topic",
    "MissingTopic": "topics: apple wants a topic",
    "TopicDisallowed": "topics: this key or certificate may not push to the topic",
    "BadCertificate": "certificate_file: apple does not accept the certificate",
    "BadCertificateEnvironment": "certificate_file: the certificate is for the other environment",
    "InvalidProviderToken": "key, key_id, team_id: apple does not accept what they sign; one of them is wrong",
    "MissingProviderToken": "key: apple wants a provider token; no certificate vouches for this connection",
    "Forbidden": "key: apple forbids it",
    "UnrelatedKeyIdInToken": "key_id: the key is not for this topic",
    "BadEnvironmentKeyIdInToken": "key_id: the key is for the other environment",
}


def read_reason(answer: Answer) -> tuple[str, int | None]:
    """Reason and timestamp (ms) of a refusal. Something else than Apple's JSON may come from what stands between."""
    try:
        body = json.loads(answer.body)
        reason, timestamp = body["reason"], body.get("timestamp")
    except (ValueError, TypeError, KeyError):
        return "", None
    return str(reason)[:64], timestamp if isinstance(timestamp, int) else None


def explain(answer: Answer) -> PushError:
    """The error that a refusal stands for."""
    reason, timestamp = read_reason(answer)
    told = f"apple answered {answer.status} {reason}".rstrip()
    after = _retry_after(answer)
    if reason in _TOKEN_GONE or answer.status == GONE:
        return TokenRejected(told, invalid_since_ms=timestamp)
    if reason in _OPERATOR:
        return Misconfigured(f"plugins.push-apns.{_OPERATOR[reason]} ({told})")
    if reason == "ExpiredProviderToken":
        return AuthExpired(told)
    if reason == "TooManyProviderTokenUpdates":
        return RateLimited(told, after_seconds=after or TOKEN_CHANGE_PAUSE_SECONDS)
    if answer.status == TOO_MANY:  # one device got too many; the lane is not to blame
        return TryLater(told, after_seconds=after)
    if reason in _AGAIN or answer.status >= SERVER_ERROR:
        return TryLater(told, after_seconds=after)
    if answer.status in (401, 403):
        return Misconfigured(f"plugins.push-apns: {told}")
    return NotificationRejected(told)


def _retry_after(answer: Answer) -> float | None:
    try:
        return max(0.0, float(answer.headers["retry-after"]))
    except (KeyError, ValueError):
        return None
