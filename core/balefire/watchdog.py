"""Watches over the event loop: ends hook calls that outstay their time, and names whoever blocks the loop."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import types
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Watched:
    """A hook call in flight. ``cancels``: how often it was told to stop; from the second time on it is given up."""

    task: asyncio.Task[Any]
    deadline: float
    cancels: int = 0


class Watchdog:
    """Cancels hook calls that outstay their time. One timer serves every call in flight.

    The first time a call may clean up after itself; one that is still there ``grace_seconds`` later is left behind.
    It goes by real time, whatever clock the kernel has: what hangs, hangs in real time.
    """

    def __init__(self, every_seconds: float = 0.25, grace_seconds: float = 1.0) -> None:
        self.every_seconds = every_seconds
        self.grace_seconds = grace_seconds
        self._calls: set[Watched] = set()

    def watch(self, task: asyncio.Task[Any], seconds: float) -> Watched:
        """Cancel the task when it has not been taken off the list in time."""
        call = Watched(task, time.monotonic() + seconds)
        self._calls.add(call)
        return call

    def forget(self, call: Watched) -> None:
        """Take a call off the list."""
        self._calls.discard(call)

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await asyncio.sleep(self.every_seconds)
            now = time.monotonic()
            for call in tuple(self._calls):
                if call.deadline < now:
                    call.deadline = now + self.grace_seconds
                    call.cancels += 1
                    call.task.cancel()


@types.coroutine
def until_given_up(work: Awaitable[Any], call: Watched) -> Generator[Any, Any, Any]:
    """Await the work, as long as the watchdog has patience with it, whatever it does with its cancellation."""
    steps: Any = work.__await__()
    try:
        waits_for = next(steps)
        while True:
            try:
                yield waits_for
            except GeneratorExit:
                steps.close()
                raise
            except BaseException as error:
                if call.cancels > 1:
                    with suppress(RuntimeError):  # it will not even be closed
                        steps.close()
                    raise
                waits_for = steps.throw(error)
            else:
                waits_for = next(steps)
    except StopIteration as finished:
        return finished.value


class LoopWatch:
    """A thread that looks at the event loop's stack when the loop has not turned for a while.

    A plain function that spins cannot be interrupted, only named: with the plugin, the file and the line where it is.

    :param folders: where each plugin's code is, by plugin name; read at every report.
    :param on_block: told the plugin's name ("" when no plugin is on the stack) and the place; for tests and figures.
    """

    def __init__(
        self,
        folders: Callable[[], Mapping[str, Path]],
        *,
        limit_seconds: float = 0.1,
        on_block: Callable[[str, str], None] | None = None,
    ) -> None:
        self._folders = folders
        self._limit = limit_seconds
        self._on_block = on_block
        self._turned = time.monotonic()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._heartbeat: asyncio.TimerHandle | None = None
        self._loop_thread = 0

    def start(self) -> None:
        """Begin; call it from the event loop's thread."""
        self._loop_thread = threading.get_ident()
        self._stopped.clear()
        self._beat(asyncio.get_running_loop())
        self._thread = threading.Thread(target=self._run, name="balefire-loop-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and the heartbeat."""
        self._stopped.set()
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        if self._thread is not None:
            self._thread.join()

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        self._turned = time.monotonic()
        self._heartbeat = loop.call_later(self._limit / 2, self._beat, loop)

    def _run(self) -> None:
        reported = 0.0
        while not self._stopped.wait(self._limit / 2):
            turned = self._turned
            if time.monotonic() - turned > 1.5 * self._limit and turned != reported:
                reported = turned  # one line for each time the loop stood still
                self._look()

    def _look(self) -> None:
        """Look twice: a busy loop is in another call by then, a blocked one in the same."""
        suspect = _suspect(sys._current_frames().get(self._loop_thread), self._folders())
        if self._stopped.wait(self._limit / 2):
            return
        frame = sys._current_frames().get(self._loop_thread)
        while frame is not None and frame is not suspect[1]:
            frame = frame.f_back
        if frame is not None:
            self._report(suspect[0], _place(frame))

    def _report(self, plugin: str, place: str) -> None:
        if plugin:
            log.warning("plugin %r has blocked the event loop for %g s at %s", plugin, self._limit, place)
        else:
            log.debug("the event loop has been blocked for %g s at %s", self._limit, place)
        if self._on_block is not None:
            self._on_block(plugin, place)


def _suspect(frame: FrameType | None, folders: Mapping[str, Path]) -> tuple[str, FrameType | None]:
    """The innermost call into a plugin, or else the innermost call."""
    innermost = frame
    while frame is not None:
        file = Path(frame.f_code.co_filename)
        for name, folder in folders.items():
            if file == folder or folder in file.parents:
                return name, frame
        frame = frame.f_back
    return "", innermost


def _place(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
