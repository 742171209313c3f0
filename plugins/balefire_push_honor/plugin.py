"""Wires the Honor vendor to the platform."""

from balefire import Account, Clock, VendorHttp, VendorPlugin
from balefire_push_honor.settings import Config
from balefire_push_honor.vendor import Honor


class Plugin(VendorPlugin[Config]):
    """The plugin "push-honor"."""

    vendor = "honor"
    settings = Config
    summary = "Push to Honor phones through Honor Push"
    summary_zh = "通过荣耀推送服务向荣耀手机推送"

    def build(self, account: Account[Config], http: VendorHttp, clock: Clock) -> Honor:
        """One vendor for the account."""
        return Honor(account, http, clock)
