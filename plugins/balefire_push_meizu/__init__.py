"""Push to Meizu phones."""

from balefire_push_meizu.vendor import Plugin

__all__ = ["Plugin"]
