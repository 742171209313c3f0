"""Starts ``balefire`` commands as a person would, and stops them as a person would."""

import contextlib
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

ADDRESS: Final = re.compile(r"http://127\.0\.0\.1:(\d+)")
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 30.0


class Command:
    """A running ``balefire`` command that says where it listens.

    :param arguments: after ``balefire``.
    """

    def __init__(self, *arguments: str) -> None:
        self.arguments = arguments
        self.lines: list[str] = []
        self.exit_code: int | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "balefire", *self.arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        self._fresh: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.url = self._await_address()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def output(self) -> str:
        """Everything it has said so far."""
        return "".join(self.lines)

    def stop(self) -> None:
        """Press Ctrl+C, and wait. Stopping twice is no error."""
        if self.exit_code is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)
        try:
            self.exit_code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self.exit_code = self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line)
            self._fresh.put(line)
        self._fresh.put(None)

    def _await_address(self) -> str:
        deadline = time.monotonic() + START_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self._fresh.get(timeout=left)
            except queue.Empty:
                break
            if line is None:
                raise RuntimeError(f"balefire {' '.join(self.arguments)} ended:\n{self.output}")
            if found := ADDRESS.search(line):
                return found.group(0)
        raise RuntimeError(f"balefire {' '.join(self.arguments)} did not say where it listens:\n{self.output}")


@contextlib.contextmanager
def run_demo(folder: Path, *, port: int = 0) -> Iterator[Command]:
    """The demo, with an event every half a second."""
    with Command("demo", "--port", str(port), "--folder", str(folder), "--every", "0.5") as command:
        yield command
