"""Wires the HarmonyOS vendor to the platform."""

from balefire import Account, Clock, VendorHttp, VendorPlugin
from balefire_push_harmony.settings import Config
from balefire_push_harmony.vendor import Harmony


class Plugin(VendorPlugin[Config]):
    """The plugin "push-harmony"."""

    vendor = "harmony"
    settings = Config
    summary = "Push to HarmonyOS NEXT phones through Huawei's Push Kit"
    summary_zh = "通过华为推送服务（Push Kit v3）向 HarmonyOS NEXT 手机推送"

    def build(self, account: Account[Config], http: VendorHttp, clock: Clock) -> Harmony:
        """One vendor for the account."""
        return Harmony(account, http, clock)
