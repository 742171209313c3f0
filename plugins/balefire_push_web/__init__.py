"""Push to browsers (Web Push) and to phones without a maker's push service (UnifiedPush)."""

from balefire_push_web.plugin import Plugin

__all__ = ["Plugin"]
