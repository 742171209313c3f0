"""PostgreSQL goes away without a good-bye and comes back, under load: senders wait, nothing acknowledged is lost."""

import asyncio
from pathlib import Path

from tests.faults.report import Row
from tests.faults.scene import Crowd, crowd, prepare
from tests.faults.server import Server
from tests.servers import PostgreSQL


async def run(folder: Path, *, rounds: int, people: int) -> Row:
    """Crash and start the database in every round; the server itself is never restarted."""
    database = await asyncio.to_thread(PostgreSQL)
    try:
        await asyncio.to_thread(database.start)
        url = await asyncio.to_thread(database.create_database)
        settings = {"database": {"url": url}}
        scene = await prepare(folder, people=people, config=f'\n[database]\nurl = "{url}"\n', settings=settings)
        async with scene.server() as server, crowd(scene) as load:
            await server.start()
            for _ in range(rounds):
                await _crash(database, server, load, people)
            await load.finish()
            count = await scene.count()
            await server.stop()
    finally:
        await asyncio.to_thread(database.remove)
    note = f"/readyz said so each time; out of order: {count.out_of_order}"
    return Row("PostgreSQL restarted", rounds, count.acknowledged, count.lost, count.doubled, count.is_clean, note)


async def _crash(database: PostgreSQL, server: Server, load: Crowd, people: int) -> None:
    await load.hears_more(5 * people)
    await asyncio.to_thread(database.crash)
    async with asyncio.timeout(30):
        while (await server.readiness()).is_success:
            await asyncio.sleep(0.05)
    assert server.is_running
    await asyncio.to_thread(database.start)
    await load.hears_more(5 * people)
    async with asyncio.timeout(30):
        while not (await server.readiness()).is_success:
            await asyncio.sleep(0.05)
