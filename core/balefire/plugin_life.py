"""One plugin's lifespan, entered and left in a task of its own.

In a task of its own it may hold task groups and timeouts open across its ``yield``; and when it hangs, exits or is
cancelled, nobody else is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from balefire.plugin_record import PluginFailed, summarize

log = logging.getLogger(__name__)

OpenLifespan = Callable[[], AsyncIterator[None]]

GRACE_SECONDS: Final = 1.0
"""How long something that was cancelled may take to end before it is left behind."""


@dataclass(frozen=True, slots=True)
class LifeLimits:
    """Seconds a plugin may take to start and to stop."""

    start_seconds: float = 30.0
    stop_seconds: float = 10.0


class PluginLife:
    """Runs what stands before and after the ``yield`` of ``lifespan``.

    :param open_lifespan: calls the plugin's ``lifespan``; ``None`` if it has none.
    :param on_end: called with the reason when the lifespan ends although nobody asked it to.
    """

    def __init__(
        self,
        name: str,
        open_lifespan: OpenLifespan | None,
        *,
        limits: LifeLimits,
        on_end: Callable[[str], None],
    ) -> None:
        self._name = name
        self._open = open_lifespan
        self._limits = limits
        self._on_end = on_end
        self._leaving = asyncio.Event()
        self._entered = asyncio.Event()
        self._problem = ""
        self._task: asyncio.Task[None] | None = None

    async def enter(self) -> None:
        """Run the lifespan up to its ``yield``.

        :raises PluginFailed: it raised, took too long or did not yield.
        """
        if self._open is None:
            return
        self._task = asyncio.create_task(self._run(self._open), name=f"lifespan:{self._name}")
        entered = asyncio.create_task(self._entered.wait())
        try:
            await asyncio.wait({self._task, entered}, timeout=self._limits.start_seconds, return_when="FIRST_COMPLETED")
        except asyncio.CancelledError:
            self._task.cancel()
            raise
        finally:
            entered.cancel()
        if self._task.done():
            raise PluginFailed(f"its lifespan failed: {self._problem}")
        if not self._entered.is_set():
            await self._abandon()
            raise PluginFailed(f"its lifespan did not get to its yield within {self._limits.start_seconds:g} s")

    async def leave(self) -> None:
        """Run the rest of the lifespan. Never raises; what goes wrong is logged with the plugin's name."""
        if self._task is None:
            return
        self._leaving.set()
        await asyncio.wait({self._task}, timeout=self._limits.stop_seconds)
        if not self._task.done():
            log.error("plugin %r did not stop within %g s; cancelled", self._name, self._limits.stop_seconds)
            await self._abandon()
        elif self._problem:
            log.error("plugin %r failed while stopping: %s", self._name, self._problem)

    async def _abandon(self) -> None:
        assert self._task is not None
        self._leaving.set()
        self._task.cancel()
        await asyncio.wait({self._task}, timeout=GRACE_SECONDS)
        if not self._task.done():
            log.error("plugin %r ignores that it was cancelled; left behind", self._name)

    async def _run(self, open_lifespan: OpenLifespan) -> None:
        try:
            await self._live(open_lifespan())
        except asyncio.CancelledError:
            self._problem = self._problem or "it was cancelled"
        except (Exception, SystemExit) as error:
            self._problem = summarize(error)
            log.error("plugin %r: lifespan failed", self._name, exc_info=error)
        if self._entered.is_set() and not self._leaving.is_set():
            self._on_end(f"its lifespan ended while it was running: {self._problem or 'it returned'}")

    async def _live(self, lifespan: AsyncIterator[None]) -> None:
        try:
            await anext(lifespan)
        except StopAsyncIteration:
            raise PluginFailed("it did not yield") from None
        self._entered.set()
        try:
            await self._leaving.wait()
        except asyncio.CancelledError as cancelled:
            # A task group around the yield cancels its task when a child fails, and reports it on the way out.
            await lifespan.athrow(cancelled)  # type: ignore[attr-defined]  # checked to be a generator when loaded
            raise
        try:
            await anext(lifespan)
        except StopAsyncIteration:
            return
        raise PluginFailed("it yielded more than once")
