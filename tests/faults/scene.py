"""Sets the scene of a fault: people, conversations, a configuration, a server and a crowd."""

import asyncio
import json
import sqlite3
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import httpx
from tests.faults.counting import Count, Entry, compare, read
from tests.faults.ports import free_port
from tests.faults.server import Server

from balefire.client import Client
from balefire.testing import Platform, start_platform

GROUP_OF = 10


@dataclass(frozen=True, slots=True)
class Scene:
    """People and what they talk in. ``hears`` lists each person's conversations by their canonical names."""

    folder: Path
    url: str
    operator: str
    tokens: Mapping[str, str]
    conversations: Mapping[str, Sequence[str]]
    hears: Mapping[str, Sequence[str]]
    config: Path

    @property
    def members(self) -> dict[str, set[str]]:
        """Who is in each conversation."""
        keys = {key for heard in self.hears.values() for key in heard}
        return {key: {name for name, heard in self.hears.items() if key in heard} for key in keys}

    def server(self) -> Server:
        return Server(self.config, self.url)

    def operator_client(self) -> httpx.AsyncClient:
        """The REST API with an operator's powers."""
        headers = {"Authorization": f"Bearer {self.operator}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, trust_env=False, timeout=10)

    def integrity(self) -> str:
        """SQLite's own opinion of the database: "ok" when all is well."""
        with sqlite3.connect(self.folder / "data" / "balefire.db") as database:
            return str(database.execute("PRAGMA integrity_check").fetchone()[0])

    async def count(self) -> Count:
        """Compare the crowd's notes with the running server's history."""
        shown = {name: read(self.folder / f"shown-{name}") for name in self.tokens}
        return compare(read(self.folder / "acknowledged"), await self._stored(), shown, self.members)

    async def _stored(self) -> list[Entry]:
        entries: list[Entry] = []
        async with AsyncExitStack() as exits:
            for key, members in self.members.items():
                client = Client(self.url, self.tokens[min(members)], start="now")
                entries += await _history(await exits.enter_async_context(client), key)
        return entries


async def _history(client: Client, conversation: str) -> list[Entry]:
    entries: list[Entry] = []
    before = 0
    while page := await client.history(conversation, before=before, limit=200):
        entries += [Entry(conversation, it.sender, it.id, it.message, it.seq) for it in page]
        before = page[-1].seq
    return entries


async def prepare(folder: Path, *, people: int, config: str = "", settings: Mapping[str, Any] | None = None) -> Scene:
    """Create people in groups of ten, each also writing to a neighbour, and a configuration to serve them with.

    :param config: more lines for ``balefire.toml``.
    :param settings: the same for the platform that prepares the data.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"p{number:03}" for number in range(people)]
    groups = [names[start : start + GROUP_OF] for start in range(0, people, GROUP_OF)]
    async with start_platform(folder, settings=settings) as platform:
        operator = await platform.token("operator", scopes=frozenset({"admin"}))
        tokens = {name: await platform.token(name) for name in names}
        for number, members in enumerate(groups):
            await _create_group(platform, f"g{number}", members)
    port = free_port()
    file = folder / "balefire.toml"
    file.write_text(_config(port) + config)
    speaks, hears = _conversations(names, groups)
    return Scene(folder, f"http://127.0.0.1:{port}", operator, tokens, speaks, hears, file)


def _conversations(names: list[str], groups: list[list[str]]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    speaks: dict[str, list[str]] = {}
    hears: dict[str, list[str]] = {name: [] for name in names}
    for number, members in enumerate(groups):
        for place, name in enumerate(members):
            neighbour = members[(place + 1) % len(members)]
            speaks[name] = [f"group/g{number}", f"private/{neighbour}"]
            hears[name].append(f"group/g{number}")
            private = "private/" + ",".join(sorted([name, neighbour]))
            for either in (name, neighbour):
                if private not in hears[either]:
                    hears[either].append(private)
    return speaks, hears


async def _create_group(platform: Platform, group: str, members: Sequence[str]) -> None:
    body = {"id": group, "name": group, "owner": members[0], "members": list(members)}
    (await platform.http.post("/v1/groups", json=body)).raise_for_status()


def _config(port: int) -> str:
    # The crowd is a load, not a user: its speed is not what is tested.
    return (
        f'[server]\nport = {port}\ndrain_seconds = 0.5\n\n[kernel]\ndata_folder = "data"\n\n'
        '[log]\nlevel = "warning"\n\n[plugins.rate-limit]\nenabled = false\n'
    )


class Crowd:
    """The running crowd process."""

    def __init__(self, process: Process, acknowledged: BinaryIO) -> None:
        self._process = process
        self._file = acknowledged
        self._lines = 0

    @property
    def acknowledged(self) -> int:
        """How many acknowledgements the crowd has written down."""
        self._lines += self._file.read().count(b"\n")
        return self._lines

    async def hears_more(self, acknowledgements: int, *, within_seconds: float = 60) -> None:
        """Return as soon as so many more messages were acknowledged: then a kill comes at the worst moment."""
        wanted = self.acknowledged + acknowledgements
        async with asyncio.timeout(within_seconds):
            while self.acknowledged < wanted:
                assert self._process.returncode is None, "the crowd ended early"
                await asyncio.sleep(0.001)

    async def finish(self) -> None:
        """No more sends; wait until all that was under way is answered, and shown or overdue: the count tells which."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        async with asyncio.timeout(240):
            code = await self._process.wait()
        assert code == 0, "somebody in the crowd was never answered"


@asynccontextmanager
async def crowd(
    scene: Scene, *, senders: Sequence[str] | None = None, window: int = 2, text_length: int = 12
) -> AsyncIterator[Crowd]:
    """The crowd of a scene, ended with the block."""
    plan = {
        "url": scene.url,
        "folder": str(scene.folder),
        "tokens": dict(scene.tokens),
        "conversations": scene.conversations,
        "hears": scene.hears,
        "senders": list(scene.tokens if senders is None else senders),
        "window": window,
        "text_length": text_length,
    }
    acknowledged = scene.folder / "acknowledged"
    acknowledged.touch()
    file = scene.folder / "plan.json"
    file.write_text(json.dumps(plan))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.crowd", str(file), stdin=asyncio.subprocess.PIPE
    )
    try:
        with acknowledged.open("rb") as notes:
            yield Crowd(process, notes)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
