"""A SQLite file has one platform at a time: a second would pass over what the first one stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from balefire import StorageUnavailable
from balefire.database import SqlDatabase
from balefire.testing import start_platform


async def test_a_second_platform_on_the_same_file_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    async with start_platform(tmp_path) as first:
        with pytest.raises(StorageUnavailable, match=r"balefire\.db is in use by another platform, process \d+"):
            async with start_platform(tmp_path):
                pass

        assert (await first.http.get("/readyz")).is_success

    async with start_platform(tmp_path) as next_one:
        assert (await next_one.http.get("/readyz")).is_success


async def test_other_programs_may_look_into_the_file_of_a_running_platform(tmp_path: Path) -> None:
    async with start_platform(tmp_path) as platform:
        other = SqlDatabase(f"sqlite:///{platform.kernel.config.data_folder / 'balefire.db'}")
        await other.open()
        await other.close()
