"""The push vendor "fcm": one request per device, one access token for all of them."""

from collections.abc import Mapping
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
    PushError,
    RateLimited,
    Refusals,
    TokenRejected,
    TryLater,
    VendorHttp,
)
from balefire_push_fcm.message import build_message
from balefire_push_fcm.oauth import google_tokens
from balefire_push_fcm.settings import Config, ServiceAccount

CODES: Final[Mapping[str, type[PushError]]] = {
    "UNREGISTERED": TokenRejected,
    "SENDER_ID_MISMATCH": TokenRejected,
    "UNAUTHENTICATED": AuthExpired,
    "THIRD_PARTY_AUTH_ERROR": Misconfigured,
    "PERMISSION_DENIED": Misconfigured,
    "QUOTA_EXCEEDED": RateLimited,
    "RESOURCE_EXHAUSTED": RateLimited,
    "INTERNAL": TryLater,
    "UNAVAILABLE": TryLater,
    "UNSPECIFIED_ERROR": TryLater,
}
HINTS: Final = {
    "THIRD_PARTY_AUTH_ERROR": "the APNs or web push key in Firebase's console is not accepted by Apple or the browser",
    "PERMISSION_DENIED": "switch the Firebase Cloud Messaging API on and give the service account its role",
}
FCM_ERROR: Final = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
SHORTEST_PAUSE_SECONDS: Final = 60.0  # Google's wish where it gives no Retry-After


class Fcm:
    """Implements ``PushVendor``. Concurrent sends share connections and access token."""

    name = "fcm"

    def __init__(self, account: Account[Config], http: VendorHttp, clock: Clock) -> None:
        self._http, self._clock = http, clock
        self._current = account.derive(self._open)
        self._refusals = Refusals("fcm", CODES)

    async def send(self, note: Notification) -> str | None:
        """Push one notification; see ``PushVendor.send``."""
        config, project, tokens = self._current()
        message = build_message(note, config.channel)
        async with tokens.lent() as token:
            answer = await self._http.post(
                f"{config.endpoint}/v1/projects/{project}/messages:send",
                headers={"Authorization": f"Bearer {token}"},
                json_body={"message": message},
                timeout_seconds=config.timeout_seconds,
            )
            if answer.status == 200 and answer.fields.get("name"):
                return str(answer.fields["name"])
            raise self._explain(answer)

    def _open(self, config: Config) -> tuple[Config, str, AccessTokens]:
        service = config.read_key("push-fcm", ServiceAccount)
        return config, service.project_id, google_tokens(service, self._http, self._clock, config.timeout_seconds)

    def _explain(self, answer: Answer) -> PushError:
        error = answer.fields.get("error")
        error = error if isinstance(error, dict) else {}
        details = error.get("details")
        found = [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []
        code = next((str(d["errorCode"]) for d in found if d.get("errorCode")), str(error.get("status", "")))
        if code == "INVALID_ARGUMENT":
            return _invalid(found)
        if code == "RESOURCE_EXHAUSTED" or answer.status == 429:
            after = answer.retry_after_seconds
            return RateLimited(f"fcm answered {code or 429}", after_seconds=after or SHORTEST_PAUSE_SECONDS)
        return self._refusals.explain(answer, code, HINTS.get(code, ""))


def _invalid(details: list[dict[str, Any]]) -> PushError:
    """Google calls a malformed token and a malformed message the same; the details tell them apart."""
    violations = [v for d in details for v in d.get("fieldViolations", ()) if isinstance(v, dict)]
    fields = [str(violation.get("field", "")) for violation in violations]
    if "message.token" in fields or (not fields and any(d.get("@type") == FCM_ERROR for d in details)):
        return TokenRejected("fcm answered INVALID_ARGUMENT: not a registration token")
    named = ", ".join(field[:40] for field in fields[:3])
    return NotificationRejected(f"fcm answered INVALID_ARGUMENT{': ' + named if named else ''}")
