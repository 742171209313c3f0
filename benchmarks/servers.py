"""Starting and measuring the servers under test: each is a process of its own on a free loopback port."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

from balefire.config import load_config
from balefire.kernel import Kernel

QUIET = {"log": {"level": "warning"}, "plugins": {"rate-limit": {"enabled": False}}}
"""The complete default set of plugins, but for the flood limit: a load generator is a flood."""


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def write_config(folder: Path, port: int, extra: Mapping[str, Any] | None = None) -> Path:
    """A configuration file for one run, and the data folder beside it."""
    lines = [
        "[server]",
        f"port = {port}",
        "drain_seconds = 0",
        "[kernel]",
        f'data_folder = "{folder / "data"}"',
        "[log]",
        'level = "warning"',
        "[plugins.rate-limit]",
        "enabled = false",
        *(
            f"[{table}]\n" + "\n".join(f"{k} = {json.dumps(v)}" for k, v in values.items())
            for table, values in (extra or {}).items()
        ),
    ]
    path = folder / "balefire.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


@contextlib.asynccontextmanager
async def prepared(config: Path) -> AsyncIterator[Kernel]:
    """The platform in this process, to fill its data folder through the interfaces plugins use."""
    kernel = Kernel(load_config(config, overrides={"server": {"port": 0}}))
    async with kernel.running():
        yield kernel


def usual_environment() -> dict[str, str]:
    """Ours without what would keep Python from caching bytecode: no installed server compiles itself at each start."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@contextlib.contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server process, killed at the end. Its standard error is ours."""
    server = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, env=usual_environment())
    try:
        yield server
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@contextlib.contextmanager
def platform(config: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The platform in a process of its own, ready."""
    with process("-m", "balefire", "-c", str(config), "serve") as server:
        wait_ready(f"http://127.0.0.1:{port}/readyz", server, only_success=True)
        yield server


def wait_ready(url: str, server: subprocess.Popen[bytes], *, seconds: float = 30.0, only_success: bool = False) -> None:
    """Wait until something answers there, with whatever status or only with success."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with {server.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                answer.read()
            return
        except urllib.error.HTTPError:
            if not only_success:
                return
            time.sleep(0.01)
        except OSError:
            time.sleep(0.01)
    raise TimeoutError(f"{url} did not answer within {seconds:g} s")


def cpu_seconds(pid: int) -> float:
    """Processor time a process and its children have used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    children = {child for found in Path(f"/proc/{pid}/task").glob("*/children") for child in found.read_text().split()}
    return own + sum(cpu_seconds(int(child)) for child in children)


def memory_bytes(pid: int) -> int:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmRSS")


async def drive(job: dict[str, Any], connected: asyncio.Event | None = None) -> dict[str, Any]:
    """Run the load generator with a job in its own process; ``connected`` is set when all its clients are."""
    load = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.load", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert load.stdin is not None
    assert load.stdout is not None
    load.stdin.write(json.dumps(job).encode())
    load.stdin.write_eof()
    if await load.stdout.readline() == b"connected\n" and connected is not None:
        connected.set()
    out = await load.stdout.read()
    if await load.wait():
        raise RuntimeError(f"the load generator ended with {load.returncode}")
    result: dict[str, Any] = json.loads(out)
    return result


async def accounts(kernel: Kernel, names: list[str]) -> list[tuple[str, str]]:
    """Create users and a token for each: [(name, token)]."""
    from balefire import User

    issuer = next(iter(kernel.providers.token_issuers.values()))
    scopes = frozenset({"messages:read", "messages:write", "users:read", "devices:write"})
    made = []
    for name in names:
        await kernel.directory.put(User(id=name, display_name=name))
        token, _ = await issuer.issue(name, scopes=scopes, ttl_seconds=3600)
        made.append((name, token))
    return made
