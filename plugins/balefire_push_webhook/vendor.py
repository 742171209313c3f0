"""The push vendor "webhook": posts each notification, signed as Standard Webhooks says, to one address."""

import base64
import binascii
import hashlib
import hmac
from typing import Any, ClassVar, Final

import msgspec
from pydantic import Field, SecretStr, field_validator

from balefire import (
    Account,
    Clock,
    Notification,
    Refusals,
    VendorHttp,
    VendorPlugin,
    VendorSettings,
    encode_json,
)

PREFIX: Final = "whsec_"
SHORTEST_KEY_BYTES: Final = 24  # Standard Webhooks, "Signature scheme": 24 to 64


class Config(VendorSettings):
    """The table ``[plugins.push-webhook]``."""

    needed: ClassVar[tuple[str, ...]] = ("url", "secret")

    url: str = Field("", pattern="^(https?://.+)?$", description="where notifications are posted")
    secret: SecretStr = Field(
        SecretStr(""), description='signing secret: "whsec_" and 24 to 64 bytes in base64, shared with the receiver'
    )

    @field_validator("secret")
    @classmethod
    def _is_key(cls, secret: SecretStr) -> SecretStr:
        text = secret.get_secret_value()
        if text and len(signing_key(text)) < SHORTEST_KEY_BYTES:
            raise ValueError('must be "whsec_" and at least 24 bytes in base64')
        return secret


def signing_key(secret: str) -> bytes:
    """The bytes of a secret; empty if it is not one."""
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True) if secret.startswith(PREFIX) else b""
    except binascii.Error:
        return b""


class Webhook:
    """Implements ``PushVendor``."""

    name = "webhook"

    def __init__(self, account: Account[Config], http: VendorHttp, clock: Clock) -> None:
        self._account, self._http, self._clock = account, http, clock
        self._refusals = Refusals("the web hook", {})

    async def send(self, note: Notification) -> str | None:
        """Post one notification; see ``PushVendor.send``.

        Any 2xx takes it, 410 says that the device is gone, 401 and 403 that the signature is refused, 429 and 5xx
        that it should come again; the id stays the same over every attempt.
        """
        config = self._account.read()
        body = encode_json(_fields(note))
        answer = await self._http.post(
            config.url,
            headers=sign(config.secret.get_secret_value(), note.id, self._clock.now_ms() // 1000, body),
            content=body,
            timeout_seconds=config.timeout_seconds,
        )
        if answer.is_success:
            return str(answer.fields["id"])[:100] if "id" in answer.fields else None
        raise self._refusals.explain(answer)


def _fields(note: Notification) -> dict[str, Any]:
    """Everything a receiver may want; only what says something."""
    fields: dict[str, Any] = msgspec.to_builtins(note)
    return {name: value for name, value in fields.items() if value not in ("", None, {})}


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks: id, time, and an HMAC over both and the body."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    signature = base64.b64encode(hmac.digest(signing_key(secret), signed, hashlib.sha256)).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
        "Content-Type": "application/json",
    }


class Plugin(VendorPlugin[Config]):
    """The plugin "push-webhook"."""

    vendor = "webhook"
    settings = Config
    summary = "Push by a signed web hook to a program of your own"
    summary_zh = "以签名的网络钩子推送到您自己的程序"

    def build(self, account: Account[Config], http: VendorHttp, clock: Clock) -> Webhook:
        """One vendor for the account."""
        return Webhook(account, http, clock)
