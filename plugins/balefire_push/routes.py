"""The operations under ``/v1/push``: try a device, look at the outbox, ask why a phone rang or did not."""

import uuid
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field

from balefire import Conflict, Device, InvalidInput, Message, NotFound, Notification, Operation, PluginContext
from balefire_push.deciding import RecipientDesk
from balefire_push.decision import Decision
from balefire_push.dispatching import Dispatcher
from balefire_push.outbox import Job, Outbox
from balefire_push.traces import Traces

SCOPE: Final = "push:write"
Limit = Annotated[int, Field(ge=1, le=500)]
State = Literal["ready", "running", "done", "dead", "cancelled"]


class PushTest(BaseModel):
    """A notification to try a user's devices with."""

    user: str = Field(min_length=1, max_length=64)
    device: str = Field("", max_length=64, description="one device; all of the user's when left out")
    title: str = Field("Balefire", max_length=200)
    body: str = Field("It works. 推送正常。", max_length=2000)
    style: Literal["alert", "data"] = "alert"


class Attempt(BaseModel):
    device: str
    vendor: str
    outcome: str = Field(description="delivered, token_gone, retry, auth_expired, rate_limited, misconfigured …")
    reason: str
    vendor_message_id: str


class Attempts(BaseModel):
    items: list[Attempt]


class PushJobState(BaseModel):
    """A notification in the outbox. Times are milliseconds since the epoch; 0 means not yet."""

    id: str
    note_id: str
    message: str
    user: str
    device: str
    vendor: str
    urgency: Literal["call", "message", "bulk"]
    state: State
    attempts: int
    outcome: str
    reason: str
    run_at: int
    created_at: int
    expires_at: int
    finished_at: int


class PushJobList(BaseModel):
    items: list[PushJobState]
    next: str = ""


class DecisionStep(BaseModel):
    rule: str
    result: str


class PushDecision(BaseModel):
    """Why a phone rang, or did not. ``is_recorded`` is false when it was not kept and has been worked out anew."""

    user: str
    message: str
    is_pushed: bool
    rule: str = Field(description="the rule that decided")
    steps: list[DecisionStep]
    is_recorded: bool
    at: int
    jobs: list[PushJobState]


class PushRoutes:
    """The operations."""

    def __init__(
        self,
        ctx: PluginContext[Any],
        outbox: Outbox,
        dispatcher: Dispatcher,
        desk: RecipientDesk,
        traces: Traces,
        *,
        life_seconds: int,
    ) -> None:
        self._ctx, self._outbox, self._dispatcher = ctx, outbox, dispatcher
        self._desk, self._traces = desk, traces
        self._life_seconds = life_seconds

    def operations(self) -> list[Operation]:
        """Every operation, for ``register_routes``."""
        tags, missing = ("push",), {404: "no such user, device, job or message"}
        replay = "/v1/push/jobs/{job}/replay"
        return [
            Operation("POST", "/v1/push/test", self.test_push, SCOPE, tags=tags, errors=missing),
            Operation("GET", "/v1/push/jobs", self.list_push_jobs, SCOPE, tags=tags),
            Operation(
                "POST",
                replay,
                self.replay_push_job,
                SCOPE,
                tags=tags,
                status=202,
                errors=missing | {409: "the job is not dead or cancelled"},
            ),
            Operation("GET", "/v1/push/decisions", self.explain_push, SCOPE, tags=tags, errors=missing),
        ]

    async def test_push(self, body: PushTest) -> Attempts:
        """Push to a user's devices now, past every rule and without the outbox, and say what the vendors answered."""
        found = (await self._ctx.store.devices([body.user])).get(body.user, ())
        devices = [device for device in found if device.token and body.device in ("", device.id)]
        if not devices:
            raise NotFound(f"user {body.user} has no such device with a push token")
        return Attempts(items=[await self._try(device, body) for device in devices])

    async def list_push_jobs(
        self,
        state: State | None = None,
        vendor: str = "",
        user: str = "",
        message: str = "",
        after: str = "",
        limit: Limit = 100,
    ) -> PushJobList:
        """The outbox in order of entry: what waits, what was delivered lately, what was given up and why."""
        filters: dict[str, Any] = {"state": state, "vendor": vendor, "user": user}
        filters = {name: value for name, value in filters.items() if value}
        if message:
            filters["message_id"] = _number(message, "message")
        jobs = await self._outbox.page(filters, after=_number(after or "0", "after"), limit=limit)
        return PushJobList(items=[_shown(job) for job in jobs], next=str(jobs[-1].id) if len(jobs) == limit else "")

    async def replay_push_job(self, job: str) -> PushJobState:
        """Try a dead or cancelled notification again, with a new life and the same id."""
        number = _number(job, "job")
        expires_at = self._ctx.clock.now_ms() + self._life_seconds * 1000
        is_revived = await self._outbox.replay(number, expires_at=expires_at)
        found = await self._outbox.get(number)
        if found is None:
            raise NotFound(f"there is no push job {number}")
        if not is_revived:
            raise Conflict(f"push job {number} is {found.state}; only dead and cancelled ones can be replayed")
        self._dispatcher.wake([found.vendor])
        return _shown(found)

    async def explain_push(self, user: str, message: str) -> PushDecision:
        """Why the user's phone rang for a message, or did not: every rule that was looked at, in order."""
        number = _number(message, "message")
        trace = self._traces.find(user, number)
        at, decision = (
            (trace.at, trace.decision) if trace else (self._ctx.clock.now_ms(), await self._anew(user, number))
        )
        jobs = await self._outbox.page({"message_id": number, "user": user}, after=0, limit=100)
        return PushDecision(
            user=user,
            message=str(number),
            is_pushed=decision.is_pushed,
            rule=decision.rule,
            steps=[DecisionStep(rule=step.rule, result=step.result) for step in decision.steps],
            is_recorded=trace is not None,
            at=at,
            jobs=[_shown(job) for job in jobs],
        )

    async def _anew(self, user: str, message_id: int) -> Decision:
        message: Message | None = await self._ctx.store.get_message(message_id)
        if message is None:
            raise NotFound(f"there is no message {message_id}")
        if not await self._ctx.directory.get([user]):
            raise NotFound(f"there is no user {user}")
        return await self._desk.explain(message, user)

    async def _try(self, device: Device, body: PushTest) -> Attempt:
        if not self._dispatcher.knows(device.vendor):
            reason = f"there are too many vendors already to believe in {device.vendor!r}"
            return Attempt(device=device.id, vendor=device.vendor, outcome="retry", reason=reason, vendor_message_id="")
        note = Notification(
            id=str(uuid.uuid4()),
            token=device.token,
            title=body.title,
            body=body.body,
            ttl_seconds=60,
            style=body.style,
            app=device.app,
            environment=device.environment,
        )
        [outcome] = await self._dispatcher.lane(device.vendor).attempt([note])
        return Attempt(
            device=device.id,
            vendor=device.vendor,
            outcome=outcome.kind,
            reason=outcome.reason,
            vendor_message_id=outcome.vendor_message_id,
        )


def _number(text: str, where: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise InvalidInput(f"{where} is a decimal number, got {text[:32]!r}", where=where)
    return min(int(text), 2**63 - 1)


def _shown(job: Job) -> PushJobState:
    return PushJobState(
        id=str(job.id),
        note_id=job.note_id,
        message=str(job.message_id),
        user=job.user,
        device=job.device,
        vendor=job.vendor,
        urgency=job.urgency,
        state=job.state,
        attempts=job.attempts,
        outcome=job.outcome,
        reason=job.reason,
        run_at=job.run_at,
        created_at=job.created_at,
        expires_at=job.expires_at,
        finished_at=job.finished_at,
    )
