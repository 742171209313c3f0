"""Groups: who may do what in them, who may speak, and everything that is announced when they change."""

from balefire_groups.plugin import Plugin

__all__ = ["Plugin"]
