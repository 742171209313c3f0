"""FCM: the conformance kit on its desk, and what is particular to Google."""

import asyncio
import json
from typing import Any

import jwt
import pytest
from tests.push.conftest import MovableClock
from tests.push.desks import DeskContract, DeskStandIn, MakeVendor, note, post

from balefire import AuthExpired, Misconfigured, NotificationRejected, RateLimited, TokenRejected, TryLater
from balefire_push_fcm.plugin import Plugin
from balefire_push_fcm.vendor import Fcm
from balefire_push_sandbox.desks.fcm import FcmDesk
from balefire_push_sandbox.faults import Fault


class TestFcm(DeskContract):
    desk_type = FcmDesk
    plugin = Plugin
    refreshes = True

    async def test_fifty_at_once_fetch_one_access_token(self, vendor: Fcm, stand_in: DeskStandIn) -> None:
        await asyncio.gather(*(vendor.send(note(stand_in.token(number))) for number in range(50)))

        doors = [request.door for request in stand_in.server.requests]
        assert doors.count("/token") == 1

    async def test_an_access_token_is_renewed_before_it_ends(
        self, vendor: Fcm, stand_in: DeskStandIn, clock: MovableClock
    ) -> None:
        await vendor.send(note(stand_in.token(0)))
        clock.move(3400)
        await vendor.send(note(stand_in.token(0)))

        assert [r.door for r in stand_in.server.requests].count("/token") == 2
        assert {r.status for r in stand_in.server.requests} == {200}

    async def test_fields_arrive_where_the_phone_looks(self, vendor: Fcm, stand_in: DeskStandIn) -> None:
        await vendor.send(
            note(
                stand_in.token(0), badge=3, sound="bell", collapse_key="m1", data={"conversation": "group/a", "seq": 7}
            )
        )

        [shown] = stand_in.phones.accepted
        assert (shown.badge, shown.sound, shown.collapse_id, shown.thread) == (3, "bell", "m1", "group/a")
        assert shown.data == {"conversation": "group/a", "seq": "7"}

    async def test_a_repeat_replaces_what_is_shown(self, vendor: Fcm, stand_in: DeskStandIn) -> None:
        for _ in range(2):
            await vendor.send(note(stand_in.token(0), collapse_key="m1"))

        assert len(stand_in.phones.screen("phone-0")) == 1

    @pytest.mark.parametrize(("style", "push_type"), [("data", "background"), ("voip", "voip"), ("alert", "alert")])
    async def test_each_style_reaches_the_app(
        self, vendor: Fcm, stand_in: DeskStandIn, style: Any, push_type: str
    ) -> None:
        await vendor.send(note(stand_in.token(0), style=style, data={"call": "c1"}))

        assert [shown.push_type for shown in stand_in.phones.accepted] == [push_type]

    async def test_google_s_own_names_are_left_out_of_the_data(self, vendor: Fcm, stand_in: DeskStandIn) -> None:
        await vendor.send(note(stand_in.token(0), data={"from": "x", "google.c": "y", "kept": "z"}))

        assert stand_in.phones.accepted[0].data == {"kept": "z"}

    async def test_data_that_is_too_large_is_rejected_for_good(self, vendor: Fcm, stand_in: DeskStandIn) -> None:
        with pytest.raises(NotificationRejected, match="too large"):
            await vendor.send(note(stand_in.token(0), data={"blob": "x" * 5000}))

    async def test_a_token_that_never_was_one_is_gone(self, vendor: Fcm) -> None:
        with pytest.raises(TokenRejected):
            await vendor.send(note("nonsense"))

    async def test_without_retry_after_google_is_left_alone_for_a_minute(
        self, vendor: Fcm, stand_in: DeskStandIn
    ) -> None:
        stand_in.faults.add(Fault(kind="answer", status=429))

        with pytest.raises(RateLimited) as caught:
            await vendor.send(note(stand_in.token(0)))

        assert caught.value.retry_after_seconds == 60

    async def test_another_projects_account_is_the_operators_to_mend(
        self, make_vendor: MakeVendor, stand_in: DeskStandIn
    ) -> None:
        text = stand_in.account()["service_account"]
        vendor = make_vendor(service_account=text.replace("sandbox-", "other-"))

        with pytest.raises(Misconfigured, match="service_account"):
            await vendor.send(note(stand_in.token(0)))

    @pytest.mark.parametrize("text", ["", "{}", "[1]", "not json", '{"private_key": 1}'])
    async def test_a_key_that_is_none_is_named(self, make_vendor: MakeVendor, stand_in: DeskStandIn, text: str) -> None:
        vendor = make_vendor(service_account=text or None, account_file=None if text else "missing.json")

        with pytest.raises((Misconfigured, TryLater)):
            await vendor.send(note(stand_in.token(0)))

    async def test_a_refused_access_token_is_replaced(self, vendor: Fcm, stand_in: DeskStandIn) -> None:
        await vendor.send(note(stand_in.token(0)))
        stand_in.behave("refuse_credentials", times=1)

        with pytest.raises(AuthExpired):
            await vendor.send(note(stand_in.token(0)))
        await vendor.send(note(stand_in.token(0)))

        assert [r.door for r in stand_in.server.requests].count("/token") == 2

    async def test_the_desk_is_strict(self, stand_in: DeskStandIn) -> None:
        service = json.loads(stand_in.account()["service_account"])
        url = f"{stand_in.url}/v1/projects/{service['project_id']}/messages:send"
        assert (await post(url, json={})).status_code == 401

        now = stand_in.desk.clock.now_ms() // 1000
        claims = {
            "iss": service["client_email"],
            "scope": "https://www.googleapis.com/auth/firebase.messaging",
            "aud": service["token_uri"],
            "iat": now,
            "exp": now + 3600,
        }

        async def exchange(**changes: Any) -> Any:
            assertion = jwt.encode(
                claims | changes, service["private_key"], "RS256", headers={"kid": service["private_key_id"]}
            )
            form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
            return await post(service["token_uri"], data=form)

        for wrong in ({"aud": "x"}, {"exp": now + 7200}, {"iat": now + 900, "exp": now + 1000}, {"scope": "mail"}):
            assert (await exchange(**wrong)).status_code == 400, wrong
        bearer = {"Authorization": f"Bearer {(await exchange()).json()['access_token']}"}
        token = stand_in.token(0)

        def refused(message: Any) -> Any:
            return post(url, json={"message": message}, headers=bearer)

        for wrong_message in (
            {"token": token, "topic": "both"},
            {"token": token, "data": {"n": 1}},
            {"token": token, "data": {"from": "x"}},
            {"token": token, "android": {"ttl": "60"}},
            {"token": token, "surprise": 1},
            {"token": token, "data": {"x": "y" * 4096}},
            {},
        ):
            answer = await refused(wrong_message)
            assert answer.status_code == 400, wrong_message
            assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"
        assert (await refused({"token": token, "data": {"n": "1"}})).status_code == 200
