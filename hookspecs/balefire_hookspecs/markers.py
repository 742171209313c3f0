"""The two pluggy markers. Everything a plugin decorates with, and nothing else."""

from typing import Final

from pluggy import HookimplMarker, HookspecMarker

PROJECT: Final = "balefire"
"""The pluggy project name and the entry-point group in which plugins are found."""

API_VERSION: Final = (0, 1)
"""Version of the hook contract: (major, minor). A minor step only adds; a major step may remove."""

hookspec = HookspecMarker(PROJECT)
hookimpl = HookimplMarker(PROJECT)


class RemovedInBalefire1(DeprecationWarning):
    """A plugin uses something that goes away in Balefire 1.0; the text names what replaces it."""
