"""Runs a lane for each vendor that has something to send."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from balefire_push.lane import Lane, Surroundings

MOST_LANES: Final = 64


class Dispatcher:
    """Starts lanes when they are first needed and ends them at stop; vendors do not slow each other down."""

    def __init__(self, around: Surroundings, make_lane: Callable[[str], Lane]) -> None:
        self._around, self._make_lane = around, make_lane
        self.lanes: dict[str, Lane] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Continue with what an earlier process left."""
        await self._around.outbox.recover(of_this_node=True)
        for vendor in await self._around.outbox.waiting():
            self._lane(vendor)

    def knows(self, vendor: str) -> bool:
        """Whether notifications for this vendor can be queued.

        A vendor that no plugin provides now may come back, so its notifications wait; but the name comes from a
        client, so there is a limit to how many such names are believed.
        """
        return vendor in self.lanes or self._around.vendor(vendor) is not None or len(self.lanes) < MOST_LANES

    def wake(self, vendors: Iterable[str]) -> None:
        """There are new jobs for these vendors."""
        for vendor in vendors:
            self._lane(vendor).wake()

    def lane(self, vendor: str) -> Lane:
        """The lane of a vendor that ``knows`` knows."""
        return self._lane(vendor)

    async def stop(self) -> None:
        """End all lanes; write what is known and give the rest back at once, rather than after its lease."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for lane in self.lanes.values():
            await lane.flush()
        await self._around.outbox.recover(of_this_node=True)

    def _lane(self, vendor: str) -> Lane:
        if vendor not in self.lanes:
            self.lanes[vendor] = self._make_lane(vendor)
        lane, task = self.lanes[vendor], self._tasks.get(vendor)
        if task is None or task.done():
            if task is not None and not task.cancelled():
                self._around.log.error("push lane %s failed and starts again", vendor, exc_info=task.exception())
            self._tasks[vendor] = asyncio.get_running_loop().create_task(lane.run(), name=f"push-lane:{vendor}")
        return lane
