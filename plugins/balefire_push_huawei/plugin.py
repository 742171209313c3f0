"""Wires the Huawei vendor to the platform."""

from balefire import Account, Clock, VendorHttp, VendorPlugin
from balefire_push_huawei.settings import Config
from balefire_push_huawei.vendor import Huawei


class Plugin(VendorPlugin[Config]):
    """The plugin "push-huawei"."""

    vendor = "huawei"
    settings = Config
    summary = "Push to Huawei phones (Android, HarmonyOS up to 4) through HMS Push Kit"
    summary_zh = "通过华为推送服务（HMS Push Kit）向安卓与 HarmonyOS 4 及以下的华为手机推送"

    def build(self, account: Account[Config], http: VendorHttp, clock: Clock) -> Huawei:
        """One vendor for the account."""
        return Huawei(account, http, clock)
