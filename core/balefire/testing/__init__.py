"""The test kit: a running platform in a test, a clock you move by hand, conformance kits for plugins.

Everything is imported when first used, so that a pytest run that never asks for the kit pays nothing for it.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from balefire.testing.clock import TestClock
    from balefire.testing.http_script import HttpScript
    from balefire.testing.listening import next_event
    from balefire.testing.phones import PUSH_SANDBOX, Phones
    from balefire.testing.platform import Platform, start_platform
    from balefire.testing.push_vendor import PushVendorContract

__all__ = [
    "PUSH_SANDBOX",
    "HttpScript",
    "Phones",
    "Platform",
    "PushVendorContract",
    "TestClock",
    "next_event",
    "start_platform",
]

_HOMES = {
    "PUSH_SANDBOX": "phones",
    "HttpScript": "http_script",
    "Phones": "phones",
    "Platform": "platform",
    "PushVendorContract": "push_vendor",
    "TestClock": "clock",
    "next_event": "listening",
    "start_platform": "platform",
}

if "pytest" in sys.modules:
    import pytest

    # Editable installs list no files, so pytest would not rewrite the kit's asserts by itself.
    pytest.register_assert_rewrite("balefire.testing.push_vendor", "balefire.testing.http_script")


def __getattr__(name: str) -> Any:
    """Import a public name's module when the name is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
