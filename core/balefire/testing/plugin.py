"""The pytest plugin: found by its entry point in every pytest run, so it imports nothing of the platform by itself."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Offer the fixtures where pytest-asyncio is there to run them."""
    manager = config.pluginmanager
    if manager.has_plugin("asyncio"):
        manager.import_plugin("balefire.testing.fixtures")
