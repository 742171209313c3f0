"""Wires the APNs vendor to the platform."""

from collections.abc import AsyncIterator

from balefire import HealthCheck, Manifest, PluginContext, PushError, PushVendor, hookimpl
from balefire_push_apns.settings import AccountSource, Config


class Plugin:
    """Builds the vendor that the configuration asks for."""

    def __init__(self) -> None:
        self.accounts: AccountSource | None = None
        self.vendors: list[PushVendor] = []

    @hookimpl
    def describe(self) -> Manifest:
        """See ``Config`` for the settings."""
        return Manifest(
            summary="Push to Apple's devices over one long-lived HTTP/2 connection",
            summary_zh="通过一条长连接 HTTP/2 向苹果设备推送",
            config=Config,
            provides=("push-vendor:apns",),
        )

    @hookimpl
    async def lifespan(self, ctx: PluginContext[Config]) -> AsyncIterator[None]:
        """Check key and certificate before anything is sent; connect when there is something to send."""
        if not ctx.config.has_account:
            ctx.log.debug("no account is configured, so there is no vendor")
            yield
            return
        self.accounts = AccountSource(ctx.config, ctx.data_folder)
        if ctx.config.account_file is None:
            self.accounts.read()
        if ctx.config.transport == "pyapns":
            from balefire_push_apns.pyapns import PyApns

            self.vendors = [PyApns(ctx.config, self.accounts, ctx.clock)]
            yield
            return
        from balefire_push_apns.vendor import Apns

        vendor = Apns(ctx.config, self.accounts, ctx.clock)
        self.vendors = [vendor]
        yield
        vendor.close()

    @hookimpl
    def register_push_vendors(self, ctx: PluginContext[Config]) -> list[PushVendor]:
        """The vendor "apns", if there is an account."""
        return self.vendors

    @hookimpl
    def register_health_checks(self, ctx: PluginContext[Config]) -> list[HealthCheck]:
        """Whether the account can be read."""
        return [HealthCheck("push-apns", self._check, is_critical=False)] if self.vendors else []

    async def _check(self) -> str | None:
        try:
            if self.accounts is not None:
                self.accounts.read()
        except PushError as error:
            return error.reason
        return None
