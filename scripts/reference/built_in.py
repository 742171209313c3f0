"""The built-in plugins, as their entry points give them."""

import functools
from importlib.metadata import entry_points
from typing import Any

from balefire_hookspecs import PROJECT, Manifest


@functools.cache
def built_in_plugins() -> dict[str, Any]:
    """One object per built-in plugin, by its name in the configuration."""
    found = (entry for entry in entry_points(group=PROJECT) if entry.dist and entry.dist.name == PROJECT)
    loaded = {entry.name: entry.load() for entry in sorted(found, key=lambda entry: entry.name)}
    return {name: thing() if isinstance(thing, type) else thing for name, thing in loaded.items()}


@functools.cache
def manifests() -> dict[str, Manifest]:
    """What each built-in plugin says about itself."""
    empty = Manifest(summary="")
    return {
        name: plugin.describe() if hasattr(plugin, "describe") else empty for name, plugin in built_in_plugins().items()
    }


def implementers(hook: str) -> list[str]:
    """Names of the built-in plugins that implement a hook."""
    marker = f"{PROJECT}_impl"
    return [name for name, plugin in built_in_plugins().items() if hasattr(getattr(plugin, hook, None), marker)]
