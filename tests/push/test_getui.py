"""Getui: the conformance kit on its desk, and what is particular to it."""

import asyncio
import hashlib
from typing import Any

import pytest
from tests.push.conftest import MovableClock
from tests.push.desks import DeskContract, DeskStandIn, MakeVendor, note, post

from balefire import Notification, Outcome
from balefire_push_getui.vendor import CODES, Getui, Plugin
from balefire_push_sandbox.desks.getui import GetuiDesk


async def send(vendor: Getui, *notes: Notification) -> list[Outcome]:
    return list(await vendor.send_batch(notes))


def doors(stand_in: DeskStandIn) -> list[str]:
    return [request.door.rpartition("/")[2] for request in stand_in.server.requests]


class TestGetui(DeskContract):
    desk_type = GetuiDesk
    plugin = Plugin
    refreshes = True
    desk_retry_after_seconds = None

    async def test_different_texts_travel_in_one_call(self, vendor: Getui, stand_in: DeskStandIn) -> None:
        outcomes = await send(vendor, *(note(stand_in.token(n), id=f"n-{n}", body=f"text {n}") for n in range(50)))

        assert {outcome.kind for outcome in outcomes} == {"delivered"}
        assert doors(stand_in) == ["auth", "cid"]

    async def test_the_same_id_reaches_a_phone_once(self, vendor: Getui, stand_in: DeskStandIn) -> None:
        outcomes = [(await send(vendor, note(stand_in.token(0))))[0].kind for _ in range(2)]

        assert outcomes == ["delivered", "delivered"]
        assert len(stand_in.accepted) == 1

    async def test_one_token_serves_for_a_day(self, vendor: Getui, stand_in: DeskStandIn, clock: MovableClock) -> None:
        await asyncio.gather(*(send(vendor, note(stand_in.token(n), id=f"n-{n}")) for n in range(20)))
        clock.move(23 * 3600)
        await send(vendor, note(stand_in.token(0), id="later"))
        clock.move(3600)
        await send(vendor, note(stand_in.token(0), id="next day"))

        assert doors(stand_in).count("auth") == 2

    @pytest.mark.parametrize(("code", "error"), sorted(CODES.items()))
    async def test_each_code_has_its_outcome(self, vendor: Getui, stand_in: DeskStandIn, code: str, error: Any) -> None:
        stand_in.answer({"code": int(code), "msg": "secret words of theirs"})

        [outcome] = await send(vendor, note(stand_in.token(0)))

        assert outcome.kind == error.outcome
        assert outcome.reason.startswith(f"getui answered {code}")
        assert "secret words" not in outcome.reason

    async def test_states_of_single_devices_are_theirs_alone(self, vendor: Getui, stand_in: DeskStandIn) -> None:
        states = ["successed_offline", "successed_ignore", "target user is invalid", "no"]
        stand_in.answer({"code": 0, "data": {f"t{n}": {stand_in.token(n): s} for n, s in enumerate(states)}})

        outcomes = await send(vendor, *(note(stand_in.token(n), id=f"n-{n}") for n in range(5)))

        kinds = [outcome.kind for outcome in outcomes]
        assert kinds == ["delivered", "delivered", "token_gone", "rejected", "retry"]

    @pytest.mark.parametrize("setting", ["app_id", "app_key", "master_secret"])
    async def test_wrong_credentials_are_the_operators_to_mend(
        self, make_vendor: MakeVendor, stand_in: DeskStandIn, setting: str
    ) -> None:
        [outcome] = await send(make_vendor(**{setting: "wrong"}), note(stand_in.token(0)))

        assert outcome.kind == "misconfigured"
        assert "plugins.push-getui" in outcome.reason

    @pytest.mark.parametrize(("style", "push_type"), [("alert", "alert"), ("data", "background"), ("voip", "alert")])
    async def test_each_style_reaches_the_app(
        self, vendor: Getui, stand_in: DeskStandIn, style: Any, push_type: str
    ) -> None:
        await send(vendor, note(stand_in.token(0), style=style, badge=2, data={"seq": 1}))

        [shown] = stand_in.phones.accepted
        assert (shown.push_type, shown.data) == (push_type, {"seq": 1})

    @pytest.mark.parametrize("text", ["长" * 300, "👩‍👩‍👧‍👦" * 60, ""])
    async def test_texts_are_cut_to_what_getui_counts(self, vendor: Getui, stand_in: DeskStandIn, text: str) -> None:
        [outcome] = await send(vendor, note(stand_in.token(0), title=text, body=text))

        assert outcome.kind == "delivered", outcome.reason

    async def test_a_bad_one_does_not_hold_up_its_neighbours(self, vendor: Getui, stand_in: DeskStandIn) -> None:
        notes = [note(stand_in.token(n), id=f"n-{n}") for n in range(6)]
        notes[1] = note(stand_in.token(1), id="n-1", data={"blob": "x" * 4000})
        notes[4] = note(stand_in.token(4), id="n-4", category="x" * 200)

        outcomes = await send(vendor, *notes)

        kinds = [outcome.kind for outcome in outcomes]
        assert kinds == ["delivered", "rejected", "delivered", "delivered", "rejected", "delivered"]

    async def test_the_desk_is_strict(self, stand_in: DeskStandIn, clock: MovableClock) -> None:
        account = stand_in.account()
        base = f"{stand_in.url}/v2/{account['app_id']}"

        async def auth(stamp: int | None = None, **changes: Any) -> Any:
            now = str(stamp or clock.now_ms())
            sign = hashlib.sha256((account["app_key"] + now + account["master_secret"]).encode()).hexdigest()
            body = {"sign": sign, "timestamp": now, "appkey": account["app_key"]}
            return (await post(f"{base}/auth", json=body | changes)).json()

        assert (await auth(sign="x"))["code"] == 10004
        assert (await auth(clock.now_ms() - 700_000))["code"] == 10004
        token = (await auth())["data"]["token"]

        async def code(*, count: int = 1, key: str = token, **changes: Any) -> int:
            message = {
                "request_id": "r" * 10,
                "audience": {"cid": [stand_in.token(0)]},
                "push_message": {"transmission": "{}"},
            }
            body = {"is_async": False, "msg_list": [message | changes] * count}
            answer = await post(f"{base}/push/single/batch/cid", json=body, headers={"token": key})
            return int(answer.json()["code"])

        assert await code() == 0
        assert await code(key="x") == 10001
        assert await code(count=201) == 20001
        assert await code(request_id="short") == 20001
        assert await code(surprise=1) == 20001
        assert await code(push_message={}) == 20001
        assert await code(settings={"ttl": 10**9}) == 20001
        title = {"title": "t" * 51, "body": "b", "click_type": "none"}
        assert await code(push_message={"notification": title}) == 20001
