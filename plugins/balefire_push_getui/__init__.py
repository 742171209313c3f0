"""Push through Getui, which reaches the phones of all makers in China."""

from balefire_push_getui.vendor import Plugin

__all__ = ["Plugin"]
