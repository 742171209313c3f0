"""The built-in content types: text, media, cards, articles, streaming text, recall and group notices."""

from balefire_content.plugin import Plugin

__all__ = ["Plugin"]
