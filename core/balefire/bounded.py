"""Runs one piece of a plugin's work so that, whatever it does, only it is the worse for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from balefire.plugin_life import GRACE_SECONDS
from balefire.plugin_record import PluginFailed

T = TypeVar("T")


class TookTooLong(TimeoutError):
    """The work did not finish in time; told apart from a ``TimeoutError`` of its own."""


async def bounded(work: Callable[[], Awaitable[T]], seconds: float, *, grace_seconds: float = GRACE_SECONDS) -> T:
    """Do the work in a task of its own; one that ignores its cancellation is left behind.

    :raises TookTooLong: it did not finish in time.
    :raises Exception: what the work raised; ``PluginFailed`` for ``sys.exit`` and for cancelling itself.
    """
    task = asyncio.get_running_loop().create_task(contained(_begin(work)))
    try:
        await asyncio.wait({task}, timeout=seconds)
        if task.done():
            return task.result()
        task.cancel()
        await asyncio.wait({task}, timeout=grace_seconds)
        raise TookTooLong(f"gave no answer within {seconds:g} seconds")
    finally:
        task.cancel()  # our caller is going away: so is the work
        if task.done() and not task.cancelled():
            task.exception()  # it was told, or is of no interest any more


async def contained(work: Awaitable[T]) -> T:
    """Await the work in this task, so that neither ``sys.exit`` nor a cancellation of its own making gets out.

    :raises Exception: what the work raised; ``PluginFailed`` for those two.
    """
    task = asyncio.current_task()
    try:
        return await work
    except SystemExit as error:  # out of a task it would take the event loop down
        raise PluginFailed("it called sys.exit") from error
    except asyncio.CancelledError as error:
        if task is not None and task.cancelling():
            raise
        raise PluginFailed("it cancelled itself") from error


async def _begin(work: Callable[[], Awaitable[T]]) -> T:
    """What fails before there is anything to await fails like the rest."""
    return await work()
