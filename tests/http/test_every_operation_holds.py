"""Every operation of the default platform, asked thousands of odd questions by schemathesis.

Left out is the check that valid data is always accepted: a schema cannot say that a group has no stranger for an
owner, and such refusals are 422 with a reason. Everything else must hold: no 5xx, only documented answers, wrong types
refused, credentials insisted on.
"""

import asyncio
import sys
from pathlib import Path

import pytest

from balefire.testing import Platform, start_platform

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
PLENTY = {"per_minute": 10_000_000, "burst": 1_000_000}
SETTINGS = {"server": {"rates": dict.fromkeys(("operator", "anonymous", "login"), PLENTY)}}
PLUGINS = {"auth-passwords": {"time_cost": 1, "memory_kib": 64}}


async def ask(site: Platform, folder: Path, *options: str) -> str:
    """Run schemathesis against the platform; what it found, or "" if all is well."""
    process = await asyncio.create_subprocess_exec(
        *(str(SCHEMATHESIS), "run", f"{site.url}/openapi.json", "--checks", "all"),
        *("--exclude-checks", "positive_data_acceptance", "--seed", "1", "--generation-database", "none", "--no-color"),
        *("--warnings", "off", "--continue-on-failure", *options),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return "" if process.returncode == 0 else output.decode()


@pytest.mark.timeout(240)
async def test_nothing_an_operator_asks_breaks_an_operation(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with start_platform(tmp_path, settings=SETTINGS, plugins=PLUGINS) as site:
        header = f"Authorization: {site.http.headers['Authorization']}"
        phases = ("--phases", "coverage,fuzzing", "--max-examples", "2", "--max-time", "30")
        found = await ask(site, tmp_path, *phases, "--header", header)

        assert not found, found
        assert (await site.http.get("/readyz")).json()["checks"]["store"]["state"] == "ok"
    assert "failed to answer" not in caplog.text


@pytest.mark.timeout(120)
async def test_nothing_a_stranger_asks_breaks_an_operation(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with start_platform(tmp_path, settings=SETTINGS, plugins=PLUGINS) as site:
        found = await ask(site, tmp_path, "--phases", "fuzzing", "--max-examples", "2", "--max-time", "15")

        assert not found, found
    assert "failed to answer" not in caplog.text
