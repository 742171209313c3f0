"""The demo: a platform with people, a group, a channel, robots, a simulated phone, and GitHub events coming in."""

from balefire_demo.plugin import Plugin

__all__ = ["Plugin"]
