"""Private conversations: two people, or one person and their notes to themselves; and the block list."""

from balefire_private.plugin import Plugin

__all__ = ["Plugin"]
