"""Wires the FCM vendor to the platform."""

from balefire import Account, Clock, VendorHttp, VendorPlugin
from balefire_push_fcm.settings import Config
from balefire_push_fcm.vendor import Fcm


class Plugin(VendorPlugin[Config]):
    """The plugin "push-fcm"."""

    vendor = "fcm"
    settings = Config
    summary = "Push to Android and web apps through Google's Firebase Cloud Messaging"
    summary_zh = "通过谷歌 FCM 向安卓与网页应用推送"

    def build(self, account: Account[Config], http: VendorHttp, clock: Clock) -> Fcm:
        """One vendor for the account."""
        return Fcm(account, http, clock)
