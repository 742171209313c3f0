"""Huawei: the conformance kit on its desk, and what is particular to HMS Push Kit."""

import json
from typing import Any

import pytest
from tests.push.desks import DeskStandIn, MakeVendor, note, post
from tests.push.hms_family import GrantingContract, check_code, kinds, same, send

from balefire_push_huawei.message import build_body
from balefire_push_huawei.plugin import Plugin
from balefire_push_huawei.settings import CATEGORIES, Config
from balefire_push_huawei.vendor import CODES, Huawei
from balefire_push_sandbox.desks.huawei import HuaweiDesk


class TestHuawei(GrantingContract):
    desk_type = HuaweiDesk
    plugin = Plugin
    send_door = "/{version:v[12]}/{account}/messages:send"
    token_door = "/oauth2/v3/token"

    @pytest.mark.parametrize(("code", "error"), sorted(CODES.items()))
    async def test_each_code_has_its_outcome(
        self, vendor: Huawei, stand_in: DeskStandIn, code: str, error: Any
    ) -> None:
        await check_code(vendor, stand_in, code, error)

    @pytest.mark.parametrize("msg", ["", "not json", "[]", '{"illegal_tokens": 7}', '{"illegal_tokens": [7]}', None])
    async def test_what_was_taken_in_part_is_not_sent_again(
        self, vendor: Huawei, stand_in: DeskStandIn, msg: str | None
    ) -> None:
        stand_in.answer({"code": "80100000", "msg": msg, "requestId": "1"})

        assert await kinds(vendor, *same(stand_in, 2)) == ["delivered"] * 2

    async def test_all_may_be_gone(self, vendor: Huawei) -> None:
        outcomes = await send(vendor, note("x"), note("y"))

        assert [(outcome.kind, outcome.reason) for outcome in outcomes] == [
            ("token_gone", "huawei answered 80300007")
        ] * 2

    async def test_version_two_goes_by_project(self, make_vendor: MakeVendor, stand_in: DeskStandIn) -> None:
        project = stand_in.desk.kept_secrets()["project_id"]

        assert await kinds(make_vendor(project_id=project), note(stand_in.token(0))) == ["delivered"]
        assert await kinds(make_vendor(project_id="4711"), note(stand_in.token(0))) == ["misconfigured"]

    async def test_fields_arrive_where_the_phone_looks(self, vendor: Huawei, stand_in: DeskStandIn) -> None:
        data = {"conversation": "group/a", "seq": 7}
        for sound in ("bell", "default", ""):
            await send(vendor, note(stand_in.token(0), badge=120, sound=sound, data=data))

        sounds = [shown.sound for shown in stand_in.phones.accepted]
        shown = stand_in.phones.accepted[0]
        assert sounds == ["/raw/bell", "default", ""]
        assert (shown.badge, shown.thread, shown.data) == (99, "group/a", data)

    async def test_a_tap_can_open_an_intent_of_the_app(self, make_vendor: MakeVendor, stand_in: DeskStandIn) -> None:
        vendor = make_vendor(click_intent="intent://chat#Intent;scheme=app;S.push={data};end")

        await send(vendor, note(stand_in.token(0), data={"conversation": "私聊"}))

        intent = stand_in.phones.accepted[0].data["intent"]
        assert (
            intent == "intent://chat#Intent;scheme=app;S.push=%7B%22conversation%22%3A%22%E7%A7%81%E8%81%8A%22%7D;end"
        )

    async def test_without_a_launcher_activity_there_are_no_badges(
        self, make_vendor: MakeVendor, stand_in: DeskStandIn
    ) -> None:
        notes = [note(stand_in.token(number), badge=number) for number in range(5)]

        await send(make_vendor(badge_class=None), *notes)

        assert {shown.badge for shown in stand_in.phones.accepted} == {None}
        assert self.calls(stand_in) == 1, "what is the same without the badge travels together"

    async def test_urgent_data_needs_huaweis_permission(self, make_vendor: MakeVendor, stand_in: DeskStandIn) -> None:
        assert isinstance(stand_in.desk, HuaweiDesk)
        vendor, call = make_vendor(urgent_data=True), note(stand_in.token(0), style="voip", urgency="call")

        [without] = await send(vendor, call)
        stand_in.desk.may_be_urgent = True
        [having] = await send(vendor, call)

        assert (without.kind, having.kind) == ("misconfigured", "delivered")
        assert "urgent_data" in without.reason

    async def test_a_sensitive_text_ends_the_message_only(self, vendor: Huawei, stand_in: DeskStandIn) -> None:
        found = await kinds(vendor, note(stand_in.token(0), body="forbidden"), note(stand_in.token(1)))

        assert found == ["rejected", "delivered"]

    @pytest.mark.parametrize(
        ("fields", "category"),
        [
            ({}, "IM"),
            ({"urgency": "call"}, "VOIP"),
            ({"urgency": "bulk"}, "MARKETING"),
            ({"category": "order"}, "EXPRESS"),
            ({"category": "unheard of"}, "IM"),
        ],
    )
    async def test_categories_go_by_what_you_call_them_and_else_by_urgency(
        self, stand_in: DeskStandIn, fields: dict[str, Any], category: str
    ) -> None:
        settings = {**stand_in.account(), "categories": {**CATEGORIES, "order": "EXPRESS"}}

        body = build_body(note("t", **fields), Config.model_validate(settings))

        assert body["message"]["android"]["category"] == category

    async def test_the_desk_is_strict(self, stand_in: DeskStandIn) -> None:
        account = stand_in.account()
        url = f"{stand_in.url}/v1/{account['client_id']}/messages:send"
        form = {"grant_type": "client_credentials", **{key: account[key] for key in ("client_id", "client_secret")}}
        for wrong in ({"grant_type": "password"}, {"client_id": "1"}, {"client_secret": "1"}):
            assert (await post(account["token_url"], data=form | wrong)).status_code == 400, wrong
        bearer = {"Authorization": f"Bearer {(await post(account['token_url'], data=form)).json()['access_token']}"}

        async def code(body: Any, headers: dict[str, str] = bearer) -> str:
            return str((await post(url, json=body, headers=headers)).json()["code"])

        tokens = [stand_in.token(0)]
        look = {"title": "a", "body": "b", "click_action": {"type": 3}}

        def message(look: Any = look, token: Any = tokens, **android: Any) -> dict[str, Any]:
            return {"message": {"token": token, "android": {"notification": look, **android}}}

        assert await code(message()) == "80000000"
        assert await code({**message(), "validate_only": True}) == "80000000"
        assert stand_in.phones.count == 1
        assert await code(message(), {}) == "80200001"
        assert await code(message(), {"Authorization": "Bearer nonsense"}) == "80200001"
        assert await code({"message": {"token": tokens, "data": "x" * 4096}}) == "80300008"
        assert await code(message(token=[f"t{n}" for n in range(1001)])) == "80300010"
        assert await code(message(urgency="HIGH")) == "80300011"
        for ttl in ("60", "0s", "1296001s", "x"):
            assert await code(message(ttl=ttl)) == "80100004", ttl
        assert await code(message(collapse_key=101)) == "80100013"
        unsaid: list[dict[str, Any]] = [{"token": tokens, "topic": "both"}, {}, {"token": tokens * 2}, {"token": []}]
        for targets in unsaid:
            assert await code({"message": {"data": "{}", **targets}}) == "80100001", targets
        unfit: list[Any] = [
            message({**look, "click_action": {"type": 1}}),
            message({**look, "click_action": {"type": 2, "url": "http://a"}}),
            message({**look, "title": ""}),
            message({**look, "body": "x" * 257}),
            message({**look, "badge": {"set_num": 1}}),
            message({**look, "badge": {"set_num": 100, "class": "a"}}),
            message({"title": "a", "body": "b"}),
            message(category="CHAT"),
            message(surprise=1),
            {"message": {"token": tokens}},
            {"surprise": 1},
            [],
        ]
        for body in unfit:
            assert await code(body) == "80100003", json.dumps(body)
