"""Meizu: the conformance kit on its desk, and what is particular to it."""

import json
from typing import Any

import pytest
from tests.push.desks import DeskContract, DeskStandIn, MakeVendor, note, post

from balefire import Notification, Outcome
from balefire_push_meizu.vendor import CODES, TARGET_CODES, Meizu, Plugin, sign
from balefire_push_sandbox.desks.meizu import MeizuDesk


async def send(vendor: Meizu, *notes: Notification) -> list[Outcome]:
    return list(await vendor.send_batch(notes))


def same_text(stand_in: DeskStandIn, count: int) -> list[Notification]:
    return [note(stand_in.token(n % 50), id=f"n-{n}", collapse_key="m1") for n in range(count)]


class TestMeizu(DeskContract):
    desk_type = MeizuDesk
    plugin = Plugin
    desk_retry_after_seconds = None

    async def test_the_same_text_goes_out_in_one_call(self, vendor: Meizu, stand_in: DeskStandIn) -> None:
        outcomes = await send(vendor, *same_text(stand_in, 50))

        assert {outcome.kind for outcome in outcomes} == {"delivered"}
        assert len(stand_in.server.requests) == 1

    async def test_a_device_listed_twice_is_named_once(self, vendor: Meizu, stand_in: DeskStandIn) -> None:
        outcomes = await send(vendor, *same_text(stand_in, 100))

        assert [outcome.kind for outcome in outcomes] == ["delivered"] * 100

    @pytest.mark.parametrize(("code", "error"), sorted(CODES.items()))
    async def test_each_code_has_its_outcome(self, vendor: Meizu, stand_in: DeskStandIn, code: str, error: Any) -> None:
        stand_in.answer({"code": code, "message": "secret words of theirs"})

        [outcome] = await send(vendor, note(stand_in.token(0)))

        assert outcome.kind == error.outcome
        assert outcome.reason.startswith(f"meizu answered {code}")
        assert "secret words" not in outcome.reason

    async def test_codes_of_single_devices_are_theirs_alone(self, vendor: Meizu, stand_in: DeskStandIn) -> None:
        listed = {code: [stand_in.token(n)] for n, code in enumerate([*TARGET_CODES, "520", "99999"])}
        stand_in.answer({"code": "200", "value": listed, "msgId": "NS1"})

        outcomes = await send(vendor, *same_text(stand_in, len(listed) + 1))

        expected = [error.outcome for error in TARGET_CODES.values()]
        assert [outcome.kind for outcome in outcomes] == [*expected, "delivered", "rejected", "delivered"]

    @pytest.mark.parametrize("setting", ["app_id", "app_secret"])
    async def test_wrong_credentials_are_the_operators_to_mend(
        self, make_vendor: MakeVendor, stand_in: DeskStandIn, setting: str
    ) -> None:
        [outcome] = await send(make_vendor(**{setting: "wrong"}), note(stand_in.token(0)))

        assert outcome.kind == "misconfigured"

    async def test_silent_data_is_rejected(self, vendor: Meizu, stand_in: DeskStandIn) -> None:
        outcomes = await send(vendor, note(stand_in.token(0), style="data"), note(stand_in.token(1), style="voip"))

        assert [outcome.kind for outcome in outcomes] == ["rejected", "delivered"]

    async def test_fields_arrive_and_a_repeat_replaces(self, vendor: Meizu, stand_in: DeskStandIn) -> None:
        for _ in range(2):
            await send(vendor, note(stand_in.token(0), data={"conversation": "group/a", "seq": 1}, collapse_key="m1"))

        assert stand_in.phones.accepted[0].data == {"conversation": "group/a", "seq": 1}
        assert len(stand_in.phones.screen("phone-0")) == 1

    @pytest.mark.parametrize("text", ["长" * 120, "👩‍👩‍👧‍👦" * 40, ""])
    async def test_texts_are_cut_to_what_meizu_counts(self, vendor: Meizu, stand_in: DeskStandIn, text: str) -> None:
        [outcome] = await send(vendor, note(stand_in.token(0), title=text, body=text))

        assert outcome.kind == "delivered", outcome.reason

    async def test_the_desk_is_strict(self, stand_in: DeskStandIn) -> None:
        account = stand_in.account()
        url = f"{stand_in.url}/garcia/api/server/push/varnished/pushByPushId"

        async def code(*, count: int = 1, secret: str = "", bar: Any = None, **more: Any) -> str:
            message = {"noticeBarInfo": {"title": "t", "content": "c"} | (bar or {})} | more
            form = {
                "appId": account["app_id"],
                "pushIds": ",".join(stand_in.token(n) for n in range(count)),
                "messageJson": json.dumps(message),
            }
            form["sign"] = sign(form, secret or account["app_secret"])
            return str((await post(url, data=form)).json()["code"])

        assert await code() == "200"
        assert await code(secret="x") == "110001"
        assert await code(count=101) == "1005"
        assert await code(bar={"title": "t" * 33}) == "1005"
        assert await code(bar={"content": ""}) == "1005"
        assert await code(surprise=1) == "1005"
        assert await code(pushTimeInfo={"validTime": 73}) == "1005"
        assert await code(advanceInfo={"notifyKey": "x" * 9}) == "1005"
        assert (await post(url, data={"appId": "1"})).json()["code"] == "1005"
