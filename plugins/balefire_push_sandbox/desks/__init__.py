"""The vendors that the sandbox stands in for, beside Apple; each is imported when it is first needed."""

from importlib import import_module
from typing import Final

from balefire_push_sandbox.desk import Desk

DESKS: Final = {
    "fcm": "FcmDesk",
    "getui": "GetuiDesk",
    "harmony": "HarmonyDesk",
    "honor": "HonorDesk",
    "huawei": "HuaweiDesk",
    "meizu": "MeizuDesk",
    "ntfy": "NtfyDesk",
    "oppo": "OppoDesk",
    "vivo": "VivoDesk",
    "webhook": "WebhookDesk",
    "webpush": "WebPushDesk",
    "xiaomi": "XiaomiDesk",
}
"""The class of each vendor's desk, in the module of the vendor's name."""


def desk_type(vendor: str) -> type[Desk]:
    """The desk of a vendor.

    :raises KeyError: there is none.
    """
    name = DESKS[vendor]
    found: type[Desk] = getattr(import_module(f"{__name__}.{vendor}"), name)
    return found
