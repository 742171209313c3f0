"""Push to Xiaomi and Redmi phones through MiPush."""

from balefire_push_xiaomi.vendor import Plugin

__all__ = ["Plugin"]
