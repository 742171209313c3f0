"""The push vendor "webpush": encrypts for one subscription and posts to the address it names."""

import hashlib
import json
from typing import Any, Final

from balefire import (
    Account,
    Answer,
    Clock,
    Notification,
    NotificationRejected,
    PushError,
    TokenRejected,
    TryLater,
    VendorHttp,
    fit_texts,
)
from balefire_push_web.encryption import LIMIT_BYTES, encrypt
from balefire_push_web.settings import Config, vapid_key
from balefire_push_web.signing import Signatures
from balefire_push_web.subscription import Subscription, encode, read_subscription

URGENCY: Final = {"call": "high", "message": "high", "bulk": "low"}
PLAIN_LIMIT_BYTES: Final = 4096
GONE: Final = (404, 410)
BUSY: Final = (406, 408, 429)  # 406 is how Microsoft's service throttles
NO_SUBSCRIBER: Final = 507  # ntfy, until the phone's app has subscribed again


class WebPush:
    """Implements ``PushVendor``.

    Endpoints come from users, so no answer of theirs may harm anybody else: every refusal concerns one subscription
    only, and none slows the lane down or stops it, as "rate limited" or "misconfigured" would.
    """

    name = "webpush"

    def __init__(self, account: Account[Config], http: VendorHttp, clock: Clock) -> None:
        self._account, self._http, self._clock = account, http, clock
        self._config: Config | None = None
        self._signatures: Signatures

    async def send(self, note: Notification) -> str | None:
        """Push to one subscription; see ``PushVendor.send``."""
        config = self._current()
        subscription = read_subscription(note.token, allow_http=config.allow_http)
        content, headers = self._sealed(note, subscription)
        answer = await self._http.post(
            subscription.endpoint, headers=headers, content=content, timeout_seconds=config.timeout_seconds
        )
        if answer.is_success:
            return None  # some services name the message by an address that holds the token
        raise _explain(answer)

    @property
    def public_key(self) -> str:
        """What a browser needs to subscribe: ``applicationServerKey``, in base64url.

        :raises PushError: there is no usable key.
        """
        self._current()
        return self._signatures.public_key

    def _current(self) -> Config:
        config = self._account.read()
        if config is not self._config:
            self._signatures = Signatures(vapid_key(self._account), config.contact, self._clock)
            self._config = config
        return config

    def _sealed(self, note: Notification, subscription: Subscription) -> tuple[bytes, dict[str, str]]:
        headers = {
            "TTL": str(note.ttl_seconds),
            "Urgency": "normal" if note.style == "data" else URGENCY[note.urgency],
            "Authorization": self._signatures.authorization(subscription.origin),
        }
        if note.collapse_key:
            headers["Topic"] = encode(hashlib.sha256(note.collapse_key.encode("utf-8", "replace")).digest()[:24])
        if not subscription.public_key:
            return build_text(note, PLAIN_LIMIT_BYTES), headers
        headers |= {"Content-Encoding": "aes128gcm", "Content-Type": "application/octet-stream"}
        return encrypt(build_text(note, LIMIT_BYTES), subscription), headers


def build_text(note: Notification, limit: int) -> bytes:
    """What the browser's service worker, or the phone's app, gets: JSON, its texts cut to what fits.

    :raises NotificationRejected: the data alone is too large.
    """
    title, body = fit_texts(note.title, note.body, lambda title, body: len(_json(note, title, body)), limit)
    return _json(note, title, body)


def _json(note: Notification, title: str, body: str) -> bytes:
    optional: dict[str, Any] = {
        "title": title,
        "body": body,
        "badge": note.badge,
        "sound": note.sound,
        "tag": note.collapse_key,
        "thread": note.thread,
        "category": note.category,
        "data": note.data,
    }
    text = {"id": note.id, "style": note.style}
    text |= {key: value for key, value in optional.items() if value not in (None, "", {})}
    return json.dumps(text, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _explain(answer: Answer) -> PushError:
    said = f"the push service answered {answer.status}"
    if answer.status in GONE:
        return TokenRejected(f"{said}: the subscription has ended")
    if answer.status in (401, 403):
        return NotificationRejected(f"{said}: the subscription was made with another key, or our clock is wrong")
    if answer.status >= 500 or answer.status in BUSY:
        after = answer.retry_after_seconds
        return TryLater(said, after_seconds=300.0 if after is None and answer.status == NO_SUBSCRIBER else after)
    return NotificationRejected(said)
