"""Honor: the conformance kit on its desk, and what is particular to Honor Push."""

import json
from typing import Any

import pytest
from tests.push.desks import DeskStandIn, MakeVendor, note, post
from tests.push.hms_family import GrantingContract, check_code, kinds, same, send

from balefire_push_honor.message import build_body
from balefire_push_honor.plugin import Plugin
from balefire_push_honor.settings import Config
from balefire_push_honor.vendor import CODES, Honor
from balefire_push_sandbox.desks.honor import HonorDesk


class TestHonor(GrantingContract):
    desk_type = HonorDesk
    plugin = Plugin
    send_door = "/api/v1/{app}/sendMessage"
    token_door = "/auth/token"

    @pytest.mark.parametrize(("code", "error"), sorted(CODES.items()))
    async def test_each_code_has_its_outcome(self, vendor: Honor, stand_in: DeskStandIn, code: str, error: Any) -> None:
        await check_code(vendor, stand_in, code, error)
        await check_code(vendor, stand_in, int(code), error)

    async def test_forbidden_means_that_the_access_token_is_refused(self, vendor: Honor, stand_in: DeskStandIn) -> None:
        stand_in.answer({"message": "invalid access token"}, status=403)

        assert await kinds(vendor, note(stand_in.token(0))) == ["auth_expired"]

    @pytest.mark.parametrize("code", [200, "200", 80000000, 80100000])
    @pytest.mark.parametrize("data", [None, [], {}, {"failTokens": 7, "expireTokens": [7]}, {"sendResult": True}])
    async def test_what_was_taken_is_not_sent_again(
        self, vendor: Honor, stand_in: DeskStandIn, code: object, data: object
    ) -> None:
        stand_in.answer({"code": code, "message": "success", "data": data})

        assert await kinds(vendor, *same(stand_in, 2)) == ["delivered"] * 2

    async def test_what_was_not_sent_for_no_reason_is_put_aside(self, vendor: Honor, stand_in: DeskStandIn) -> None:
        stand_in.answer({"code": 200, "data": {"sendResult": False}})

        assert await kinds(vendor, note(stand_in.token(0))) == ["rejected"]

    async def test_all_may_be_gone(self, vendor: Honor) -> None:
        assert await kinds(vendor, note("x"), note("y")) == ["token_gone"] * 2

    async def test_a_failed_device_is_believed_to_be_gone_the_second_time(
        self, vendor: Honor, stand_in: DeskStandIn
    ) -> None:
        assert isinstance(stand_in.desk, HonorDesk)
        failing, well = same(stand_in, 2)
        stand_in.desk.failing.add(failing.token)

        assert await kinds(vendor, failing, well) == ["retry", "delivered"]
        assert await kinds(vendor, failing, well) == ["token_gone", "delivered"]

    async def test_a_success_in_between_clears_a_device(self, vendor: Honor, stand_in: DeskStandIn) -> None:
        assert isinstance(stand_in.desk, HonorDesk)
        device = note(stand_in.token(0))
        found = []
        for is_failing in (True, False, True):
            stand_in.desk.failing = {device.token} if is_failing else set()
            found += await kinds(vendor, device)

        assert found == ["retry", "delivered", "retry"]

    async def test_fields_arrive_where_the_phone_looks(self, vendor: Honor, stand_in: DeskStandIn) -> None:
        data = {"conversation": "group/a", "seq": 7}
        await send(vendor, note(stand_in.token(0), badge=120, data=data))

        [shown] = stand_in.phones.accepted
        assert (shown.badge, shown.thread, shown.data) == (99, "group/a", data)

    async def test_a_tap_can_open_an_intent_of_the_app(self, make_vendor: MakeVendor, stand_in: DeskStandIn) -> None:
        vendor = make_vendor(click_intent="intent://chat#Intent;scheme=app;S.push={data};end")

        await send(vendor, note(stand_in.token(0), data={"seq": 7}))

        intent = stand_in.phones.accepted[0].data["intent"]
        assert intent == "intent://chat#Intent;scheme=app;S.push=%7B%22seq%22%3A7%7D;end"

    @pytest.mark.parametrize(("urgency", "importance"), [("call", "NORMAL"), ("message", "NORMAL"), ("bulk", "LOW")])
    async def test_only_bulk_is_marketing(self, stand_in: DeskStandIn, urgency: Any, importance: str) -> None:
        body = build_body(note("t", urgency=urgency), Config.model_validate(stand_in.account()))

        assert body["android"]["notification"]["importance"] == importance

    async def test_another_app_is_the_operators_to_mend(self, make_vendor: MakeVendor, stand_in: DeskStandIn) -> None:
        [outcome] = await send(make_vendor(app_id="4711"), note(stand_in.token(0)))

        assert (outcome.kind, "app_id" in outcome.reason) == ("misconfigured", True)

    async def test_the_desk_is_strict(self, stand_in: DeskStandIn) -> None:
        account = stand_in.account()
        url = f"{stand_in.url}/api/v1/{account['app_id']}/sendMessage"
        form = {"grant_type": "client_credentials", **{key: account[key] for key in ("client_id", "client_secret")}}
        granted = (await post(account["token_url"], data=form)).json()["access_token"]
        now = stand_in.desk.clock.now_ms()
        good = {"Authorization": f"Bearer {granted}", "timestamp": str(now)}

        async def code(body: Any, headers: dict[str, str] = good) -> int:
            return int((await post(url, json=body, headers=headers)).json()["code"])

        tokens = [stand_in.token(0)]
        look = {"title": "a", "body": "b", "clickAction": {"type": 3}}

        def message(look: Any = look, token: Any = tokens, **android: Any) -> dict[str, Any]:
            return {"token": token, "android": {"notification": look, **android}}

        assert await code(message()) == 200
        assert await code(message(), {"timestamp": str(now)}) == 80200001
        assert await code(message(), {"Authorization": good["Authorization"]}) == 80100003
        assert await code(message(), good | {"timestamp": str(now - 900_000)}) == 80100003
        assert await code({"token": tokens, "data": "x" * 4096}) == 80300008
        assert await code(message(token=[f"t{n}" for n in range(1001)])) == 80300010
        assert await code(message(ttl="16d")) == 80100004
        assert await code(message(token=[])) == 80100001
        unfit: list[Any] = [
            message({**look, "clickAction": {"type": 1}}),
            message({**look, "title": "x" * 41}),
            message({**look, "importance": "HIGH"}),
            message({**look, "badge": {"setNum": 1}}),
            message({**look, "channelId": "chat"}),
            message({"title": "a", "body": "b"}),
            message(surprise=1),
            {"token": tokens},
            {"data": "{}"},
            [],
        ]
        for body in unfit:
            assert await code(body) == 80100003, json.dumps(body)
        assert (await post(url.replace(account["app_id"], "4711"), json={}, headers=good)).json()["code"] == 80300002
