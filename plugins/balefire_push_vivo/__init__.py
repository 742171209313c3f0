"""Push to vivo and iQOO phones."""

from balefire_push_vivo.vendor import Plugin

__all__ = ["Plugin"]
