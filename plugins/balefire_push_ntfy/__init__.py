"""Push through ntfy, hosted by yourself or by ntfy.sh."""

from balefire_push_ntfy.vendor import Plugin

__all__ = ["Plugin"]
