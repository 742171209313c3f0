"""Vendors are strangers' code: whatever they give back, their lane goes on."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
from tests.push.lane_scene import Scene, failing
from tests.push.waiting import until

from balefire import Notification, Outcome, PushError, RateLimited, TokenRejected, TryLater


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (TryLater("busy", after_seconds=math.inf), "dead"),
        (TryLater("busy", after_seconds=math.nan), "ready"),
        (TryLater("busy", after_seconds=-1e308), "ready"),
        (RateLimited("slow\0 down \ud800", after_seconds="soon"), "ready"),  # type: ignore[arg-type]  # a stranger's
        (TokenRejected(410, invalid_since_ms="once"), "dead"),  # type: ignore[arg-type]  # a stranger's
    ],
)
async def test_nonsense_in_an_error_does_a_lane_no_harm(scene: Scene, error: PushError, state: str) -> None:
    scene.vendor.script = failing(error, times=1)
    await scene.queue()
    await scene.jobs(state, 1)
    scene.vendor.script = lambda note: None
    await scene.queue(first=2)
    scene.clock.move(10)

    assert (await scene.jobs("done", 1))[0].outcome == "delivered"


@pytest.mark.parametrize("given", [None, "delivered", Outcome(kind="fine"), Outcome(kind=["delivered"])])  # type: ignore[arg-type]  # a stranger's
async def test_what_is_no_outcome_is_tried_again(scene: Scene, given: Any) -> None:
    vendor = scene.vendors["heliograph"]
    answers = [[given] * 2, [Outcome(kind="delivered", vendor_message_id=7)] * 2]  # type: ignore[arg-type]  # a stranger's

    async def send_batch(notes: Sequence[Notification]) -> Any:
        return answers.pop(0)[: len(notes)]

    vendor.send_batch = send_batch
    await scene.queue(2, vendor="heliograph", first=1000)
    await until(lambda: scene.lane("heliograph").outcomes["retry"] == 2)
    await scene.jobs("ready", 2, "heliograph")
    answers.append(answers[0])
    scene.clock.move(10)

    done = await scene.jobs("done", 2, "heliograph")

    assert {job.reason for job in done} == {"7"}
