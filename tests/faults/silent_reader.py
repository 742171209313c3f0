"""Clients that never read cost the server bounded memory, slow nobody down, and catch up later."""

import asyncio
from pathlib import Path

from tests.faults.counting import read
from tests.faults.raw_socket import RawSocket
from tests.faults.report import Row
from tests.faults.scene import Scene, crowd, prepare

from balefire.client import ChatMessage, Client

SILENT = 8
TEXT_LENGTH = 9_000  # characters of three bytes each
ALLOWED_BYTES = 50_000_000


async def run(folder: Path, *, rounds: int, people: int, messages: int) -> Row:
    """Let members of a group connect once more without ever reading, and talk megabytes past them."""
    scene = await prepare(folder, people=people)
    async with scene.server() as server, crowd(scene, text_length=TEXT_LENGTH) as load:
        await server.start()
        await load.hears_more(people)
        silent = [await RawSocket.connect(scene.url, scene.tokens[name]) for name in list(scene.tokens)[:SILENT]]
        await load.hears_more(messages // 10)
        before = server.rss_bytes
        await load.hears_more(messages)
        grown = server.rss_bytes - before
        await load.finish()
        told = await _what_it_is_told(silent[0])
        missing = await _catch_up(scene, next(iter(scene.tokens)))
        for reader in silent:
            reader.abort()
        count = await scene.count()
        await server.stop()
    lost = count.lost + missing
    passed = count.is_clean and not missing and grown < ALLOWED_BYTES and told in ("resync", "bye", "closed")
    note = f"memory {grown / 1e6:+.0f} MB while {SILENT} silent clients missed {messages} messages; then told: {told}"
    return Row("clients that never read", rounds, count.acknowledged, lost, count.doubled, passed, note)


async def _what_it_is_told(reader: RawSocket) -> str:
    """Read at last, up to the frame that says that something was missed."""
    try:
        async with asyncio.timeout(30):
            while (frame := await reader.read())["t"] not in ("resync", "bye", "closed"):
                pass
    except (asyncio.IncompleteReadError, ConnectionError):
        return "nothing, the connection was cut"
    except TimeoutError:
        return "nothing"
    return str(frame["t"])


async def _catch_up(scene: Scene, user: str) -> int:
    """Come back as a client that reads; how many acknowledged messages of others it is never shown."""
    heard = set(scene.hears[user])
    acknowledged = read(scene.folder / "acknowledged")
    due = {entry.message for entry in acknowledged if entry.conversation in heard and entry.sender != user}
    async with Client(scene.url, scene.tokens[user], device="late", start="all") as client:

        def show(message: ChatMessage) -> None:
            due.discard(message.message)

        client.on(ChatMessage, show)
        try:
            async with asyncio.timeout(60):
                while due:
                    await asyncio.sleep(0.05)
        except TimeoutError:
            return len(due)
    return 0
