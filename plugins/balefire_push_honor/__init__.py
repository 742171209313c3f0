"""Push to Honor phones through Honor Push."""

from balefire_push_honor.plugin import Plugin

__all__ = ["Plugin"]
