"""The chat page at ``/``: a browser client of the native protocol, served without a build step."""

from balefire_chat_page.plugin import Plugin

__all__ = ["Plugin"]
