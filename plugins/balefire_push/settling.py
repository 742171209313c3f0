"""What an outcome means for its job: done, again later, or given up."""

import random
from typing import Final

from balefire import Outcome
from balefire_push.outbox import Job, Result
from balefire_push.retrying import BACKOFFS

FINAL: Final = {"token_gone", "rejected"}


class Settler:
    """Turns outcomes into results."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def settle(self, job: Job, outcome: Outcome, now: int) -> Result:
        """The result for a claimed job.

        :param now: milliseconds since the epoch.
        """
        if outcome.kind == "delivered":
            return Result(job=job, state="done", outcome="delivered", reason=outcome.vendor_message_id)
        if outcome.kind in FINAL:
            return give_up(job, outcome.kind, outcome.reason)
        match outcome.kind:
            case "quota" if outcome.after_seconds is None:
                return give_up(job, outcome.kind, outcome.reason)
            case "rate_limited" | "quota":
                return _later(job, outcome, now, outcome.after_seconds or 1.0, counts=False)
            case "misconfigured" | "auth_expired":
                return _again(job, outcome, now, counts=False)  # at once: the circuit holds the lane back
        backoff = BACKOFFS[job.urgency]
        if job.attempts >= backoff.max_attempts:
            return give_up(job, outcome.kind, f"{outcome.reason} (after {job.attempts} attempts)")
        delay = max(backoff.delay(job.attempts, self._chance), outcome.after_seconds or 0.0)
        return _later(job, outcome, now, delay, counts=True)


def _later(job: Job, outcome: Outcome, now: int, delay_seconds: float, *, counts: bool) -> Result:
    run_at = now + int(delay_seconds * 1000)
    if run_at >= job.expires_at:
        return give_up(job, outcome.kind, f"{outcome.reason} (its time is over before the next attempt)")
    return _again(job, outcome, run_at, counts=counts)


def _again(job: Job, outcome: Outcome, run_at: int, *, counts: bool) -> Result:
    return Result(job=job, state="ready", outcome=outcome.kind, reason=outcome.reason, run_at=run_at, counts=counts)


def give_up(job: Job, outcome: str, reason: str) -> Result:
    """The job is dead: somebody may look at it and replay it."""
    return Result(job=job, state="dead", outcome=outcome, reason=reason)


def put_back(job: Job) -> Result:
    """The job was claimed and not attempted."""
    return Result(job=job, state="ready", outcome=job.outcome, reason=job.reason, run_at=job.run_at, counts=False)


def call_off(job: Job) -> Result:
    """Nobody has to be told any more."""
    return Result(job=job, state="cancelled", outcome="read", reason="the user read it before it could be sent")
