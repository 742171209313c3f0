"""The disk fills up: senders are told to try later, reading goes on, and service returns without a restart."""

import asyncio
from pathlib import Path

import httpx
from tests.faults.report import Row
from tests.faults.scene import Crowd, crowd, prepare
from tests.faults.server import Server
from tests.faults.small_disk import SmallDisk, small_disk

ROOM_BYTES = 3_000_000
MESSAGES = "/v1/conversations/group/g0/messages"


async def run(folder: Path, *, rounds: int, people: int) -> Row:
    """Fill the disk, look at what people and operators are told, make room, and count."""
    scene = await prepare(folder, people=people)
    with small_disk(folder / "data", room_bytes=ROOM_BYTES) as disk:
        async with scene.server() as server, scene.operator_client() as http, crowd(scene, text_length=700) as load:
            await server.start()
            disk.shrink(server)
            told = await _fill_up(disk, http, server)
            await _make_room(disk, http, server, load, people)
            await load.finish()
            count = await scene.count()
            await server.stop()
        integrity = scene.integrity()
    note = f"{told}; integrity check: {integrity}; out of order: {count.out_of_order}"
    passed = count.is_clean and integrity == "ok"
    return Row(disk.name, rounds, count.acknowledged, count.lost, count.doubled, passed, note)


async def _fill_up(disk: SmallDisk, http: httpx.AsyncClient, server: Server) -> str:
    """Wait until a send is refused; check that the refusal, the history and ``/readyz`` are as promised."""
    async with asyncio.timeout(120):
        while (answer := await _send(http)).is_success:
            await asyncio.sleep(0.05)
    assert (answer.status_code, answer.json()["code"]) == disk.refusal, answer.text
    history = await http.get(MESSAGES, params={"limit": 50})
    assert history.status_code == 200, history.text
    async with asyncio.timeout(20):
        while (readiness := await server.readiness()).is_success:
            await asyncio.sleep(0.1)
    assert server.is_running
    return f"send: {answer.status_code} {answer.json()['code']}, history: 200, /readyz: {readiness.status_code}"


async def _make_room(disk: SmallDisk, http: httpx.AsyncClient, server: Server, load: Crowd, people: int) -> None:
    disk.make_room(server)
    async with asyncio.timeout(60):
        while not ((await _send(http)).is_success and (await server.readiness()).is_success):
            await asyncio.sleep(0.1)
    await load.hears_more(5 * people)


async def _send(http: httpx.AsyncClient) -> httpx.Response:
    return await http.post(MESSAGES, json={"type": "text", "fields": {"text": "is there room?"}, "sender": "p000"})
