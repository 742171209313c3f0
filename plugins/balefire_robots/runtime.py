"""The robot runtime: reads the event log, and sees to it that every robot has an account and a queue."""

import asyncio
import contextlib
import inspect
from collections.abc import Iterable, Sequence
from typing import Any

from balefire import (
    BalefireError,
    Conversation,
    Event,
    Member,
    Message,
    NotFound,
    PluginContext,
    Robot,
    User,
)
from balefire_robots.breaker import Breaker
from balefire_robots.delivery import Delivery
from balefire_robots.delivery_log import DeliveryLog
from balefire_robots.listening import Listeners
from balefire_robots.runner import Limits, RobotRunner

RETRY_SECONDS = 1.0


class RobotRuntime:
    """The event consumer ``robots`` and the robots' runners.

    A delivery is durable before the consumer moves on, and handled later: a slow robot delays nobody but itself.
    """

    name = "robots"

    def __init__(
        self, ctx: PluginContext[Any], *, limits: Limits, max_hops: int, pause_after: int, pause_seconds: float
    ) -> None:
        self.deliveries = DeliveryLog(ctx.database)
        self.listeners = Listeners(max_hops)
        self.robots: dict[str, Robot] = {}
        self.runners: dict[str, RobotRunner] = {}
        self._ctx = ctx
        self._limits = limits
        self._pause_after = pause_after
        self._pause_seconds = pause_seconds
        self._changed = asyncio.Event()
        self._refreshing = asyncio.Lock()

    # -- which robots there are --------------------------------------------------------------------------------

    def providers_changed(self) -> None:
        """Plugins were started, reloaded or stopped."""
        self._changed.set()

    async def keep_up(self) -> None:
        """Follow the registered robots for as long as the plugin runs."""
        while True:
            await self._changed.wait()
            try:
                await self.refresh()
            except BalefireError as error:  # the store or the directory is away, or has not been started yet
                self._ctx.log.info("robots are not ready yet: %s", error)
                await self._another_change()

    async def _another_change(self) -> None:
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETRY_SECONDS):
                await self._changed.wait()
        self._changed.set()

    async def refresh(self) -> None:
        """Make the robots that are registered now answer, and only those.

        :raises BalefireError: the store or the directory is away; ``keep_up`` tries again.
        """
        async with self._refreshing:
            registered = {robot.id: robot for robot in self._ctx.providers.robots.values()}
            new = [robot for robot in registered.values() if robot.id not in self.listeners.robots]
            usable = set(await self._accounts(new)) | (self.listeners.robots & registered.keys())
            self.robots = {robot: registered[robot] for robot in usable}
            for robot in new:
                if robot.id in usable:
                    await self._find_places(robot.id)
            self.listeners.robots = frozenset(usable)
            self._changed.clear()
        for robot_id in usable:
            self.runner(robot_id).pump()

    def runner(self, robot: str) -> RobotRunner:
        """The robot's queue, made when first asked for."""
        if robot not in self.runners:
            self.runners[robot] = RobotRunner(
                robot,
                ctx=self._ctx,
                find=lambda: self.robots.get(robot),
                deliveries=self.deliveries,
                limits=self._limits,
                breaker=Breaker(self._ctx.clock, self._pause_after, self._pause_seconds),
            )
        return self.runners[robot]

    async def _accounts(self, robots: Sequence[Robot]) -> list[str]:
        """Create the accounts that are missing; the robots that have one of their own."""
        known: dict[str, User] = {}
        for start in range(0, len(robots), 500):
            known.update(await self._ctx.directory.get([robot.id for robot in robots[start : start + 500]]))
        usable = []
        for robot in robots:
            user = known.get(robot.id)
            if user is None:
                await self._ctx.directory.put(User(id=robot.id, display_name=robot.display_name, kind="robot"))
            elif user.kind != "robot":
                self._ctx.log.error("robot %r is not started: the account of that name is a %s's", robot.id, user.kind)
                continue
            usable.append(robot.id)
        return usable

    async def _find_places(self, robot: str) -> None:
        for conversation in await self._ctx.store.memberships(robot, kinds=("group", "channel")):
            self.listeners.place(conversation, robot, await self._member(conversation, robot))

    # -- reading the log ---------------------------------------------------------------------------------------

    async def consume(self, events: Sequence[Event]) -> None:
        """Write down who is to hear what, durably, and hand it to the robots' queues."""
        if self._changed.is_set():
            await self.refresh()
        wanted: list[Delivery] = []
        for event in events:
            if event.kind == "message.stored":
                message = event.message
                if message is not None and (robots := self.listeners.addressed(message)):
                    wanted.extend([self._delivery(event, message, r) for r in await self._present(message, robots)])
            elif event.kind.startswith("member.") and event.conversation is not None:
                await self._members_changed(event.conversation, event.data)
        if wanted:
            for delivery in await self.deliveries.add(wanted):
                self.runner(delivery.robot).offer(delivery)

    def _delivery(self, event: Event, message: Message, robot: str) -> Delivery:
        return Delivery(robot, event.id, message.conversation, self._ctx.clock.now_ms(), message)

    async def _present(self, message: Message, robots: Iterable[str]) -> list[str]:
        """Those of the robots that are in the conversation; mentioning a stranger tells them nothing."""
        if message.conversation.kind in ("private", "channel"):
            return list(robots)
        present = []
        for robot in robots:
            member = await self._member(message.conversation, robot)
            if member is not None and member.role != "removed":
                present.append(robot)
        return present

    async def _members_changed(self, conversation: Conversation, change: dict[str, Any]) -> None:
        users = change.get("users") or (change.get("user", ""),)
        for robot in self.listeners.robots.intersection(users):
            self.listeners.place(conversation, robot, await self._member(conversation, robot))

    async def _member(self, conversation: Conversation, user: str) -> Member | None:
        where = Conversation(conversation.kind, conversation.target)  # members belong to every line of a group
        member = self._ctx.members.get(where, user)
        return await member if inspect.isawaitable(member) else member

    # -- for the author ----------------------------------------------------------------------------------------

    async def replay(self, robot: str, event_id: int, *, afresh: bool) -> Delivery:
        """Deliver once more. Under the same keys, so that answers already given are not doubled; or afresh.

        :raises NotFound: no such delivery.
        """
        delivery = await self.deliveries.get(robot, event_id)
        if delivery is None:
            raise NotFound(f"robot {robot!r} has no delivery {event_id}", where="delivery")
        if not self.runner(robot).holds(event_id):
            delivery.round += afresh
            delivery.attempts, delivery.state, delivery.error, delivery.finished_at = 0, "waiting", "", 0
            self.deliveries.note(delivery)
            await self.deliveries.flush()
            self.runner(robot).repeat(delivery)
        return delivery

    def paused(self) -> list[str]:
        """Robots that failed so often that they are paused, or were until a moment ago."""
        return [name for name, runner in self.runners.items() if runner.breaker.is_open or runner.breaker.is_trying]
