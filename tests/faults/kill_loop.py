"""``kill -9`` again and again under load: nothing acknowledged is lost, nothing is doubled (I1, I2, I3, I4)."""

import asyncio
import random
from pathlib import Path

from tests.faults.report import Row
from tests.faults.scene import crowd, prepare


async def run(folder: Path, *, rounds: int, people: int) -> Row:
    """Kill the server at a random moment of every round, just after an acknowledgement in every other one on average:
    what was acknowledged too early is lost then. The crowd reconnects and repeats by itself."""
    scene = await prepare(folder, people=people)
    async with scene.server() as server, crowd(scene) as load:
        for _ in range(rounds):
            await server.start()
            await load.hears_more(random.randrange(1, 30 * people))
            await asyncio.sleep(random.choice((0.0, random.uniform(0.0, 0.05))))
            await server.kill()
        await server.start()
        await load.hears_more(people)
        await load.finish()
        count = await scene.count()
        await server.stop()
    integrity = scene.integrity()
    note = f"integrity check: {integrity}; out of order: {count.out_of_order}"
    passed = count.is_clean and integrity == "ok"
    return Row("kill -9 under load", rounds, count.acknowledged, count.lost, count.doubled, passed, note)
