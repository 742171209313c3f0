"""What the vendors of Huawei's family must do alike: one text for many devices in one call, coded answers."""

import asyncio
from collections import Counter
from typing import Any, ClassVar

import pytest
from tests.push.conftest import MovableClock
from tests.push.desks import DeskContract, DeskStandIn, MakeVendor, note

from balefire import BatchPushVendor, Notification, Outcome, PushError
from balefire_push_sandbox.desks.hms_family import GrantingDesk
from balefire_push_sandbox.faults import Fault


async def send(vendor: BatchPushVendor, *notes: Notification) -> list[Outcome]:
    return list(await vendor.send_batch(notes))


async def kinds(vendor: BatchPushVendor, *notes: Notification) -> list[str]:
    return [outcome.kind for outcome in await send(vendor, *notes)]


def same(stand_in: DeskStandIn, count: int, **fields: Any) -> list[Notification]:
    return [note(stand_in.token(number), **fields) for number in range(count)]


class FamilyContract(DeskContract):
    """The kit and more. Give ``send_door`` too; ``codes`` is given by parametrizing a test of your own."""

    refreshes = True
    desk_retry_after_seconds = None
    send_door: ClassVar[str]

    def calls(self, stand_in: DeskStandIn) -> int:
        """How often the vendor was asked to send."""
        return Counter(request.door for request in stand_in.server.requests)[self.send_door]

    # -- batches -----------------------------------------------------------------------------------------------

    async def test_one_text_for_a_thousand_devices_is_one_call(
        self, vendor: BatchPushVendor, stand_in: DeskStandIn
    ) -> None:
        for number in range(50, 1000):
            stand_in.add_phone(number)

        outcomes = await send(vendor, *same(stand_in, vendor.max_batch))

        assert [outcome.kind for outcome in outcomes] == ["delivered"] * 1000
        assert len({outcome.vendor_message_id for outcome in outcomes}) == 1
        assert (self.calls(stand_in), stand_in.phones.count) == (1, 1000)

    async def test_each_text_has_its_own_call_and_the_order_is_kept(
        self, vendor: BatchPushVendor, stand_in: DeskStandIn
    ) -> None:
        notes = [note(stand_in.token(n), body=f"text {n % 3}") for n in range(30)]
        stand_in.dead_tokens.add(notes[7].token)

        found = await kinds(vendor, *notes)

        assert [place for place, kind in enumerate(found) if kind != "delivered"] == [7]
        assert {accepted.token: accepted.body for accepted in stand_in.accepted} == {
            wanted.token: wanted.body for wanted in notes if wanted is not notes[7]
        }
        assert self.calls(stand_in) == 3

    async def test_only_the_bad_ones_of_a_call_are_gone(self, vendor: BatchPushVendor, stand_in: DeskStandIn) -> None:
        notes = same(stand_in, 9)
        notes[4] = note("nonsense")
        stand_in.dead_tokens.add(notes[6].token)

        found = await kinds(vendor, *notes)

        assert [place for place, kind in enumerate(found) if kind == "token_gone"] == [4, 6]
        assert (len(stand_in.accepted), self.calls(stand_in)) == (7, 1)

    async def test_a_device_that_is_named_twice_is_sent_to_once(
        self, vendor: BatchPushVendor, stand_in: DeskStandIn
    ) -> None:
        assert await kinds(vendor, note(stand_in.token(0)), note(stand_in.token(0))) == ["delivered"] * 2
        assert stand_in.phones.count == 1

    async def test_a_call_without_an_answer_is_repeated_whole(
        self, make_vendor: MakeVendor, stand_in: DeskStandIn
    ) -> None:
        vendor, notes = make_vendor(timeout_seconds=0.5), same(stand_in, 3, collapse_key="m1")
        await send(vendor, note(stand_in.token(9)))
        stand_in.behave("hang", times=1)

        assert await kinds(vendor, *notes) == ["retry"] * 3
        assert await kinds(vendor, *notes) == ["delivered"] * 3

    async def test_one_that_is_too_large_does_not_hold_up_its_neighbours(
        self, vendor: BatchPushVendor, stand_in: DeskStandIn
    ) -> None:
        large = note(stand_in.token(1), data={"blob": "x" * 5000})

        found = await kinds(vendor, note(stand_in.token(0)), large, note(stand_in.token(2)))

        assert found == ["delivered", "rejected", "delivered"]

    # -- answers -----------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("status", "body", "kind"),
        [
            (200, {"code": "89999999"}, "rejected"),
            (400, {"code": "89999999"}, "rejected"),
            (500, {"code": "89999999"}, "retry"),
            (401, {}, "auth_expired"),
            (404, {}, "misconfigured"),
            (429, {}, "rate_limited"),
            (503, {}, "rate_limited"),
            (500, {}, "retry"),
            (502, {}, "retry"),
            (200, {}, "retry"),
        ],
    )
    async def test_where_no_code_is_known_the_status_decides(
        self, vendor: BatchPushVendor, stand_in: DeskStandIn, status: int, body: dict[str, Any], kind: str
    ) -> None:
        stand_in.answer(body, status=status)

        assert await kinds(vendor, note(stand_in.token(0))) == [kind]

    async def test_retry_after_is_passed_on(self, vendor: BatchPushVendor, stand_in: DeskStandIn) -> None:
        stand_in.faults.add(Fault(kind="answer", status=503, retry_after_seconds=9))

        [outcome] = await send(vendor, note(stand_in.token(0)))

        assert (outcome.kind, outcome.after_seconds) == ("rate_limited", 9)

    # -- messages ----------------------------------------------------------------------------------------------

    async def test_a_repeat_replaces_what_is_shown(self, vendor: BatchPushVendor, stand_in: DeskStandIn) -> None:
        for _ in range(2):
            await send(vendor, note(stand_in.token(0), collapse_key="m1"))

        assert len(stand_in.phones.screen("phone-0")) == 1

    @pytest.mark.parametrize(("style", "push_type"), [("data", "background"), ("voip", "voip"), ("alert", "alert")])
    async def test_each_style_reaches_the_app(
        self, vendor: BatchPushVendor, stand_in: DeskStandIn, style: Any, push_type: str
    ) -> None:
        await send(vendor, note(stand_in.token(0), style=style, urgency="call", data={"call": "c1"}))

        [shown] = stand_in.phones.accepted
        assert (shown.push_type, shown.data["call"]) == (push_type, "c1")
        assert shown.title == ("" if style == "data" else "Ada")

    @pytest.mark.parametrize(
        ("title", "body"),
        [("长" * 200, "长" * 4000), ("👩‍👩‍👧‍👦" * 40, "👍🏽" * 900), ("", "only a body" * 20), ("only a title", "")],
    )
    @pytest.mark.parametrize("style", ["alert", "voip"])
    async def test_texts_are_cut_to_what_is_taken(
        self, vendor: BatchPushVendor, stand_in: DeskStandIn, title: str, body: str, style: Any
    ) -> None:
        [outcome] = await send(vendor, note(stand_in.token(0), title=title, body=body, style=style))

        [shown] = stand_in.phones.accepted
        assert outcome.kind == "delivered"
        assert shown.title
        assert (title or body).startswith(shown.title.removesuffix("…"))
        assert (body or title).startswith(shown.body.removesuffix("…"))

    async def test_a_life_is_cut_to_what_the_vendor_keeps(self, vendor: BatchPushVendor, stand_in: DeskStandIn) -> None:
        assert await kinds(vendor, note(stand_in.token(0), ttl_seconds=10**8)) == ["delivered"]


class GrantingContract(FamilyContract):
    """For those with a client's id and secret. Give ``token_door``."""

    token_door: ClassVar[str]

    def grants(self, stand_in: DeskStandIn) -> int:
        """How many access tokens were asked for."""
        return Counter(request.door for request in stand_in.server.requests)[self.token_door]

    async def test_fifty_batches_at_once_fetch_one_access_token(
        self, vendor: BatchPushVendor, stand_in: DeskStandIn
    ) -> None:
        await asyncio.gather(*(send(vendor, note(stand_in.token(n))) for n in range(50)))

        assert (self.grants(stand_in), self.calls(stand_in)) == (1, 50)

    async def test_an_access_token_is_renewed_before_it_ends(
        self, vendor: BatchPushVendor, stand_in: DeskStandIn, clock: MovableClock
    ) -> None:
        for _ in range(2):
            assert await kinds(vendor, note(stand_in.token(0))) == ["delivered"]
            clock.move(3400)

        assert self.grants(stand_in) == 2

    async def test_one_that_ended_all_the_same_is_replaced(
        self, vendor: BatchPushVendor, stand_in: DeskStandIn
    ) -> None:
        assert isinstance(stand_in.desk, GrantingDesk)
        await send(vendor, note(stand_in.token(0)))
        stand_in.desk.end_grants()

        [refused] = await send(vendor, note(stand_in.token(0)))
        [taken] = await send(vendor, note(stand_in.token(0)))

        assert (refused.kind, taken.kind) == ("auth_expired", "delivered")
        assert refused.reason.endswith("answered 80200003")

    async def test_a_wrong_secret_is_the_operators_to_mend(
        self, make_vendor: MakeVendor, stand_in: DeskStandIn
    ) -> None:
        vendor = make_vendor(client_secret="one of another app", timeout_seconds=10)

        [outcome] = await send(vendor, note(stand_in.token(0)))

        assert (outcome.kind, "client_secret" in outcome.reason) == ("misconfigured", True)


async def check_code(vendor: BatchPushVendor, stand_in: DeskStandIn, code: str | int, error: type[PushError]) -> None:
    """The vendor's answer with a code becomes the outcome of the error, and nothing it said is repeated."""
    words = "words of theirs"
    stand_in.answer({"code": code, "msg": words, "message": words, "requestId": words})

    [outcome] = await send(vendor, note(stand_in.token(0)))

    assert outcome.kind == error.outcome
    assert f"answered {code}" in outcome.reason
    assert words not in outcome.reason
