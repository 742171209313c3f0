"""Runs one robot: in order within a conversation, several conversations at a time, never in another's way."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

from balefire import Conversation, Message, MessageDenied, PluginContext, Robot, StorageUnavailable
from balefire_robots.breaker import Breaker
from balefire_robots.chat import DeliveryChat
from balefire_robots.delivery import Delivery
from balefire_robots.delivery_log import DeliveryLog

WINDOW: Final = 1000
"""Deliveries of one robot that are kept in memory; a longer backlog stays in its table until there is room."""

STORE_PAUSE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the server one robot gets. ``max_attempts`` counts starts that ended with the server's end."""

    concurrency: int
    max_attempts: int


class RobotRunner:
    """One robot's queue. Nothing here waits for another robot, and no method but ``load`` waits at all."""

    def __init__(
        self,
        robot: str,
        *,
        ctx: PluginContext[Any],
        find: Callable[[], Robot | None],
        deliveries: DeliveryLog,
        limits: Limits,
        breaker: Breaker,
    ) -> None:
        self.robot = robot
        self.breaker = breaker
        self.handled = 0
        self.failed = 0
        self.last_error = ""
        self._ctx = ctx
        self._find = find
        self._deliveries = deliveries
        self._limits = limits
        self._queues: dict[Conversation, deque[Delivery]] = {}
        self._ready: deque[Conversation] = deque()
        self._busy: set[Conversation] = set()
        self._held: set[int] = set()
        self._newest = 0
        # The table may hold deliveries that are not in memory: always so at the start.
        self._is_behind = True
        self._is_loading = False
        self._has_missed = False

    @property
    def waiting(self) -> int:
        """Deliveries in memory, those being handled included."""
        return len(self._held)

    @property
    def running(self) -> int:
        """Conversations being answered now."""
        return len(self._busy)

    def holds(self, event_id: int) -> bool:
        """Whether this delivery is waiting or being handled."""
        return event_id in self._held

    def offer(self, delivery: Delivery) -> None:
        """Take on a delivery that stands in the table, in the order of the log."""
        if self._is_behind:
            self._has_missed = True
        elif len(self._held) >= WINDOW:
            self._is_behind = True
        else:
            self._hold(delivery)
        self.pump()

    def repeat(self, delivery: Delivery) -> None:
        """Take on a delivery once more."""
        self._hold(delivery)
        self.pump()

    def pump(self) -> None:
        """Start what can be started. Call it whenever something changed; calling it too often costs nothing."""
        while self._ready and len(self._busy) < self._slots():
            conversation = self._ready.popleft()
            self._busy.add(conversation)
            self._ctx.spawn(self._serve(conversation), name=f"robot {self.robot}")
        if self._is_behind and not self._is_loading and len(self._held) <= WINDOW // 2:
            self._is_loading = True
            self._ctx.spawn(self._load(), name=f"backlog of robot {self.robot}")

    def _slots(self) -> int:
        if self.breaker.is_open or self._find() is None:
            return 0
        return 1 if self.breaker.is_trying else self._limits.concurrency

    def _hold(self, delivery: Delivery) -> None:
        if delivery.event_id in self._held:
            return
        self._held.add(delivery.event_id)
        self._newest = max(self._newest, delivery.event_id)
        queue = self._queues.setdefault(delivery.conversation, deque())
        queue.append(delivery)
        if len(queue) == 1 and delivery.conversation not in self._busy:
            self._ready.append(delivery.conversation)

    async def _load(self) -> None:
        """Bring the backlog from the table into memory, as far as there is room."""
        while self._is_behind and len(self._held) <= WINDOW // 2:
            self._has_missed = False
            try:
                page = await self._deliveries.unfinished(self.robot, after=self._newest, limit=WINDOW // 2)
            except StorageUnavailable:
                await self._ctx.clock.sleep(STORE_PAUSE_SECONDS)
                continue
            for delivery in page:
                self._hold(delivery)
            if len(page) < WINDOW // 2 and not self._has_missed:
                self._is_behind = False
        self._is_loading = False
        self.pump()

    async def _serve(self, conversation: Conversation) -> None:
        queue = self._queues[conversation]
        delivery = queue.popleft()
        is_done = True
        try:
            is_done = await self._deliver(delivery)
        finally:
            self._busy.discard(conversation)
            if is_done:
                self._held.discard(delivery.event_id)
            else:
                queue.appendleft(delivery)
            if queue:
                self._ready.append(conversation)
            else:
                del self._queues[conversation]
        self.pump()

    async def _deliver(self, delivery: Delivery) -> bool:
        """Whether it is done with: not when the robot's plugin was switched off this very moment."""
        message = await self._message(delivery)
        robot = self._find()
        if robot is None:
            return False
        if message is None or message.is_recalled:
            delivery.finish("skipped", self._now(), error="the message was recalled before its turn")
        elif delivery.attempts >= self._limits.max_attempts:
            stopped = f"the server stopped {delivery.attempts} times while this was being handled"
            delivery.finish("failed", self._now(), error=stopped)
        else:
            await self._answer(robot, delivery, message)
        self._deliveries.note(delivery)
        return True

    async def _begin(self, delivery: Delivery) -> None:
        """Note that the robot is asked now; durably where it may have been this that ended the process before."""
        delivery.state, delivery.started_at = "running", self._now()
        delivery.attempts += 1
        delivery.answers.clear()
        self._deliveries.note(delivery)
        if delivery.message is None:  # it comes from the table, so the process that was told of it has ended
            with contextlib.suppress(StorageUnavailable):
                await self._deliveries.flush()

    async def _answer(self, robot: Robot, delivery: Delivery, message: Message) -> None:
        try:
            await self._begin(delivery)
            await robot.answer(DeliveryChat(self._ctx, delivery, message))
        except asyncio.CancelledError as error:
            if cast("asyncio.Task[Any]", asyncio.current_task()).cancelling():  # we are being stopped, not the robot
                delivery.state, delivery.attempts = "waiting", delivery.attempts - 1
                self._deliveries.note(delivery)
                raise
            self._has_failed(delivery, error)
        except MessageDenied as error:  # this conversation's doing: no reason to pause the robot for all the others
            delivery.finish("failed", self._now(), error=f"the robot may not speak here: {error.reason}")
            self.failed += 1
            self.last_error = delivery.error
        except (Exception, SystemExit) as error:
            self._has_failed(delivery, error)
        else:
            delivery.finish("done", self._now())
            self.breaker.succeeded()
            self.handled += 1

    def _has_failed(self, delivery: Delivery, error: BaseException) -> None:
        delivery.finish("failed", self._now(), error=f"{type(error).__name__}: {error}")
        self.failed += 1
        self.last_error = delivery.error
        pause = self.breaker.failed()
        self._ctx.log.error(
            "robot %r failed to answer",
            self.robot,
            exc_info=error,
            extra={"robot": self.robot, "event": str(delivery.event_id)},
        )
        if pause:
            self._ctx.log.error(
                "robot %r failed %d times in a row; paused for %g s", self.robot, self.breaker.failures, pause
            )
            self._ctx.spawn(self._resume(pause), name=f"pause of robot {self.robot}")

    async def _resume(self, pause_seconds: float) -> None:
        await self._ctx.clock.sleep(pause_seconds)
        self.pump()

    async def _message(self, delivery: Delivery) -> Message | None:
        """What was said, as it stands now; waits while the store is away."""
        while delivery.message is None:
            try:
                return await self._ctx.store.get_message(delivery.event_id)
            except StorageUnavailable:
                await self._ctx.clock.sleep(STORE_PAUSE_SECONDS)
        return delivery.message

    def _now(self) -> int:
        return self._ctx.clock.now_ms()
