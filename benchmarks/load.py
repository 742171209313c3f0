"""The load generator, a process of its own: ``python -m benchmarks.load`` reads a job as JSON and prints the result.

A job: ``url``, ``users`` ([name, token] pairs, all of them connected), ``window`` (messages under way per sender),
``pause`` (seconds between an acknowledgement and the next message) and ``rounds``: per round ``senders`` (for each the
conversations to write to, in order) and ``expect`` (deliveries). It says ``connected`` when everybody is, and at the
end how long each round took, what this process itself used, and what was lost, doubled or out of order.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, Final

import uvloop

from benchmarks.wire import Wire, masked

TEXT: Final = "这是一个很短的文本内容！"  # 36 bytes, the text of the published figures
DEADLINE_SECONDS: Final = 120.0


class Sender:
    """Keeps ``window`` messages under way until its plan is done."""

    def __init__(self, wire: Wire, name: str, plan: Sequence[str], window: int, tag: str, pause: float) -> None:
        self.wire, self.name, self.plan, self.window, self.tag = wire, name, plan, window, tag
        self.pause = pause
        self.given = 0
        self.base = wire.sent
        self.started: list[float] = []
        self.latencies: list[float] = []
        wire.on_count = self.counted

    def counted(self, wire: Wire) -> None:
        done = wire.sent - self.base
        now = time.perf_counter()
        self.latencies += [now - self.started[i] for i in range(len(self.latencies), done)]
        if self.pause:
            asyncio.get_running_loop().call_later(self.pause, self.fill, done)
        else:
            self.fill(done)

    def fill(self, done: int) -> None:
        frames = []
        while self.given < len(self.plan) and self.given - done < self.window:
            frames.append(masked(self._frame(self.given)))
            self.given += 1
            self.started.append(time.perf_counter())
        if frames:
            self.wire.transport.write(b"".join(frames))

    def _frame(self, index: int) -> bytes:
        return (
            f'{{"t":"send","id":"{self.tag}-{self.name}-{index}","to":"{self.plan[index]}","type":"text",'
            f'"fields":{{"text":"{TEXT}"}}}}'
        ).encode()


async def connect(url: str, name: str, token: str, *, greet: bool) -> Wire:
    wire = await Wire(url).open()
    if greet:
        hello = {"t": "hello", "id": "h", "token": token, "device": f"bench-{name}", "platform": "bench"}
        wire.transport.write(masked(json.dumps(hello).encode()))
        while not wire.chunks:  # noqa: ASYNC110 - the wire only counts; waiting here is before the clock runs
            await asyncio.sleep(0.002)
        if b'"welcome"' not in wire.chunks[0]:
            raise ConnectionError(wire.chunks[0].decode(errors="replace"))
    return wire


async def connect_all(job: dict[str, Any]) -> dict[str, Wire]:
    wires: dict[str, Wire] = {}
    users = job["users"]
    for start in range(0, len(users), 50):
        batch = users[start : start + 50]
        opened = await asyncio.gather(*(connect(job["url"], n, t, greet=job.get("greet", True)) for n, t in batch))
        wires.update({name: wire for (name, _), wire in zip(batch, opened, strict=True)})
    return wires


async def run(job: dict[str, Any]) -> dict[str, Any]:
    """Do one job: connect, then one round per plan, each checked."""
    wires = await connect_all(job)
    await asyncio.sleep(0.2)
    print("connected", flush=True)
    results = []
    for number, plan in enumerate(job["rounds"]):
        results.append(await one_round(job, wires, plan, f"r{number}"))
        for wire in wires.values():
            wire.chunks.clear()
    for wire in wires.values():
        wire.transport.abort()
    return {"rounds": results}


async def one_round(job: dict[str, Any], wires: dict[str, Wire], plan: dict[str, Any], tag: str) -> dict[str, Any]:
    echo = job.get("echo", False)
    senders = [
        Sender(wires[n], n, targets, job["window"], tag, job.get("pause", 0)) for n, targets in plan["senders"].items()
    ]
    before = sum(wire.messages for wire in wires.values())
    cpu_before = time.process_time()
    begin = time.perf_counter()
    for sender in senders:
        if echo:
            sender.wire.on_count = _EchoCounter(sender)
        sender.fill(0)
    wanted = sum(len(s.plan) for s in senders)
    while True:
        await asyncio.sleep(0.005)
        acked = sum(len(s.latencies) for s in senders)
        arrived = sum(wire.messages for wire in wires.values()) - before
        if (acked >= wanted and (echo or arrived >= plan["expect"])) or time.perf_counter() - begin > DEADLINE_SECONDS:
            break
    took = time.perf_counter() - begin
    cpu = time.process_time() - cpu_before
    await asyncio.sleep(0.1)  # anything doubled would arrive now
    latencies = sorted(x for s in senders for x in s.latencies)
    return {
        "seconds": took,
        "acked": acked,
        "delivered": sum(wire.messages for wire in wires.values()) - before,
        "wanted": wanted,
        "expected": plan["expect"],
        "errors": sum(wire.errors for wire in wires.values()),
        "load_cpu": cpu,
        "p50_ms": 1000 * latencies[len(latencies) // 2] if latencies else 0,
        "p99_ms": 1000 * latencies[int(len(latencies) * 0.99)] if latencies else 0,
        **({} if echo else check(wires)),
    }


class _EchoCounter:
    """An echo answers with what was sent: count the frames that come back."""

    def __init__(self, sender: Sender) -> None:
        self.sender = sender
        self.seen = 0

    def __call__(self, wire: Wire) -> None:
        for chunk in wire.chunks:
            self.seen += chunk.count(b'"t":"send"')
        wire.chunks.clear()
        wire.sent = self.sender.base + self.seen
        self.sender.counted(wire)


def check(wires: dict[str, Wire]) -> dict[str, int]:
    """Count what was doubled or out of order, over everything that arrived in this round."""
    doubled = disordered = 0
    for wire in wires.values():
        seen: Counter[tuple[str, int]] = Counter()
        last: dict[str, int] = defaultdict(int)
        for frame in wire.frames():
            if not frame.startswith(b'{"t":"message"'):
                continue
            body = json.loads(frame)
            seen[(body["in"], body["seq"])] += 1
            disordered += body["seq"] < last[body["in"]]
            last[body["in"]] = body["seq"]
        doubled += sum(count - 1 for count in seen.values())
    return {"doubled": doubled, "disordered": disordered}


def main() -> None:
    uvloop.install()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard > 0 else soft, hard))
    json.dump(asyncio.run(run(json.load(sys.stdin))), sys.stdout)


if __name__ == "__main__":
    main()
