"""The fixtures: ``platform``, ``phones``, ``balefire_config``, ``test_clock`` and ``http_script``."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

if TYPE_CHECKING:
    from balefire.testing import HttpScript, Phones, Platform, TestClock


@pytest.fixture
def balefire_config() -> dict[str, Any]:
    """Settings for ``platform``, shaped like ``balefire.toml``. Override this fixture in a module or a class."""
    return {}


@pytest.fixture
def test_clock() -> "TestClock":
    """A clock that stands still until the test moves it."""
    from balefire.testing import TestClock

    return TestClock()


@pytest.fixture
def http_script() -> "Iterator[HttpScript]":
    """Scripted answers for outgoing HTTP; the test fails when one of them was never asked for."""
    from balefire.testing import HttpScript

    script = HttpScript()
    yield script
    script.check()


@pytest_asyncio.fixture
async def platform(tmp_path: Path, balefire_config: dict[str, Any]) -> "AsyncIterator[Platform]":
    """A running platform with the default plugins, an empty data folder and real sockets."""
    from balefire.testing import start_platform

    async with start_platform(tmp_path, settings=balefire_config) as running:
        yield running


@pytest_asyncio.fixture
async def phones(tmp_path: Path, balefire_config: dict[str, Any]) -> "AsyncIterator[Phones]":
    """A running platform whose Apple is the push sandbox; ``phones.platform`` is the platform."""
    from balefire.testing import PUSH_SANDBOX, Phones, start_platform

    async with start_platform(tmp_path, plugins=PUSH_SANDBOX, settings=balefire_config) as running:
        yield Phones(running)
