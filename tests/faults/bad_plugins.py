"""Plugins that hang, crash, exit and do not start cost themselves only (I6)."""

import asyncio
import time
from pathlib import Path

from tests.faults.report import Row
from tests.faults.scene import Crowd, crowd, prepare
from tests.faults.server import Server

PLUGINS = ("hangs", "crashes", "exits", "never_starts")


async def run(folder: Path, *, rounds: int, people: int, slowest: float) -> Row:
    """Measure the crowd without and with the bad plugins; the operator must be told of each by name.

    :param slowest: the crowd's speed beside the bad plugins, as a share of what it was without, must reach this.
    """
    scene = await prepare(folder, people=people)
    good, bad = scene.config.read_text(), [str(Path(__file__).parent / "plugins" / f"{name}.py") for name in PLUGINS]
    async with scene.server() as server, crowd(scene) as load:
        await server.start()
        undisturbed = await _seconds_for(load, 50 * people)
        await server.stop()
        scene.config.write_text(good.replace("[kernel]\n", f"[kernel]\nplugins = {bad}\n"))
        await server.start()
        unnamed = await _names_missing(server, load)
        disturbed = await _seconds_for(load, 50 * people)
        await load.finish()
        count = await scene.count()
        survived = server.is_running
        await server.stop()
    ratio = undisturbed / disturbed
    passed = count.is_clean and survived and not unnamed and ratio >= slowest
    note = f"speed of the others: {ratio:.2f} x undisturbed; " + (
        "all named" if not unnamed else f"not named: {unnamed}"
    )
    return Row("hanging and crashing plugins", rounds, count.acknowledged, count.lost, count.doubled, passed, note)


async def _seconds_for(load: Crowd, acknowledgements: int) -> float:
    await load.hears_more(1)
    began = time.monotonic()
    await load.hears_more(acknowledgements)
    return time.monotonic() - began


async def _names_missing(server: Server, load: Crowd) -> set[str]:
    """Wait until ``/readyz`` names every bad plugin; those it does not name within half a minute are returned."""
    missing = {name.replace("_", "-") for name in PLUGINS}
    for _ in range(60):
        text = (await server.readiness()).text
        missing = {name for name in missing if name not in text}
        if not missing:
            break
        await load.hears_more(10)
        await asyncio.sleep(0.2)
    return missing
