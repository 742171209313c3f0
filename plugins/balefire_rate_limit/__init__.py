"""A policy: nobody sends faster than a token bucket refills."""

from balefire_rate_limit.plugin import Plugin

__all__ = ["Plugin"]
