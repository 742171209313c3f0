"""What the host knows about one plugin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pluggy import HookImpl

from balefire_hookspecs import BalefireError, Manifest, PluginStatus, Settings

if TYPE_CHECKING:
    from balefire.plugin_life import PluginLife

PluginState = Literal["loaded", "running", "failed", "skipped", "off", "muted"]
"""``loaded``: described, not started. ``skipped``: what it requires is missing. ``off``: switched off in the
configuration. ``muted``: running, but one of its hooks failed so often that it is not called for a while."""


class PluginFailed(BalefireError):
    """A plugin cannot be loaded, started or reloaded; the text says why."""

    code = "plugin_failed"
    status = 500


class HostedContext(Protocol):
    """What the host itself needs of a plugin's context."""

    async def close(self) -> None:
        """End every task the plugin spawned."""


@dataclass(slots=True, eq=False)
class PluginRecord:
    """One plugin: what it said about itself, how it is configured, and how it is doing.

    ``reason`` says why it is not simply running. ``hooks`` maps hook names to this plugin's implementations;
    ``registered`` what it handed over, by hook. ``source`` is where it was found, ``folder`` the file or folder
    holding its code. A reload replaces the record as a whole.
    """

    name: str
    table: Mapping[str, Any] = field(default_factory=dict, repr=False)
    state: PluginState = "loaded"
    reason: str = ""
    version: str = ""
    source: str = ""
    folder: Path | None = None
    is_critical: bool = False
    manifest: Manifest = field(default_factory=lambda: Manifest(summary=""))
    config: Settings = field(default_factory=Settings)
    plugin: object | None = None
    hooks: Mapping[str, HookImpl] = field(default_factory=dict, repr=False)
    deprecations: Sequence[str] = ()
    registered: Mapping[str, Sequence[Any]] = field(default_factory=dict, repr=False)
    context: HostedContext | None = field(default=None, repr=False)
    life: "PluginLife | None" = field(default=None, repr=False)

    @property
    def is_active(self) -> bool:
        """Whether its providers and hooks are in use."""
        return self.state in ("running", "muted")

    def status(self) -> PluginStatus:
        """What operators see of it."""
        return PluginStatus(
            self.name,
            self.version,
            self.state,
            reason=self.reason,
            summary=self.manifest.summary,
            summary_zh=self.manifest.summary_zh,
            hooks=tuple(sorted(self.hooks)),
            source=self.source,
        )

    def fail(self, reason: str) -> None:
        """Mark it as switched off because of a failure of its own."""
        self.state, self.reason, self.registered = "failed", reason, {}


def summarize(error: BaseException) -> str:
    """An exception in a few words, for reasons that people read."""
    text = str(error).strip()
    if isinstance(error, BalefireError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
