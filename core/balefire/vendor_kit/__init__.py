"""What push vendors that speak HTTP have in common, so that a vendor's plugin holds that vendor's protocol only."""

from balefire.vendor_kit.access_tokens import AccessTokens
from balefire.vendor_kit.account import Account, VendorSettings
from balefire.vendor_kit.batches import send_grouped, send_halving
from balefire.vendor_kit.fitting import fit_texts
from balefire.vendor_kit.http import Answer, Refusals, VendorHttp
from balefire.vendor_kit.plugin import VendorPlugin

__all__ = [
    "AccessTokens",
    "Account",
    "Answer",
    "Refusals",
    "VendorHttp",
    "VendorPlugin",
    "VendorSettings",
    "fit_texts",
    "send_grouped",
    "send_halving",
]
