"""Push to Apple's devices over one long-lived, multiplexed HTTP/2 connection."""

from balefire_push_apns.plugin import Plugin

__all__ = ["Plugin"]
