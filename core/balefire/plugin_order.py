"""In which order plugins start: each after those that provide what it requires."""

import logging
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from balefire.plugin_record import PluginRecord
from balefire.registry import KERNEL_CAPABILITIES, capabilities

log = logging.getLogger(__name__)


def start_order(records: Mapping[str, PluginRecord]) -> list[PluginRecord]:
    """Loaded plugins, requirements first, otherwise as configured.

    Plugins that require each other in a circle fail, and the circle is named; the rest is ordered without them.
    """
    while True:
        try:
            return [records[name] for name in _sorter(records).static_order() if records[name].state == "loaded"]
        except CycleError as error:
            circle = error.args[1]
            reason = f"it stands in a circle of requirements: {' → '.join(circle)}"
            for name in set(circle):
                records[name].fail(reason)
            log.error("plugins require each other in a circle and are switched off: %s", " → ".join(circle))


def missing_requirement(record: PluginRecord, records: Mapping[str, PluginRecord]) -> str:
    """Why this plugin cannot start now; "" if it can."""
    if reason := never_provided(record, records):
        return reason
    for requirement in record.manifest.requires:
        able = _providers_of(requirement, records)
        if able and not any(provider.is_active for provider in able):
            why = "; ".join(f"{provider.name}: {provider.reason or provider.state}" for provider in able)
            return f"it requires {requirement!r}, whose provider is not running ({why})"
    return ""


def never_provided(record: PluginRecord, records: Mapping[str, PluginRecord]) -> str:
    """Why this plugin can never start as things are configured, whatever is running; "" if it can."""
    for requirement in record.manifest.requires:
        if requirement not in KERNEL_CAPABILITIES and not _providers_of(requirement, records):
            return f"it requires {requirement!r}, which no enabled plugin provides"
    return ""


def _sorter(records: Mapping[str, PluginRecord]) -> TopologicalSorter[str]:
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name, record in records.items():
        wanted = record.manifest.requires if record.state == "loaded" else ()
        sorter.add(name, *[p.name for requirement in wanted for p in _providers_of(requirement, records)])
    return sorter


def _providers_of(capability: str, records: Mapping[str, PluginRecord]) -> list[PluginRecord]:
    return [record for record in records.values() if record.state != "off" and capability in capabilities(record)]
