"""The push hub, put together: consumer, desk, outbox, lanes, and what an operator sees of them."""

import random
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from balefire import PluginContext
from balefire_push.badges import Badges, no_badges
from balefire_push.circuit import Circuit
from balefire_push.deciding import RecipientDesk
from balefire_push.dispatching import Dispatcher
from balefire_push.hygiene import TokenHygiene
from balefire_push.lane import Lane, Surroundings
from balefire_push.outbox import Outbox
from balefire_push.readership import Readership
from balefire_push.recipients import Recipients
from balefire_push.settling import Settler
from balefire_push.traces import Traces

if TYPE_CHECKING:
    from balefire_push.plugin import Config

HOUR_MS: Final = 3_600_000


class Hub:
    """Everything the plugin runs. ``start`` and ``stop`` enclose its life."""

    def __init__(self, ctx: "PluginContext[Config]") -> None:
        self._ctx = ctx
        config = ctx.config
        self.traces = Traces()
        self.outbox = Outbox(ctx.database, ctx.clock)
        around = Surroundings(
            clock=ctx.clock,
            log=ctx.log,
            outbox=self.outbox,
            settler=Settler(random.SystemRandom()),
            vendor=lambda name: ctx.providers.push_vendors.get(name),
            devices=lambda users: ctx.store.devices(users),
            badges=Badges(lambda: ctx.store).count if config.badges else no_badges,
            read_among=Readership(lambda: ctx.store, ctx.clock).read_among,
        )
        self.dispatcher = Dispatcher(around, lambda vendor: self._lane(vendor, around))
        self.desk = RecipientDesk(
            ctx, self.outbox, self.dispatcher, self.traces, life_seconds=config.life_seconds, sound=config.sound
        )
        self._waiting: Mapping[str, int] = {}

    @cached_property
    def recipients(self) -> Recipients:
        """The event consumer."""
        return Recipients(self._ctx, self.desk)

    async def start(self) -> None:
        """Continue with what an earlier process left."""
        await self.dispatcher.start()
        self._ctx.watch_providers(self._providers_changed)

    async def stop(self) -> None:
        await self.dispatcher.stop()

    async def keep_house(self) -> None:
        """Once a minute: bring back jobs whose process died, end those whose time is over, delete old ones, count.

        What waits has a lane afterwards, also when a process on another machine had queued it.
        """
        now = self._ctx.clock.now_ms()
        await self.outbox.recover()
        await self.outbox.expire()
        await self.outbox.purge(finished_before=now - self._ctx.config.keep_hours * HOUR_MS)
        self._waiting = await self.outbox.waiting()
        self.dispatcher.wake(vendor for vendor in self._waiting if self.dispatcher.knows(vendor))

    async def trouble(self) -> str | None:
        """What the operator should mend, for ``/readyz``."""
        broken = [
            f"{name}: {lane.circuit.reason}" for name, lane in self.dispatcher.lanes.items() if lane.circuit.is_open
        ]
        held = [name for name, lane in self.dispatcher.lanes.items() if lane.hygiene.guard.held]
        told = [f"push vendor {text}" for text in broken]
        told += [
            f"push vendor {name} calls too many devices gone at once; they were kept, check its key" for name in held
        ]
        return "; ".join(told) or None

    # -- figures -----------------------------------------------------------------------------------------------

    def waiting(self) -> dict[tuple[str, ...], float]:
        """Unfinished jobs by vendor, as of the last minute."""
        return {(vendor,): float(count) for vendor, count in self._waiting.items()}

    def in_flight(self) -> dict[tuple[str, ...], float]:
        return {(name,): float(lane.throttle.in_flight) for name, lane in self.dispatcher.lanes.items()}

    def outcomes(self) -> dict[tuple[str, ...], float]:
        return {
            (name, kind): float(count)
            for name, lane in self.dispatcher.lanes.items()
            for kind, count in lane.outcomes.items()
        }

    def decisions(self) -> dict[tuple[str, ...], float]:
        return {key: float(count) for key, count in self.traces.counts.items()}

    # -- inside ------------------------------------------------------------------------------------------------

    def _lane(self, vendor: str, around: Surroundings) -> Lane:
        ctx: PluginContext[Any] = self._ctx
        hygiene = TokenHygiene(vendor, lambda: ctx.store, ctx.hooks.on_push_rejected, ctx.clock)
        circuit = Circuit(ctx.clock, self._ctx.config.probe_seconds)
        return Lane(vendor, around, hygiene, circuit, self._ctx.config.concurrency)

    def _providers_changed(self) -> None:
        """A vendor was reloaded, perhaps with other credentials: try at once."""
        for lane in self.dispatcher.lanes.values():
            lane.circuit.close()
            lane.wake()
