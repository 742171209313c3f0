"""What a robot's author sees: which robots run, what reached them, what they did; and delivering once more."""

import dataclasses
import inspect
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from balefire import Conversation, Forbidden, Identity, InvalidInput, NotFound, Operation, PluginContext
from balefire_robots.delivery import Delivery
from balefire_robots.listening import HEARS_EVERYTHING
from balefire_robots.runtime import RobotRuntime

Limit = Annotated[int, Field(ge=1, le=200)]


class RobotState(BaseModel):
    """A robot and how it fares since the server started."""

    id: str
    display_name: str
    state: Literal["running", "paused", "off"]
    handled: int
    failed: int
    waiting: int = Field(description="deliveries in memory, those being handled included")
    running: int = Field(description="conversations being answered now")
    last_error: str


class RobotList(BaseModel):
    items: list[RobotState]
    next: str = ""


class DeliveryState(BaseModel):
    """One message on its way to a robot. Times are milliseconds since the epoch; 0 means not yet."""

    id: str
    conversation: str
    state: Literal["waiting", "running", "done", "failed", "skipped"]
    attempts: int
    answers: list[str] = Field(description="ids of the messages the robot answered with")
    error: str
    received_at: int
    started_at: int
    finished_at: int
    waited_ms: int = Field(description="from the event to the handler")
    took_ms: int = Field(description="how long the handler ran")


class DeliveryList(BaseModel):
    items: list[DeliveryState]
    next: str = ""


class Hearing(BaseModel):
    hears_everything: bool = Field(description="whether it hears messages of the group that do not mention it")


class RobotRoutes:
    """The operations under ``/v1/robots``."""

    def __init__(self, ctx: PluginContext[Any], runtime: RobotRuntime) -> None:
        self._ctx = ctx
        self._runtime = runtime

    def operations(self) -> list[Operation]:
        """Every operation, for ``register_routes``."""
        tags, missing = ("robots",), {404: "no such robot or delivery"}
        one = "/v1/robots/{robot}"
        return [
            Operation("GET", "/v1/robots", self.list_robots, "robots:write", tags=tags),
            Operation(
                "GET", f"{one}/deliveries", self.list_robot_deliveries, "robots:write", tags=tags, errors=missing
            ),
            Operation(
                "POST",
                f"{one}/deliveries/{{delivery}}/replay",
                self.replay_robot_delivery,
                "robots:write",
                tags=tags,
                status=202,
                errors=missing,
            ),
            Operation(
                "PUT", f"{one}/groups/{{group}}", self.grant_robot_hearing, "groups:write", tags=tags, errors=missing
            ),
        ]

    async def list_robots(self, after: str = "", limit: Limit = 100) -> RobotList:
        """List the robots, in the order of their ids."""
        ids = sorted(robot for robot in self._runtime.runners if robot > after)
        page = ids[:limit]
        return RobotList(items=[self._state(robot) for robot in page], next=page[-1] if len(ids) > limit else "")

    async def list_robot_deliveries(
        self,
        robot: str,
        after: str = "",
        limit: Limit = 50,
        state: Literal["", "waiting", "running", "done", "failed", "skipped"] = "",
    ) -> DeliveryList:
        """List what reached a robot and what it did about it, newest first."""
        self._known(robot)
        before = _number(after, "after") if after else 0
        page = await self._runtime.deliveries.page(robot, before=before, limit=limit + 1, state=state)
        more = str(page[limit - 1].event_id) if len(page) > limit else ""
        return DeliveryList(items=[_shown(delivery) for delivery in page[:limit]], next=more)

    async def replay_robot_delivery(self, robot: str, delivery: str, afresh: bool = False) -> DeliveryState:
        """Deliver a message to a robot once more.

        Answers that were already given are not doubled: they carry the same key. With ``afresh`` the robot answers
        anew, beside what it said before.
        """
        self._known(robot)
        return _shown(await self._runtime.replay(robot, _number(delivery, "delivery"), afresh=afresh))

    async def grant_robot_hearing(self, robot: str, group: str, grant: Hearing, caller: Identity) -> Hearing:
        """Let a robot hear everything said in a group, or only what mentions it.

        For the group's owner; the robot must be a member.
        """
        self._known(robot)
        conversation = Conversation("group", group)
        if not caller.may("admin") and not await self._is_owner(conversation, caller.user):
            raise Forbidden("only the group's owner may decide what a robot hears")
        setting = {HEARS_EVERYTHING: True if grant.hears_everything else None}
        await self._ctx.members.update(conversation, robot, settings=setting, by=caller.user)
        return grant

    async def _is_owner(self, conversation: Conversation, user: str) -> bool:
        member = self._ctx.members.get(conversation, user)
        known = await member if inspect.isawaitable(member) else member
        return known is not None and known.role == "owner"

    def _known(self, robot: str) -> None:
        if robot not in self._runtime.runners:
            known = ", ".join(sorted(self._runtime.runners)) or "none"
            raise NotFound(f"no robot {robot!r} runs here; there are {known}", where="robot")

    def _state(self, robot: str) -> RobotState:
        runner, registered = self._runtime.runners[robot], self._runtime.robots.get(robot)
        is_paused = runner.breaker.is_open or runner.breaker.is_trying
        return RobotState(
            id=robot,
            display_name=registered.display_name if registered else "",
            state="off" if registered is None else "paused" if is_paused else "running",
            handled=runner.handled,
            failed=runner.failed,
            waiting=runner.waiting,
            running=runner.running,
            last_error=runner.last_error,
        )


def _shown(delivery: Delivery) -> DeliveryState:
    row = dataclasses.asdict(dataclasses.replace(delivery, message=None))
    began, ended = delivery.started_at, delivery.finished_at
    return DeliveryState(
        id=str(delivery.event_id),
        conversation=delivery.conversation.key,
        answers=[str(answer) for answer in delivery.answers],
        waited_ms=max(0, began - delivery.received_at) if began else 0,
        took_ms=max(0, ended - began) if began and ended else 0,
        **{name: row[name] for name in ("state", "attempts", "error", "received_at", "started_at", "finished_at")},
    )


def _number(text: str, where: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 19:
        raise InvalidInput(f"must be a delivery's id, a decimal number, got {text[:40]!r}", where=where)
    return int(text)
