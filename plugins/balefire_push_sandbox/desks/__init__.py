"""The vendors that the sandbox stands in for, beside Apple."""

from typing import Final

from balefire_push_sandbox.desk import Desk
from balefire_push_sandbox.desks.fcm import FcmDesk
from balefire_push_sandbox.desks.getui import GetuiDesk
from balefire_push_sandbox.desks.harmony import HarmonyDesk
from balefire_push_sandbox.desks.honor import HonorDesk
from balefire_push_sandbox.desks.huawei import HuaweiDesk
from balefire_push_sandbox.desks.meizu import MeizuDesk
from balefire_push_sandbox.desks.ntfy import NtfyDesk
from balefire_push_sandbox.desks.oppo import OppoDesk
from balefire_push_sandbox.desks.vivo import VivoDesk
from balefire_push_sandbox.desks.webhook import WebhookDesk
from balefire_push_sandbox.desks.webpush import WebPushDesk
from balefire_push_sandbox.desks.xiaomi import XiaomiDesk

DESKS: Final[tuple[type[Desk], ...]] = (
    FcmDesk,
    GetuiDesk,
    MeizuDesk,
    NtfyDesk,
    OppoDesk,
    VivoDesk,
    WebPushDesk,
    WebhookDesk,
    XiaomiDesk,
    HuaweiDesk,
    HarmonyDesk,
    HonorDesk,
)
