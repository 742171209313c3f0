"""The workloads. Each yields rows; a row's ratio compares with a baseline measured in the same run."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from balefire import Conversation
from benchmarks.servers import (
    accounts,
    cpu_seconds,
    drive,
    free_port,
    memory_bytes,
    platform,
    prepared,
    process,
    wait_ready,
    write_config,
)
from benchmarks.wire import Wire


@dataclass(slots=True)
class Row:
    """One line of the table. ``baseline`` is in the same unit; ``ratio`` is value / baseline."""

    workload: str
    metric: str
    unit: str
    value: float
    baseline: float | None = None
    ratio: float | None = None
    runs: int = 1
    target: str = ""
    note: str = ""
    samples: list[float] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def row(workload: str, metric: str, unit: str, values: list[float], baselines: list[float], **more: Any) -> Row:
    """Medians of the runs, and the median of the ratios run by run: robust when the machine's speed drifts."""
    ratios = [v / b for v, b in zip(values, baselines, strict=True)] if baselines else []
    return Row(
        workload,
        metric,
        unit,
        statistics.median(values),
        statistics.median(baselines) if baselines else None,
        statistics.median(ratios) if ratios else None,
        len(values),
        samples=values,
        **more,
    )


def sound(result: dict[str, Any], server: str) -> dict[str, Any]:
    """A run that loses, doubles or reorders a message has no number."""
    wrong = {k: result[k] for k in ("errors", "doubled", "disordered") if result.get(k)}
    if result["acked"] != result["wanted"] or wrong:
        raise RuntimeError(f"{server}: {result['acked']} of {result['wanted']} acknowledged, {wrong or 'in order'}")
    if "doubled" in result and result["delivered"] != result["expected"]:
        raise RuntimeError(f"{server}: {result['delivered']} of {result['expected']} delivered")
    return result


def load_note(shares: list[tuple[float, float]]) -> str:
    """How one sees that the load generator, one thread, held nobody up: its share of a core is well below all of it."""
    ours, baseline = (statistics.median(share) for share in zip(*shares, strict=True))
    return f"load generator used {ours:.0%} of its core, {baseline:.0%} for the baseline"


# -- W1 ----------------------------------------------------------------------------------------------------------------


async def w1_private(folder: Path, runs: int, scale: float) -> list[Row]:
    """Private chat: 200 senders, 1 000 online receivers, 16 messages under way per sender, fsync before the ack.

    Once as the platform comes, and once with the log written by a process of its own.
    """
    senders = [f"s{i}" for i in range(200)]
    receivers = [f"r{i}" for i in range(1000)]
    each = max(20, int(1000 * scale))
    plan = {name: [f"private/{receivers[(i * 37 + k) % 1000]}" for k in range(each)] for i, name in enumerate(senders)}
    total = len(senders) * each
    job = {"rounds": [{"senders": plan, "expect": total}] * 2, "window": 16}
    echo, load = [], []
    found: dict[str, list[_Private]] = {"": [], "log_process": []}
    for number in range(runs):
        baseline, echo_load = await _echo_rate(plan)
        echo.append(baseline)
        for option, results in found.items():
            home = folder / f"w1-{number}-{option}"
            home.mkdir(parents=True)
            results.append(await _private(home, option, job, receivers + senders, total))
        load.append((found[""][-1].load, echo_load))
    note = load_note(load)
    usual, apart = found[""], found["log_process"]
    target = ">= 0.5 x echo"
    return [
        row("W1", "known conversations, D2", "messages/s", [r.known for r in usual], echo, target=target, note=note),
        row(
            "W1",
            "first contacts, D2",
            "messages/s",
            [r.first for r in usual],
            echo,
            note="each message creates its conversation",
        ),
        row("W1", "per CPU second of the server", "messages", [r.per_cpu for r in usual], []),
        row("W1", "acknowledged, p50 at full load", "ms", [r.p50_ms for r in usual], []),
        row("W1", "known conversations, D2, log_process", "messages/s", [r.known for r in apart], echo, target=target),
        row("W1", "per CPU second, log_process", "messages", [r.per_cpu for r in apart], []),
    ]


@dataclass(frozen=True, slots=True)
class _Private:
    first: float
    known: float
    per_cpu: float
    load: float
    p50_ms: float


async def _private(home: Path, option: str, job: dict[str, Any], names: list[str], total: int) -> _Private:
    """Two rounds on one server: every conversation new, and every conversation known."""
    port = free_port()
    config = write_config(home, port, {"plugins.store-sql": {option: True}} if option else None)
    async with prepared(config) as kernel:
        users = await accounts(kernel, names)
    with platform(config, port) as server:
        before = cpu_seconds(server.pid)
        rounds = (await drive({**job, "url": f"ws://127.0.0.1:{port}/v1/socket", "users": users}))["rounds"]
        used = cpu_seconds(server.pid) - before
    for result in rounds:
        sound(result, "W1")
    first, known = rounds
    generator = known["load_cpu"] / known["seconds"]
    return _Private(total / first["seconds"], total / known["seconds"], 2 * total / used, generator, known["p50_ms"])


async def _echo_rate(plan: dict[str, list[str]]) -> tuple[float, float]:
    port = free_port()
    with process("-m", "benchmarks.echo_server", str(port)) as server:
        wait_ready(f"http://127.0.0.1:{port}/", server)
        job = {
            "url": f"ws://127.0.0.1:{port}/v1/socket",
            "users": [(name, "") for name in plan],
            "greet": False,
            "echo": True,
            "rounds": [{"senders": plan, "expect": 0}],
            "window": 16,
        }
        result = sound((await drive(job))["rounds"][0], "echo")
    return result["acked"] / result["seconds"], result["load_cpu"] / result["seconds"]


# -- W2 ----------------------------------------------------------------------------------------------------------------


async def w2_groups(folder: Path, runs: int, scale: float) -> list[Row]:
    """Groups of 100, 200 and 1 000 members, all online; deliveries a second against one frame per recipient."""
    rows = []
    for size, speakers, deliveries in ((100, 50, 1_500_000), (200, 100, 1_500_000), (1000, 100, 2_000_000)):
        messages = max(speakers, int(deliveries * scale / (size - 1)) // speakers * speakers)
        plain_messages = max(speakers, messages // 8 // speakers * speakers)
        rates, plain, load = [], [], []
        for number in range(runs):
            baseline, plain_load = await _plain_groups(size, speakers, plain_messages)
            home = folder / f"w2-{size}-{number}"
            home.mkdir(parents=True)
            rate, our_load = await _our_groups(home, size, speakers, messages)
            plain.append(baseline)
            rates.append(rate)
            load.append((our_load, plain_load))
        what = f"group of {size}, all online"
        rows.append(row("W2", what, "deliveries/s", rates, plain, target=">= 5 x plain", note=load_note(load)))
    return rows


async def _our_groups(home: Path, size: int, speakers: int, messages: int) -> tuple[float, float]:
    port = free_port()
    config = write_config(home, port)
    names = [f"u{i}" for i in range(size)]
    async with prepared(config) as kernel:
        users = await accounts(kernel, names)
        key = await make_group(kernel, "bench", names)
    with platform(config, port):
        plan = {name: [key] * (messages // speakers) for name in names[:speakers]}
        job = {
            "url": f"ws://127.0.0.1:{port}/v1/socket",
            "users": users,
            "rounds": [{"senders": plan, "expect": messages * (size - 1)}],
            "window": 4,
        }
        result = sound((await drive(job))["rounds"][0], f"W2 {size}")
    return result["delivered"] / result["seconds"], result["load_cpu"] / result["seconds"]


async def _plain_groups(size: int, speakers: int, messages: int) -> tuple[float, float]:
    port = free_port()
    names = [f"u{i}" for i in range(size)]
    with process("-m", "benchmarks.plain_group_server", str(port)) as server:
        wait_ready(f"http://127.0.0.1:{port}/", server)
        plan = {name: ["group/bench"] * (messages // speakers) for name in names[:speakers]}
        job = {
            "url": f"ws://127.0.0.1:{port}/v1/socket",
            "users": [(name, "") for name in names],
            "rounds": [{"senders": plan, "expect": messages * (size - 1)}],
            "window": 4,
        }
        result = sound((await drive(job))["rounds"][0], "plain groups")
    return result["delivered"] / result["seconds"], result["load_cpu"] / result["seconds"]


async def make_group(kernel: Any, name: str, members: list[str]) -> str:
    """A group with these members, made the way the REST API makes one."""
    import httpx

    admin = next(iter(kernel.providers.token_issuers.values()))
    token, _ = await admin.issue(members[0], scopes=frozenset({"*"}), ttl_seconds=600)
    async with httpx.AsyncClient(base_url=kernel.url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as http:
        answer = await http.post("/v1/groups", json={"id": name, "name": name, "members": members[1:]})
        answer.raise_for_status()
    return f"group/{name}"


# -- W4 ----------------------------------------------------------------------------------------------------------------


async def w4_channel(folder: Path, runs: int, scale: float) -> list[Row]:
    """A channel with 100 000 subscribers, 2 000 of them online: accepted as fast as a private message, one row each."""
    subscribers = max(2000, int(100_000 * scale))
    online = [f"u{i}" for i in range(2000)]
    publishes = max(20, int(40 * scale))
    private_ms, channel_ms, rows_each = [], [], []
    for number in range(runs):
        home = folder / f"w4-{number}"
        home.mkdir(parents=True)
        port = free_port()
        config = write_config(home, port)
        url = f"ws://127.0.0.1:{port}/v1/socket"
        async with prepared(config) as kernel:
            users = await accounts(kernel, [*online, "owner", "friend"])
            await make_channel(kernel, "news", "owner", subscribers)
        with platform(config, port):
            before = _count_rows(home)
            # Listeners have a process of their own: what the owner's waits for is the server, not them.
            listening = asyncio.Event()
            expected = publishes * len(online)
            hearing = asyncio.create_task(
                drive(
                    {"url": url, "users": users[:-2], "window": 1, "rounds": [{"senders": {}, "expect": expected}]},
                    listening,
                )
            )
            await listening.wait()
            rounds = [
                {"senders": {"owner": ["private/friend"] * publishes}, "expect": publishes},
                {"senders": {"owner": ["channel/news"] * publishes}, "expect": 0},
            ]
            speaking = {"url": url, "users": users[-2:], "rounds": rounds, "window": 1, "pause": 0.5}
            private, channel = (await drive(speaking))["rounds"]
            (heard,) = (await hearing)["rounds"]
            after = _count_rows(home)
        for result in (private, channel, heard):
            sound(result, "W4")
        private_ms.append(private["p50_ms"])
        channel_ms.append(channel["p50_ms"])
        # The private conversation brings itself and its two members; the channel must bring nothing.
        rows_each.append((sum(after.values()) - sum(before.values()) - publishes - 3) / publishes)
    what = f"publish to {subscribers:,} subscribers, 2,000 online, accepted p50"
    return [
        row("W4", what, "ms", channel_ms, private_ms, target="<= 2 x private"),
        row("W4", "rows written per publish", "rows", rows_each, [], target="1"),
    ]


def _count_rows(home: Path) -> dict[str, int]:
    """Rows of the log: messages, members, conversations, events; settled when two looks agree."""
    with sqlite3.connect(home / "data" / "balefire.db") as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        logged = [t for t in tables if t.rpartition("_")[2] in {"message", "member", "conversation"}]
        return {t: db.execute(f'SELECT count(*) FROM "{t}"').fetchone()[0] for t in logged}


async def make_channel(kernel: Any, name: str, owner: str, subscribers: int) -> None:
    """A channel with its owner and so many subscribers, made the way the REST API makes one."""
    import httpx

    issuer = next(iter(kernel.providers.token_issuers.values()))
    token, _ = await issuer.issue(owner, scopes=frozenset({"*"}), ttl_seconds=600)
    async with httpx.AsyncClient(base_url=kernel.url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as http:
        (await http.post("/v1/channels", json={"id": name, "name": name})).raise_for_status()
    channel = Conversation("channel", name)
    everyone = [f"u{i}" for i in range(subscribers)]
    for start in range(0, len(everyone), 10_000):
        await kernel.members.add(channel, everyone[start : start + 10_000], role="subscriber")


# -- W6 ----------------------------------------------------------------------------------------------------------------


async def w6_idle(folder: Path, runs: int, scale: float) -> list[Row]:
    """10 000 idle connections: memory of the server process each, above the process without them."""
    count = max(500, int(10_000 * scale))
    each = []
    for number in range(runs):
        home = folder / f"w6-{number}"
        home.mkdir(parents=True)
        port = free_port()
        config = write_config(home, port)
        async with prepared(config) as kernel:
            users = await accounts(kernel, [f"u{i}" for i in range(count)])
        with platform(config, port) as server:
            warm = await _connect(port, users[:50])  # code paths and caches, not connections, cost this
            before = memory_bytes(server.pid)
            wires = await _connect(port, users[50:])
            await asyncio.sleep(1.0)
            each.append((memory_bytes(server.pid) - before) / (count - 50))
            for wire in wires + warm:
                wire.transport.abort()
    return [row("W6", f"{count} idle connections", "bytes each", each, [], target="<= 8192")]


async def _connect(port: int, users: list[tuple[str, str]]) -> list[Wire]:
    from benchmarks.load import connect

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65_536)), hard))
    wires: list[Wire] = []
    for start in range(0, len(users), 50):
        wires += await asyncio.gather(
            *(connect(f"ws://127.0.0.1:{port}/v1/socket", n, t, greet=True) for n, t in users[start : start + 50])
        )
    return wires


# -- W8 ----------------------------------------------------------------------------------------------------------------


async def w8_start(folder: Path, runs: int, scale: float) -> list[Row]:
    """Start to ready, with an empty data folder (migrations included) and with an existing one."""
    del scale
    imports, empty, existing = [], [], []
    for number in range(max(runs, 3)):
        imports.append(_seconds(["-c", "import aiohttp, sqlmodel"]))
        home = folder / f"w8-{number}"
        home.mkdir(parents=True)
        empty.append(_start_seconds(home))
        existing.append(_start_seconds(home))
    base = statistics.median(imports)
    return [
        row(
            "W8", "start to ready, empty folder", "s", empty, imports, target=f"<= 2.0 x + 0.5 = {2 * base + 0.5:.2f} s"
        ),
        row(
            "W8",
            "start to ready, existing folder",
            "s",
            existing,
            imports,
            target=f"<= 1.2 x + 0.5 = {1.2 * base + 0.5:.2f} s",
        ),
    ]


def _seconds(arguments: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True)
    return time.perf_counter() - begin


def _start_seconds(home: Path) -> float:
    port = free_port()
    config = write_config(home, port)
    begin = time.perf_counter()
    with platform(config, port):
        return time.perf_counter() - begin


WORKLOADS: dict[str, Callable[[Path, int, float], Awaitable[list[Row]]]] = {
    "W1": w1_private,
    "W2": w2_groups,
    "W4": w4_channel,
    "W6": w6_idle,
    "W8": w8_start,
}
