"""kill -9 while pushes are under way: every message reaches the phone, repeats carry the same id."""

import asyncio
import sys
from pathlib import Path
from typing import Any

from tests.push.crashing import MESSAGES, PLUGINS
from tests.push.waiting import until

from balefire.testing import start_platform


async def test_a_killed_platform_pushes_the_rest_after_its_restart(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.push.crashing", str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        told = (await process.stdout.readline()).decode().split()
    process.kill()
    await process.wait()
    before = set(told[2:])

    async with start_platform(tmp_path, plugins=PLUGINS) as platform:
        plugin: Any = platform.kernel.host.records["push-sandbox"].plugin
        phones = plugin.sandbox.phones

        def ids() -> set[str]:
            return before | {shown.id for shown in phones.accepted}

        await until(lambda: len(ids()) >= MESSAGES)
        jobs = (await platform.http.get("/v1/push/jobs", params={"limit": 500})).json()["items"]

    assert told[:2] == ["under", "way"]
    assert ids() == {job["note_id"] for job in jobs}
    assert len(jobs) == MESSAGES
