"""Push by a signed web hook to a program of yours, which knows how to reach the device."""

from balefire_push_webhook.vendor import Plugin

__all__ = ["Plugin"]
