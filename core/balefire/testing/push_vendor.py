"""The conformance kit for push vendors: inherit ``PushVendorContract``, give two fixtures, run pytest.

.. code-block:: python

    class TestBeacon(PushVendorContract):
        @pytest.fixture
        async def stand_in(self) -> AsyncIterator[BeaconStandIn]:
            async with BeaconStandIn() as stand_in:
                yield stand_in

        @pytest.fixture
        async def vendor(self, stand_in: BeaconStandIn) -> AsyncIterator[Beacon]:
            async with httpx.AsyncClient(timeout=0.5) as http:
                yield Beacon(Config(api_key="right", endpoint=stand_in.url), http)

Give the vendor a time limit of a second or less there, so that the checks of a hanging vendor are quick. The tests
need ``asyncio_mode = "auto"``. Override ``make_token`` if not every text is a possible token, and set ``refreshes``
if the vendor works with access tokens that it fetches or signs itself.
"""

import asyncio
import logging
import traceback
import uuid
from collections.abc import Callable, Sequence
from typing import ClassVar

import pytest

from balefire.testing.push_stand_in import Accepted, Behaviour, HttpStandIn, StandIn
from balefire_hookspecs import BatchPushVendor, Notification, Outcome, PushError, PushVendor

__all__ = ["Accepted", "Behaviour", "HttpStandIn", "PushVendorContract", "StandIn", "attempt"]

Vendor = PushVendor | BatchPushVendor

LIMIT_SECONDS = 15.0  # the contract's limit for one call


async def attempt(vendor: Vendor, notes: Sequence[Notification]) -> list[Outcome]:
    """Send notifications as the hub does and return one outcome each, in order.

    :raises Exception: whatever the vendor raised that is not a ``PushError``.
    """
    if isinstance(vendor, BatchPushVendor):
        outcomes: list[Outcome] = []
        for start in range(0, len(notes), vendor.max_batch):
            outcomes += await _send_batch(vendor, notes[start : start + vendor.max_batch])
        return outcomes
    return list(await asyncio.gather(*(_send(vendor, note) for note in notes)))


async def _send(vendor: PushVendor, note: Notification) -> Outcome:
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            return Outcome(kind="delivered", vendor_message_id=await vendor.send(note) or "")
    except PushError as error:
        return Outcome.from_error(error)


async def _send_batch(vendor: BatchPushVendor, notes: Sequence[Notification]) -> list[Outcome]:
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            outcomes = list(await vendor.send_batch(notes))
    except PushError as error:
        return [Outcome.from_error(error)] * len(notes)
    assert len(outcomes) == len(notes), "send_batch returns exactly one outcome per notification"
    return outcomes


class PushVendorContract:
    """What every push vendor must do. See the module text for how to use it."""

    refreshes: ClassVar[bool] = False
    """Whether the vendor renews its access token by itself when it was refused."""

    calls_addresses_of_users: ClassVar[bool] = False
    """Whether the addresses that are called come from devices: then no answer may slow down or stop the whole lane."""

    def make_token(self, number: int) -> str:
        """A device token the stand-in knows; ``number`` is 0 to 49."""
        return f"device-token-{number:04d}-{number:032x}"

    def make_note(self, number: int = 0, *, title: str = "Ada", body: str = "tea at five?") -> Notification:
        """A notification for device ``number``."""
        return Notification(
            id=str(uuid.uuid4()), token=self.make_token(number), title=title, body=body, app="com.example.app"
        )

    # -- taken -------------------------------------------------------------------------------------------------

    async def test_a_notification_arrives_with_its_text(self, vendor: Vendor, stand_in: StandIn) -> None:
        note = self.make_note(title="小明", body='五点喝茶 ☕ "quoted" \\ <b>')

        [outcome] = await attempt(vendor, [note])

        assert outcome.kind == "delivered", outcome.reason
        [accepted] = stand_in.accepted
        assert (accepted.token, accepted.body) == (note.token, note.body)
        assert accepted.id in ("", note.id), "the vendor gets the notification's own id, so that it can drop repeats"

    async def test_fifty_at_once_all_arrive_once(self, vendor: Vendor, stand_in: StandIn) -> None:
        notes = [self.make_note(number) for number in range(50)]

        outcomes = await attempt(vendor, notes)

        assert [outcome.kind for outcome in outcomes] == ["delivered"] * 50
        assert sorted(accepted.token for accepted in stand_in.accepted) == sorted(note.token for note in notes)

    async def test_a_text_that_is_too_long_is_cut_not_refused(self, vendor: Vendor, stand_in: StandIn) -> None:
        family = "👩‍👩‍👧‍👦"
        note = self.make_note(body=f"{family}好" * 3_000)

        [outcome] = await attempt(vendor, [note])

        assert outcome.kind == "delivered", outcome.reason
        kept = stand_in.accepted[0].body.removesuffix("…").removesuffix("...")
        assert kept, "something of the text arrives"
        assert note.body.startswith(kept)
        assert kept.endswith((family, "好")), "an emoji sequence is never cut in two; balefire.shorten knows them"

    # -- refused -----------------------------------------------------------------------------------------------

    async def test_only_the_device_that_is_gone_is_reported(self, vendor: Vendor, stand_in: StandIn) -> None:
        notes = [self.make_note(number) for number in range(5)]
        stand_in.dead_tokens.add(notes[2].token)

        outcomes = await attempt(vendor, notes)

        expected = ["delivered", "delivered", "token_gone", "delivered", "delivered"]
        assert [outcome.kind for outcome in outcomes] == expected

    async def test_too_many_requests_slow_the_hub_down(self, vendor: Vendor, stand_in: StandIn) -> None:
        stand_in.behave("overload")

        [outcome] = await attempt(vendor, [self.make_note()])

        allowed = ("retry",) if self.calls_addresses_of_users else ("rate_limited", "retry")
        assert outcome.kind in allowed, outcome
        if stand_in.retry_after_seconds is not None:
            assert outcome.after_seconds == stand_in.retry_after_seconds, "pass Retry-After on"

    async def test_a_server_error_is_tried_again(self, vendor: Vendor, stand_in: StandIn) -> None:
        stand_in.behave("server_error", times=1)
        note = self.make_note()

        [failed] = await attempt(vendor, [note])
        [repeated] = await attempt(vendor, [note])

        assert (failed.kind, repeated.kind) == ("retry", "delivered")
        assert len(stand_in.accepted) == 1

    async def test_a_wrong_key_is_the_operators_to_mend(self, vendor: Vendor, stand_in: StandIn) -> None:
        stand_in.behave("refuse_credentials")

        first, second = [(await attempt(vendor, [self.make_note()]))[0] for _ in range(2)]

        allowed = {"rejected"} if self.calls_addresses_of_users else {"misconfigured", "auth_expired"}
        assert {first.kind, second.kind} <= allowed
        assert not stand_in.accepted

    async def test_a_credential_refused_once_is_no_lasting_harm(self, vendor: Vendor, stand_in: StandIn) -> None:
        await attempt(vendor, [self.make_note(0)])
        stand_in.behave("refuse_credentials", times=1)

        [refused] = await attempt(vendor, [self.make_note(1)])
        [after] = await attempt(vendor, [self.make_note(2)])

        allowed = {"delivered", "auth_expired"} if self.refreshes else {"delivered", "auth_expired", "misconfigured"}
        if self.calls_addresses_of_users:
            allowed = {"rejected"}
        assert refused.kind in allowed, refused
        assert after.kind == "delivered", after.reason

    # -- broken ------------------------------------------------------------------------------------------------

    async def test_silence_ends_as_try_later(self, vendor: Vendor, stand_in: StandIn) -> None:
        stand_in.behave("hang")

        [outcome] = await attempt(vendor, [self.make_note()])

        assert outcome.kind == "retry", outcome

    async def test_a_lost_connection_is_tried_again(self, vendor: Vendor, stand_in: StandIn) -> None:
        stand_in.behave("drop")
        [failed] = await attempt(vendor, [self.make_note()])
        stand_in.behave("accept")

        [repeated] = await attempt(vendor, [self.make_note()])

        assert (failed.kind, repeated.kind) == ("retry", "delivered")

    async def test_a_cancelled_send_is_abandoned(self, vendor: Vendor, stand_in: StandIn) -> None:
        await attempt(vendor, [self.make_note()])
        stand_in.behave("hang")
        send = asyncio.create_task(attempt(vendor, [self.make_note(1)]))
        await _until(lambda: stand_in.waiting > 0)

        send.cancel()
        with pytest.raises(asyncio.CancelledError):
            await send

        await _until(lambda: stand_in.waiting == 0)
        stand_in.behave("accept")
        assert (await attempt(vendor, [self.make_note(2)]))[0].kind == "delivered"

    @pytest.mark.parametrize("behaviour", ["overload", "server_error", "refuse_credentials", "drop", "hang"])
    async def test_failures_tell_no_secrets(
        self, vendor: Vendor, stand_in: StandIn, caplog: pytest.LogCaptureFixture, behaviour: Behaviour
    ) -> None:
        caplog.set_level(logging.DEBUG)
        note = self.make_note(body="a text for one pair of eyes")
        stand_in.behave(behaviour)

        told = await _tell(vendor, note)

        told += "\n".join(_line(record) for record in caplog.records)
        for secret in (note.token, note.body, *stand_in.secrets):
            assert secret not in told, "device tokens, texts and credentials stay out of logs and errors"

    async def test_a_device_that_is_gone_is_not_named(
        self, vendor: Vendor, stand_in: StandIn, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        note = self.make_note()
        stand_in.dead_tokens.add(note.token)

        told = await _tell(vendor, note)

        assert note.token not in told + "\n".join(_line(record) for record in caplog.records)


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        while not is_so():  # noqa: ASYNC110 - the stand-in is the author's; it has no event to wait for
            await asyncio.sleep(0.001)


def _line(record: logging.LogRecord) -> str:
    return logging.Formatter().format(record)


async def _tell(vendor: Vendor, note: Notification) -> str:
    """Everything a failed send says, its chain of causes included."""
    try:
        if isinstance(vendor, BatchPushVendor):
            return " ".join(outcome.reason for outcome in await vendor.send_batch([note]))
        await vendor.send(note)
    except PushError as error:
        return "".join(traceback.format_exception(error))
    return ""
