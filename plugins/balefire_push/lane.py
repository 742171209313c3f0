"""The lane of one vendor: claims its jobs, sends them side by side, and does what the outcomes ask for."""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from balefire import (
    BalefireError,
    BatchPushVendor,
    Clock,
    Device,
    Notification,
    Outcome,
    PushError,
    PushVendor,
)
from balefire_push.circuit import Circuit
from balefire_push.hygiene import TokenHygiene
from balefire_push.outbox import Job, Outbox, Result
from balefire_push.retrying import Pauses, Throttle
from balefire_push.settling import Settler, call_off, give_up, put_back
from balefire_push.sounding import sound

CALL_SECONDS: Final = 15.0
REST_SECONDS: Final = 5.0
ROUNDS: Final = 4  # so many times what is on its way at once is claimed, well within the lease

Vendor = PushVendor | BatchPushVendor


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What lanes need of the platform. ``vendor`` looks one up at the moment it is needed, so reloading works."""

    clock: Clock
    log: logging.Logger
    outbox: Outbox
    settler: Settler
    vendor: Callable[[str], Vendor | None]
    devices: Callable[[Sequence[str]], Awaitable[Mapping[str, Sequence[Device]]]]
    badges: Callable[[Sequence[str]], Awaitable[Mapping[str, int]]]
    read_among: Callable[[Sequence[Job]], Awaitable[Collection[int]]]


class Lane:
    """Sends the jobs of one vendor. ``run`` is its task; everything else is called from the event loop."""

    def __init__(self, vendor: str, around: Surroundings, hygiene: TokenHygiene, circuit: Circuit, most: int) -> None:
        self.vendor = vendor
        self._around = around
        self._hygiene = hygiene
        self.circuit = circuit
        self.throttle = Throttle(most)
        self.outcomes: Counter[str] = Counter()
        self._pauses = Pauses()
        self._paused_until = -math.inf
        self._wake = asyncio.Event()
        self._results: list[Result] = []
        self._has_results = asyncio.Event()

    @property
    def hygiene(self) -> TokenHygiene:
        return self._hygiene

    def wake(self) -> None:
        """There is something to send."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled. A database that is away is waited for."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_writing())
            while True:
                self._wake.clear()
                try:
                    rest = await self._round(tasks)
                except BalefireError as error:
                    self._around.log.warning("push lane %s waits: %s", self.vendor, error)
                    rest = 1.0
                if rest > 0:
                    await self._rest(rest)

    async def flush(self) -> None:
        """Write the results that are not written yet."""
        results, self._results = self._results, []
        try:
            await self._around.outbox.finish(results)
        except BaseException:
            self._results = results + self._results
            raise

    async def attempt(self, notes: Sequence[Notification]) -> list[Outcome]:
        """Hand notifications to the vendor, at most as many as it takes in one call; one outcome each.

        A refused access token is repeated once. Whatever the vendor raises becomes an outcome.
        """
        vendor = self._around.vendor(self.vendor)
        if vendor is None:
            return [Outcome(kind="retry", reason=f"no plugin provides push vendor {self.vendor!r}")] * len(notes)
        outcomes = await self._call(vendor, notes)
        again = [place for place, outcome in enumerate(outcomes) if outcome.kind == "auth_expired"]
        if again:
            repeated = await self._call(vendor, [notes[place] for place in again])
            for place, outcome in zip(again, repeated, strict=True):
                outcomes[place] = outcome
        return outcomes

    # -- inside ------------------------------------------------------------------------------------------------

    async def _round(self, tasks: asyncio.TaskGroup) -> float:
        """Claim and hand out; how many seconds to rest afterwards."""
        vendor = self._around.vendor(self.vendor)
        if vendor is None:
            return REST_SECONDS
        if (wait := self._must_wait()) > 0:
            return wait
        if self.circuit.is_open:
            self.circuit.probe()
        limit = 1 if self.circuit.is_open else max(getattr(vendor, "max_batch", 1), ROUNDS * self.throttle.limit)
        jobs = await self._around.outbox.claim(self.vendor, limit=limit)
        if not jobs:
            return await self._until_due()
        if read := await self._around.read_among(jobs):
            self._settled([call_off(job) for job in jobs if job.id in read])
            jobs = [job for job in jobs if job.id not in read]
        users = list(dict.fromkeys(job.user for job in jobs))
        devices = await self._around.devices(users)
        badges = await self._around.badges(users)
        found = {(device.user, device.id): device for user in users for device in devices.get(user, ())}
        size = getattr(vendor, "max_batch", 1)
        for start in range(0, len(jobs), size):
            await self.throttle.enter()
            if start and self._must_wait() > 0:
                self.throttle.leave()
                self._settled([put_back(job) for job in jobs[start:]])
                break
            tasks.create_task(self._deliver(jobs[start : start + size], found, badges))
        return 0.0

    async def _deliver(
        self, jobs: Sequence[Job], devices: Mapping[tuple[str, str], Device], badges: Mapping[str, int]
    ) -> None:
        try:
            now = self._around.clock.now_ms()
            notes: list[tuple[Job, Notification]] = []
            for job in jobs:
                note = _note(job, devices.get((job.user, job.device)), badges.get(job.user), now)
                if isinstance(note, Result):
                    self._settled([note])
                else:
                    notes.append((job, note))
            if notes:
                outcomes = await self.attempt([note for _, note in notes])
                for (job, note), outcome in zip(notes, outcomes, strict=True):
                    await self._take(job, note, outcome, now)
        except BalefireError as error:  # the store was away: the lease brings the jobs back
            self._around.log.warning("push lane %s could not note an outcome: %s", self.vendor, error)
        finally:
            self.throttle.leave()

    async def _call(self, vendor: Any, notes: Sequence[Notification]) -> list[Outcome]:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                if not hasattr(vendor, "max_batch"):
                    return [sound(Outcome(kind="delivered", vendor_message_id=await vendor.send(notes[0]) or ""))]
                outcomes = [sound(outcome) for outcome in await vendor.send_batch(notes)]
        except PushError as error:
            return [sound(Outcome.from_error(error))] * len(notes)
        except TimeoutError:
            reason = f"{self.vendor} did not answer within {CALL_SECONDS:g} seconds"
            return [Outcome(kind="retry", reason=reason)] * len(notes)
        except Exception as error:  # a plugin's code; its text may hold a token, so only its type is told
            self._around.log.warning("push vendor %s raised %s", self.vendor, type(error).__name__)
            return [Outcome(kind="retry", reason=f"the plugin raised {type(error).__name__}")] * len(notes)
        if len(outcomes) != len(notes):
            reason = f"the plugin gave {len(outcomes)} outcomes for {len(notes)} notifications"
            return [Outcome(kind="retry", reason=reason)] * len(notes)
        return outcomes

    async def _take(self, job: Job, note: Notification, outcome: Outcome, sent_at: int) -> None:
        """Do for lane, token and job what the outcome asks for."""
        self.outcomes[outcome.kind] += 1
        match outcome.kind:
            case "delivered":
                self._worked()
            case "token_gone":
                is_believed = await self._hygiene.rejected(
                    note.token, sent_at=sent_at, invalid_since_ms=outcome.invalid_since_ms, reason=outcome.reason
                )
                if not is_believed:
                    reason = f"{outcome.reason}; kept: too many devices at once are said to be gone"
                    self._settled([give_up(job, outcome.kind, reason)])
                    return
            case "rate_limited":
                outcome = self._slow_down(outcome)
            case "misconfigured" | "auth_expired":
                self._break(outcome.reason)
        self._settled([self._around.settler.settle(job, outcome, self._around.clock.now_ms())])

    def _worked(self) -> None:
        self._hygiene.guard.believes(is_gone=False)
        self.throttle.speed_up()
        self._pauses.reset()
        if self.circuit.is_open:
            self._around.log.info("push vendor %s accepts notifications again", self.vendor)
            self.circuit.close()
            self.wake()

    def _slow_down(self, outcome: Outcome) -> Outcome:
        left = self._paused_until - self._around.clock.monotonic()
        if left <= 0:
            self.throttle.slow_down()
            left = self._pauses.take(outcome.after_seconds)
            self._paused_until = self._around.clock.monotonic() + left
        return Outcome(kind=outcome.kind, reason=outcome.reason, after_seconds=max(left, outcome.after_seconds or 0.0))

    def _break(self, reason: str) -> None:
        if not self.circuit.is_open:
            self._around.log.error("push vendor %s refuses what we send: %s", self.vendor, reason)
        self.circuit.open(reason)

    def _must_wait(self) -> float:
        return max(self._paused_until - self._around.clock.monotonic(), self.circuit.wait_seconds())

    async def _until_due(self) -> float:
        due = await self._around.outbox.next_due(self.vendor)
        if due is None:
            return REST_SECONDS
        return min(REST_SECONDS, max(0.01, (due - self._around.clock.now_ms()) / 1000))

    async def _rest(self, seconds: float) -> None:
        """Until the time is over or somebody wakes the lane."""
        sleeping = asyncio.ensure_future(self._around.clock.sleep(seconds))
        waking = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait({sleeping, waking}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            waking.cancel()

    def _settled(self, results: Sequence[Result]) -> None:
        self._results.extend(results)
        self._has_results.set()

    async def _keep_writing(self) -> None:
        """Write results in batches: whatever came while the last batch was written."""
        while True:
            await self._has_results.wait()
            self._has_results.clear()
            try:
                await self.flush()
            except BalefireError as error:
                self._around.log.warning("push outcomes of %s are not written yet: %s", self.vendor, error)
                self._has_results.set()
                await self._around.clock.sleep(1.0)


def _note(job: Job, device: Device | None, badge: int | None, now: int) -> Notification | Result:
    """The notification as it goes out now, or why it does not."""
    if now >= job.expires_at:
        return give_up(job, "expired", "its time was over before it could be sent")
    token = "" if device is None or device.vendor != job.vendor else device.token
    content = job.content
    style = content.style
    if style == "voip":
        token, style = (device.voip_token, style) if device and device.voip_token else (token, "alert")
    if device is None or not token:
        return give_up(job, "no_token", "the device has no push token any more")
    return Notification(
        id=job.note_id,
        token=token,
        title=content.title,
        body=content.body,
        data=content.data,
        badge=badge,
        sound=content.sound,
        thread=content.thread,
        collapse_key=content.collapse_key,
        ttl_seconds=max(1, (job.expires_at - now) // 1000),
        urgency=job.urgency,
        style=style,
        app=device.app,
        environment=device.environment,
    )
