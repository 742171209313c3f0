"""What push vendors that speak HTTP have in common, so that a vendor's plugin holds that vendor's protocol only."""

from balefire.vendor_kit.access_tokens import AccessTokens
from balefire.vendor_kit.account import Account, VendorSettings
from balefire.vendor_kit.batches import send_grouped, send_halving, send_worded, split_outcomes
from balefire.vendor_kit.doubts import Doubts
from balefire.vendor_kit.fields import app_data, fill_intent, stable_number, stated
from balefire.vendor_kit.fitting import fit_message, fit_texts, shorten_units
from balefire.vendor_kit.http import Answer, Refusals, VendorHttp, codes, encode_json, read_object
from balefire.vendor_kit.oauth import client_credentials, read_grant
from balefire.vendor_kit.plugin import VendorPlugin
from balefire.vendor_kit.service_account import ServiceAccountSettings, read_rsa_key

__all__ = [
    "AccessTokens",
    "Account",
    "Answer",
    "Doubts",
    "Refusals",
    "ServiceAccountSettings",
    "VendorHttp",
    "VendorPlugin",
    "VendorSettings",
    "app_data",
    "client_credentials",
    "codes",
    "encode_json",
    "fill_intent",
    "fit_message",
    "fit_texts",
    "read_grant",
    "read_object",
    "read_rsa_key",
    "send_grouped",
    "send_halving",
    "send_worded",
    "shorten_units",
    "split_outcomes",
    "stable_number",
    "stated",
]
