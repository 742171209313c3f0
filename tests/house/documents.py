"""Runs what a documentation page tells its reader to type.

Four kinds of fenced block mean something here, by their info string:

* ``python NAME.py``: the reader saves it; so do we. ``toml NAME.toml`` likewise.
* ``python``: a program that stands by itself; it is run.
* ``bash run``: typed into a shell; must succeed. A ``text`` block right behind it shows what comes out: each of its
  lines must appear, ``…`` standing for anything.
* ``bash serve``: typed into a second terminal, where it keeps running until the platform says that it is ready.

``bash`` alone, and any other language, is for the eye only; a word behind a language that is none of the above is a
mistake, as is a ``text`` block with nothing before it to compare with. Port 8450 is replaced by one that is free.
"""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults.ports import free_port

FENCE = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its info string and its text."""

    info: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    for indent, info, text in FENCE.findall(page.read_text()):
        yield Block(info.strip(), re.sub(f"^{indent}", "", text, flags=re.MULTILINE))


class Reader:
    """Somebody who types what a page says, in a folder of their own. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = str(free_port())
        self._servers: list[subprocess.Popen[bytes]] = []
        binaries = str(Path(sys.executable).parent)
        self._environment = {
            **os.environ,
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "BALEFIRE_SERVER__PORT": self._port,
            "BALEFIRE_SERVER__DRAIN_SECONDS": "0",
            "LANG": "C.UTF-8",
        }

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *error: object) -> None:
        for server in self._servers:
            server.terminate()
            server.wait(30)

    def follow(self, page: Path) -> None:
        """Do what the page says, in order."""
        output = None
        for block in blocks(page):
            text = block.text.replace("8450", self._port)
            match block.info.split():
                case ["python" | "toml", name]:
                    (self._folder / name).write_text(text)
                case ["python"]:
                    self._run([sys.executable, "-c", text])
                case ["bash", "run"]:
                    output = self._run(["bash", "-euo", "pipefail", "-c", text])
                case ["bash", "serve"]:
                    self._serve(text)
                case ["text"]:
                    assert output is not None, f"nothing was run that could have said {text!r}"
                    _compare(output, text)
                    continue
                case [_]:
                    pass
                case words:
                    raise ValueError(f"{page.name}: no such kind of block: {' '.join(words) or 'without a language'}")
            if block.info != "bash run":
                output = None

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command, cwd=self._folder, env=self._environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"{command[-1]}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _serve(self, command: str) -> None:
        while self._servers:  # starting again means that the reader has stopped the one before
            stopped = self._servers.pop()
            stopped.terminate()
            stopped.wait(30)
        with (self._folder / "server.log").open("wb") as log:
            # One plain command: the shell becomes it, so it is the server that is told to stop.
            server = subprocess.Popen(
                ["bash", "-c", command], cwd=self._folder, env=self._environment, stdout=log, stderr=log
            )
        self._servers.append(server)
        deadline = time.monotonic() + 30
        while not self._is_ready():
            assert server.poll() is None and time.monotonic() < deadline, (self._folder / "server.log").read_text()
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError):
            return False


def _compare(output: str, shown: str) -> None:
    for line in shown.splitlines():
        pattern = ".*".join(re.escape(part) for part in line.strip().split("…"))
        assert re.search(pattern, output), f"{line!r} is not in\n{output}"
