"""Wires the Web Push vendor to the platform."""

from typing import Any

from pydantic import BaseModel, Field

from balefire import Account, Clock, NotFound, Operation, PluginContext, VendorHttp, VendorPlugin, hookimpl
from balefire_push_web.settings import Config
from balefire_push_web.vendor import WebPush


class WebPushKey(BaseModel):
    """What a page hands to ``pushManager.subscribe`` as ``applicationServerKey``."""

    public_key: str = Field(description="65 bytes, base64url without padding")


class Plugin(VendorPlugin[Config]):
    """The plugin "push-web"."""

    vendor = "webpush"
    settings = Config
    summary = "Push to browsers (Web Push) and UnifiedPush phones, end-to-end encrypted"
    summary_zh = "向浏览器（Web Push）与 UnifiedPush 手机推送，端到端加密"
    calls_addresses_of_users = True

    def build(self, account: Account[Config], http: VendorHttp, clock: Clock) -> WebPush:
        """One vendor for the account."""
        self._built = WebPush(account, http, clock)
        return self._built

    @hookimpl
    def register_routes(self, ctx: PluginContext[Any]) -> list[Operation]:
        """The public key, for whoever subscribes."""
        key = Operation(
            "GET", "/v1/push/web/key", self._key, "messages:read", tags=("push",), errors={404: "web push is off"}
        )
        return [key]

    async def _key(self) -> WebPushKey:
        """The key with which browsers subscribe.

        浏览器订阅推送所需的公钥。
        """
        if not self.vendors:
            raise NotFound("web push is not configured: give plugins.push-web.contact")
        return WebPushKey(public_key=self._built.public_key)
