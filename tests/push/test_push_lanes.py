"""One vendor's lane: what it does about every outcome, and that other vendors do not notice."""

import asyncio
from functools import partial

import pytest
from tests.push.lane_scene import Scene, failing
from tests.push.waiting import until

from balefire import (
    AuthExpired,
    Misconfigured,
    Notification,
    NotificationRejected,
    QuotaExhausted,
    RateLimited,
    TokenRejected,
    TryLater,
)
from balefire_push.hygiene import TOLERATED
from balefire_push.retrying import BACKOFFS, Throttle


def has_retried(scene: Scene, times: int) -> bool:
    return scene.lane().outcomes["retry"] == times


async def test_everything_queued_is_delivered_once(scene: Scene) -> None:
    await scene.queue(300)

    await scene.jobs("done", 300)

    assert sorted(note.id for note in scene.vendor.sent) == sorted({note.id for note in scene.vendor.sent})
    assert scene.vendor.most <= 50


async def test_a_failure_is_repeated_with_the_same_id(scene: Scene) -> None:
    scene.vendor.script = failing(TryLater("busy"), times=2)
    await scene.queue()

    for attempt in (1, 2):
        await until(partial(has_retried, scene, attempt))
        [waiting] = await scene.jobs("ready", 1)
        scene.clock.move(10)
    [done] = await scene.jobs("done", 1)

    assert (done.attempts, done.outcome) == (3, "delivered")
    assert len({note.id for note in scene.vendor.sent}) == 1
    assert waiting.outcome == "retry"


async def test_the_vendors_time_is_respected(scene: Scene) -> None:
    scene.vendor.script = failing(TryLater("busy", after_seconds=120), times=1)
    before = scene.clock.now_ms()
    await scene.queue()

    await until(lambda: scene.lane().outcomes["retry"] == 1)
    [waiting] = await scene.jobs("ready", 1)

    assert waiting.run_at - before >= 120_000


async def test_after_eight_attempts_it_is_given_up(scene: Scene) -> None:
    scene.vendor.script = failing(TryLater("busy"))
    await scene.queue()

    for attempt in range(1, BACKOFFS["message"].max_attempts):
        await until(partial(has_retried, scene, attempt))
        [waiting] = await scene.jobs("ready", 1)
        scene.clock.move(max(0, waiting.run_at - scene.clock.now_ms()) / 1000 + 0.01)

    [dead] = await scene.jobs("dead", 1)
    assert (dead.outcome, dead.attempts) == ("retry", BACKOFFS["message"].max_attempts)


async def test_nothing_is_repeated_past_its_time(scene: Scene) -> None:
    scene.vendor.script = failing(TryLater("busy", after_seconds=4000))
    await scene.queue()

    [dead] = await scene.jobs("dead", 1)

    assert "its time is over" in dead.reason


async def test_what_expired_in_the_queue_is_not_sent(scene: Scene) -> None:
    vendor = scene.vendors.pop("semaphore")
    await scene.queue()
    scene.clock.move(3601)
    scene.vendors["semaphore"] = vendor
    scene.lane().wake()

    [dead] = await scene.jobs("dead", 1)

    assert (dead.outcome, vendor.sent) == ("expired", [])


async def test_a_token_that_is_gone_is_forgotten_and_told(scene: Scene) -> None:
    scene.vendor.script = failing(TokenRejected("410 Unregistered", invalid_since_ms=1234))
    await scene.queue()

    [dead] = await scene.jobs("dead", 1)

    assert dead.outcome == "token_gone"
    assert scene.store.forgotten == [("secret-1", 1235)]
    assert scene.told == [("carol", "semaphore", "410 Unregistered")]


async def test_mass_invalidation_keeps_the_tokens(scene: Scene) -> None:
    scene.vendor.script = failing(TokenRejected("no such token"))
    await scene.queue(100)

    dead = await scene.jobs("dead", 100)

    assert len(scene.store.forgotten) == TOLERATED
    assert scene.lane().hygiene.guard.held == 100 - TOLERATED
    assert sum("kept" in job.reason for job in dead) == 100 - TOLERATED


async def test_a_few_gone_among_many_good_are_believed(scene: Scene) -> None:
    gone = {f"secret-{number}" for number in range(100, 300, 20)}
    scene.vendor.script = lambda note: TokenRejected("gone") if note.token in gone else None
    await scene.queue(300)

    await scene.jobs("dead", 10)
    await scene.jobs("done", 290)

    assert {token for token, _ in scene.store.forgotten} == gone


async def test_a_rate_limit_slows_the_whole_lane(scene: Scene) -> None:
    scene.vendor.script = failing(RateLimited("slow down", after_seconds=30), times=1)
    await scene.queue()
    await until(lambda: scene.lane().outcomes["rate_limited"] == 1)
    await scene.queue(10, first=2)

    assert scene.lane().throttle.limit == 25
    assert len(scene.vendor.sent) == 1
    scene.clock.move(31)
    await scene.jobs("done", 11)


async def test_wrong_credentials_open_the_circuit_and_a_probe_closes_it(scene: Scene) -> None:
    scene.vendor.script = failing(Misconfigured("wrong key"))
    await scene.queue(20)
    await until(lambda: scene.lane().circuit.is_open and scene.vendor.now == 0)
    await scene.jobs("ready", 20)
    sent = len(scene.vendor.sent)

    scene.clock.move(301)
    await until(lambda: len(scene.vendor.sent) == sent + 1)  # one probe
    await scene.jobs("ready", 20)
    scene.vendor.script = lambda note: None
    scene.clock.move(301)

    await scene.jobs("done", 20)
    assert not scene.lane().circuit.is_open


async def test_a_refused_access_token_is_tried_once_more(scene: Scene) -> None:
    scene.vendor.script = failing(AuthExpired("expired"), times=1)
    await scene.queue()

    [done] = await scene.jobs("done", 1)

    assert (done.attempts, len(scene.vendor.sent)) == (1, 2)


async def test_refused_twice_is_the_operators_to_mend(scene: Scene) -> None:
    scene.vendor.script = failing(AuthExpired("expired"))
    await scene.queue()

    await until(lambda: scene.lane().circuit.is_open)

    assert len(scene.vendor.sent) == 2


@pytest.mark.parametrize(
    ("error", "outcome"), [(NotificationRejected("bad field"), "rejected"), (QuotaExhausted("today"), "quota")]
)
async def test_some_are_given_up_at_once_and_the_lane_goes_on(scene: Scene, error: BaseException, outcome: str) -> None:
    scene.vendor.script = failing(error, times=1)
    await scene.queue()
    [dead] = await scene.jobs("dead", 1)

    await scene.queue(5, first=2)

    await scene.jobs("done", 5)
    assert dead.outcome == outcome


async def test_a_plugin_that_raises_anything_is_tried_again_and_not_quoted(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.vendor.script = failing(ValueError("secret-1 is in here"), times=1)
    await scene.queue()
    await until(lambda: scene.lane().outcomes["retry"] == 1)

    [waiting] = await scene.jobs("ready", 1)
    scene.clock.move(10)
    await scene.jobs("done", 1)

    assert waiting.reason == "the plugin raised ValueError"
    assert "secret" not in caplog.text


async def test_lists_are_sent_as_lists_with_an_outcome_each(scene: Scene) -> None:
    await scene.queue(8, vendor="heliograph", first=1000)

    await scene.jobs("done", 4, "heliograph")
    await scene.jobs("dead", 4, "heliograph")

    assert sorted(scene.vendors["heliograph"].batches) == [2, 3, 3]


async def test_a_lane_that_stands_still_holds_up_no_other(scene: Scene) -> None:
    scene.vendor.script = failing(RateLimited("slow down", after_seconds=3000))
    await scene.queue(50)
    await scene.queue(5, vendor="heliograph", first=1000)

    await until(lambda: len(scene.vendors["heliograph"].sent) == 5)


async def test_a_vendor_that_is_away_is_waited_for(scene: Scene) -> None:
    vendor = scene.vendors.pop("semaphore")
    scene.lane()
    await scene.queue(3)
    scene.clock.move(60)

    scene.vendors["semaphore"] = vendor
    scene.lane().wake()

    await scene.jobs("done", 3)


async def test_stopping_gives_back_what_is_under_way(scene: Scene) -> None:
    blocked = asyncio.Event()

    async def send(note: Notification) -> str | None:
        scene.vendor.sent.append(note)
        await blocked.wait()
        return None

    scene.vendor.send = send  # type: ignore[method-assign]  # a vendor that takes its time
    await scene.queue(60)
    await until(lambda: len(scene.vendor.sent) == 50)

    await scene.dispatcher.stop()

    assert len(await scene.outbox.page({"state": "ready"}, after=0, limit=100)) == 60


async def test_speed_comes_back_step_by_step() -> None:
    throttle = Throttle(50)
    throttle.slow_down()
    throttle.slow_down()
    assert throttle.limit == 12

    for _ in range(12 * 50):
        throttle.speed_up()

    assert throttle.limit > 30
    for _ in range(10):
        throttle.slow_down()
    assert throttle.limit == 1
