"""A strict stand-in for Apple's push service, with simulated phones to look at."""

from balefire_push_sandbox.plugin import Plugin

__all__ = ["Plugin"]
