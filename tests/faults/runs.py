"""Which faults there are, and how hard each is tried in its long and its short form."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from tests.faults import bad_plugins, full_disk, kill_loop, postgresql_restart, silent_reader
from tests.faults.report import Row

Run = Callable[[Path], Awaitable[Row]]


def runs(*, is_short: bool) -> dict[str, Run]:
    """Every fault by name. The short form is part of the tests, which promise no speed on a machine that does more."""
    if is_short:
        return {
            "kill-loop": partial(kill_loop.run, rounds=3, people=20),
            "full-disk": partial(full_disk.run, rounds=1, people=10),
            "bad-plugins": partial(bad_plugins.run, rounds=1, people=10, slowest=0.0),
            "silent-reader": partial(silent_reader.run, rounds=1, people=10, messages=400),
            "postgresql-restart": partial(postgresql_restart.run, rounds=1, people=10),
        }
    return {
        "kill-loop": partial(kill_loop.run, rounds=20, people=200),
        "full-disk": partial(full_disk.run, rounds=1, people=50),
        "bad-plugins": partial(bad_plugins.run, rounds=1, people=50, slowest=0.5),
        "silent-reader": partial(silent_reader.run, rounds=1, people=10, messages=3000),
        "postgresql-restart": partial(postgresql_restart.run, rounds=5, people=50),
    }
