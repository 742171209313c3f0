"""The plugin around a vendor: everything but the vendor itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from balefire.vendor_kit.account import Account, S, VendorSettings
from balefire.vendor_kit.http import VendorHttp
from balefire_hookspecs import (
    BatchPushVendor,
    HealthCheck,
    Manifest,
    PluginContext,
    PushError,
    PushVendor,
    hookimpl,
)

if TYPE_CHECKING:
    from balefire_hookspecs import Clock


class VendorPlugin(Generic[S]):
    """Inherit it, fill in the class variables, and write ``build``:

    .. code-block:: python

        class Plugin(VendorPlugin[Config]):
            vendor = "beacon"
            settings = Config
            summary = "Push through Beacon"
            summary_zh = "通过 Beacon 推送"

            def build(self, account: Account[Config], http: VendorHttp, clock: Clock) -> Beacon:
                return Beacon(account, http)
    """

    vendor: ClassVar[str]
    settings: ClassVar[type[VendorSettings]]
    summary: ClassVar[str]
    summary_zh: ClassVar[str] = ""
    calls_addresses_of_users: ClassVar[bool] = False
    """Whether the addresses that are called come from devices: then private ones are refused."""

    def __init__(self) -> None:
        self.account: Account[S] | None = None
        self.vendors: list[PushVendor | BatchPushVendor] = []

    def build(self, account: Account[S], http: VendorHttp, clock: Clock) -> PushVendor | BatchPushVendor:
        """Make the vendor. ``http`` is closed after the plugin has stopped."""
        raise NotImplementedError(f"{type(self).__name__} must say how its vendor is built")

    @hookimpl
    def describe(self) -> Manifest:
        """What the class variables say."""
        return Manifest(
            summary=self.summary,
            summary_zh=self.summary_zh,
            config=self.settings,
            provides=(f"push-vendor:{self.vendor}",),
        )

    @hookimpl
    async def lifespan(self, ctx: PluginContext[Any]) -> AsyncIterator[None]:
        """Keep the connections while the platform runs; without an account there is nothing to do."""
        if not ctx.config.has_account:
            ctx.log.debug("no account is configured, so there is no vendor")
            yield
            return
        async with ctx.http_client(allow_private=not self.calls_addresses_of_users) as client:
            self.account = Account(ctx.name, ctx.config, ctx.data_folder)
            self.vendors = [self.build(self.account, VendorHttp(self.vendor, client, ctx.clock), ctx.clock)]
            yield

    @hookimpl
    def register_push_vendors(self) -> list[PushVendor | BatchPushVendor]:
        """The vendor, if there is an account."""
        return self.vendors

    @hookimpl
    def register_health_checks(self, ctx: PluginContext[Any]) -> list[HealthCheck]:
        """Whether the account can be read."""
        return [HealthCheck(ctx.name, self._check, is_critical=False)] if self.vendors else []

    async def _check(self) -> str | None:
        try:
            if self.account is not None:
                self.account.read()
        except PushError as error:
            return error.reason
        return None
