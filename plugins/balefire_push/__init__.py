"""The push hub: decides whose phone rings, words it, keeps it durably, and sends it through the vendors."""

from balefire_push.plugin import Plugin

__all__ = ["Plugin"]
