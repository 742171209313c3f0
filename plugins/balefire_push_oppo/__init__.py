"""Push to OPPO, OnePlus and realme phones."""

from balefire_push_oppo.vendor import Plugin

__all__ = ["Plugin"]
