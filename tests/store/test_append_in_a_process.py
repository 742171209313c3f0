"""What holds for appending and for events holds too when a process of its own writes SQLite's log."""

import shutil
from pathlib import Path

import pytest
from tests.store import test_append, test_events

ONLY_POSTGRESQL = {"test_a_node_number_has_one_process"}
globals().update(
    {
        name: test
        for module in (test_append, test_events)
        for name, test in vars(module).items()
        if name.startswith("test_") and name not in ONLY_POSTGRESQL
    }
)


@pytest.fixture
def database_url(tmp_path: Path, file_with_tables: Path) -> str:
    shutil.copy(file_with_tables, tmp_path)
    return f"sqlite:///{tmp_path / 'balefire.db'}"


@pytest.fixture
def log_process() -> bool:
    return True
