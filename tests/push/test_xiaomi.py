"""Xiaomi: the conformance kit on its desk, and what is particular to MiPush."""

import json
from typing import Any

import pytest
from tests.push.desks import DeskContract, DeskStandIn, MakeVendor, note, post

from balefire import Notification, Outcome
from balefire_push_sandbox.desks.xiaomi import XiaomiDesk
from balefire_push_sandbox.faults import Fault
from balefire_push_xiaomi.vendor import CODES, Plugin, Xiaomi


async def send(vendor: Xiaomi, *notes: Notification) -> list[Outcome]:
    return list(await vendor.send_batch(notes))


def numbered(stand_in: DeskStandIn, count: int, **fields: Any) -> list[Notification]:
    return [note(stand_in.token(number), id=f"n-{number}", **fields) for number in range(count)]


class TestXiaomi(DeskContract):
    desk_type = XiaomiDesk
    plugin = Plugin
    desk_retry_after_seconds = None

    async def test_different_texts_travel_in_one_call(self, vendor: Xiaomi, stand_in: DeskStandIn) -> None:
        notes = [note(stand_in.token(n), id=f"n-{n}", body=f"text {n}") for n in range(50)]

        outcomes = await send(vendor, *notes)

        assert {outcome.kind for outcome in outcomes} == {"delivered"}
        assert [accepted.body for accepted in stand_in.accepted] == [f"text {n}" for n in range(50)]
        assert len(stand_in.server.requests) == 1

    async def test_a_bad_one_does_not_hold_up_its_neighbours(self, vendor: Xiaomi, stand_in: DeskStandIn) -> None:
        notes = numbered(stand_in, 9)
        notes[4] = note(stand_in.token(4), id="n-4", data={"blob": "x" * 5000})
        notes[6] = note(stand_in.token(6), id="n-6", app="com.example.other")

        kinds = [outcome.kind for outcome in await send(vendor, *notes)]

        assert (kinds.pop(6), kinds.pop(4)) == ("rejected", "rejected")
        assert kinds == ["delivered"] * 7

    @pytest.mark.parametrize(("code", "error"), sorted(CODES.items()))
    async def test_each_code_has_its_outcome(
        self, vendor: Xiaomi, stand_in: DeskStandIn, code: str, error: Any
    ) -> None:
        stand_in.answer({"result": "error", "code": int(code), "reason": "secret words of theirs"})

        [outcome] = await send(vendor, note(stand_in.token(0)))

        assert outcome.kind == error.outcome
        assert outcome.reason.startswith(f"xiaomi answered {code}")
        assert "secret words" not in outcome.reason

    async def test_a_code_nobody_knows_ends_the_message_only(self, vendor: Xiaomi, stand_in: DeskStandIn) -> None:
        stand_in.answer({"result": "error", "code": 99999})

        [outcome] = await send(vendor, note(stand_in.token(0)))

        assert outcome.kind == "rejected"

    async def test_the_quota_word_of_the_list_call(self, vendor: Xiaomi, stand_in: DeskStandIn) -> None:
        stand_in.answer({"result": "error", "code": 1, "reason": "channel_exceed_quota"})

        [outcome] = await send(vendor, note(stand_in.token(0)))

        assert outcome.kind == "quota"

    async def test_an_unknown_device_is_believed_the_third_time(self, vendor: Xiaomi, stand_in: DeskStandIn) -> None:
        unknown = note("bm9ib2R5", id="n-1")

        kinds = [(await send(vendor, unknown))[0].kind for _ in range(3)]

        assert kinds == ["retry", "retry", "token_gone"]

    async def test_an_answer_that_is_no_json_is_tried_again(self, vendor: Xiaomi, stand_in: DeskStandIn) -> None:
        stand_in.faults.add(Fault(kind="server_error"))

        [outcome] = await send(vendor, note(stand_in.token(0)))

        assert outcome.kind == "retry"

    @pytest.mark.parametrize(("style", "push_type"), [("alert", "alert"), ("data", "background"), ("voip", "alert")])
    async def test_each_style_reaches_the_app(
        self, vendor: Xiaomi, stand_in: DeskStandIn, style: Any, push_type: str
    ) -> None:
        await send(vendor, note(stand_in.token(0), style=style, data={"conversation": "private/bob"}))

        [shown] = stand_in.phones.accepted
        assert (shown.push_type, shown.thread) == (push_type, "private/bob")

    async def test_a_repeat_replaces_what_is_shown(self, vendor: Xiaomi, stand_in: DeskStandIn) -> None:
        for _ in range(2):
            await send(vendor, note(stand_in.token(0), collapse_key="m1"))

        assert len(stand_in.phones.screen("phone-0")) == 1

    @pytest.mark.parametrize("text", ["长" * 300, "👩‍👩‍👧‍👦" * 40, ""])
    async def test_texts_are_cut_to_what_xiaomi_counts(self, vendor: Xiaomi, stand_in: DeskStandIn, text: str) -> None:
        [outcome] = await send(vendor, note(stand_in.token(0), title=text, body=text))

        assert outcome.kind == "delivered", outcome.reason

    async def test_without_a_channel_a_message_lives_a_day(
        self, make_vendor: MakeVendor, stand_in: DeskStandIn
    ) -> None:
        [outcome] = await send(make_vendor(channel=None), note(stand_in.token(0), ttl_seconds=500_000))

        assert outcome.kind == "delivered"

    async def test_the_desk_is_strict(self, stand_in: DeskStandIn) -> None:
        url = f"{stand_in.url}/v2/multi_messages/regids"
        key = {"Authorization": f"key={stand_in.account()['app_secret']}"}
        message = {
            "payload": "{}",
            "restricted_package_name": "com.example.app",
            "pass_through": 0,
            "title": "t",
            "description": "d",
        }

        async def code(changes: dict[str, Any], *, count: int = 1, headers: Any = key) -> int:
            listed = [{"target": stand_in.token(0), "message": message | changes}] * count
            answer = await post(url, data={"messages": json.dumps(listed)}, headers=headers)
            return int(answer.json()["code"])

        assert await code({}) == 0
        assert await code({}, headers={}) == 21301
        assert await code({}, headers={"Authorization": "Key=x"}) == 21301
        assert await code({}, count=1001) == 10017
        assert await code({"surprise": 1}) == 10017
        assert await code({"title": "t" * 50}) == 10017
        assert await code({"description": ""}) == 10017
        assert await code({"payload": "好" * 1000}) == 10017
        assert await code({"time_to_live": 2 * 86_400_000}) == 10017
        assert await code({"restricted_package_name": "com.other"}) == 66108
        assert await code({"extra": {"channel_id": "nobody's"}}) == 27001
