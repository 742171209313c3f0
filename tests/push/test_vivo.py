"""vivo: the conformance kit on its desk, and what is particular to it."""

import asyncio
import hashlib
from typing import Any

import pytest
from tests.push.conftest import MovableClock
from tests.push.desks import DeskContract, DeskStandIn, MakeVendor, note, post

from balefire import Notification, Outcome
from balefire_push_sandbox.desks.vivo import VivoDesk
from balefire_push_vivo.vendor import CODES, Plugin, Vivo


async def send(vendor: Vivo, *notes: Notification) -> list[Outcome]:
    return list(await vendor.send_batch(notes))


def doors(stand_in: DeskStandIn) -> list[str]:
    return [request.door.rpartition("/")[2] for request in stand_in.server.requests]


def same_text(stand_in: DeskStandIn, count: int) -> list[Notification]:
    return [note(stand_in.token(n), id=f"n-{n}", collapse_key="m1") for n in range(count)]


class TestVivo(DeskContract):
    desk_type = VivoDesk
    plugin = Plugin
    refreshes = True
    desk_retry_after_seconds = None

    async def test_the_same_text_goes_out_as_a_list(self, vendor: Vivo, stand_in: DeskStandIn) -> None:
        outcomes = await send(vendor, *same_text(stand_in, 50))

        assert {outcome.kind for outcome in outcomes} == {"delivered"}
        assert doors(stand_in) == ["auth", "saveListPayload", "pushToList"]
        assert len(stand_in.accepted) == 50

    async def test_a_list_says_which_devices_are_gone(self, vendor: Vivo, stand_in: DeskStandIn) -> None:
        stand_in.dead_tokens.add(stand_in.token(2))

        outcomes = await send(vendor, *same_text(stand_in, 4))

        assert [outcome.kind for outcome in outcomes] == ["delivered", "delivered", "token_gone", "delivered"]

    async def test_a_repeated_list_reaches_nobody_twice(self, vendor: Vivo, stand_in: DeskStandIn) -> None:
        for _ in range(2):
            outcomes = await send(vendor, *same_text(stand_in, 4))

        assert {outcome.kind for outcome in outcomes} == {"delivered"}
        assert len(stand_in.accepted) == 4

    async def test_a_repeated_message_reaches_nobody_twice(self, vendor: Vivo, stand_in: DeskStandIn) -> None:
        outcomes = [(await send(vendor, note(stand_in.token(0))))[0].kind for _ in range(2)]

        assert outcomes == ["delivered", "delivered"]
        assert len(stand_in.accepted) == 1

    async def test_one_token_serves_for_two_hours(
        self, vendor: Vivo, stand_in: DeskStandIn, clock: MovableClock
    ) -> None:
        await asyncio.gather(*(send(vendor, note(stand_in.token(n), id=f"n-{n}")) for n in range(20)))
        clock.move(7000)
        await send(vendor, note(stand_in.token(0), id="later"))
        clock.move(300)
        await send(vendor, note(stand_in.token(0), id="after two hours"))

        assert doors(stand_in).count("auth") == 2

    @pytest.mark.parametrize(("code", "error"), sorted(CODES.items()))
    async def test_each_code_has_its_outcome(self, vendor: Vivo, stand_in: DeskStandIn, code: str, error: Any) -> None:
        stand_in.answer({"result": int(code), "desc": "secret words of theirs"})

        [outcome] = await send(vendor, note(stand_in.token(0)))

        assert outcome.kind == error.outcome
        assert outcome.reason.startswith(f"vivo answered {code}")
        assert "secret words" not in outcome.reason

    @pytest.mark.parametrize(
        ("status", "kind"), [(1, "token_gone"), (2, "token_gone"), (3, "rejected"), (4, "rejected")]
    )
    async def test_each_status_of_a_device_has_its_outcome(
        self, vendor: Vivo, stand_in: DeskStandIn, status: int, kind: str
    ) -> None:
        stand_in.answer({"result": 0, "invalidUser": {"userid": stand_in.token(0), "status": status}})

        assert [outcome.kind for outcome in await send(vendor, note(stand_in.token(0)))] == [kind]

    async def test_a_spent_quota_waits_for_midnight_in_shanghai(
        self, vendor: Vivo, stand_in: DeskStandIn, clock: MovableClock
    ) -> None:
        stand_in.answer({"result": 10073})

        [outcome] = await send(vendor, note(stand_in.token(0)))

        assert outcome.after_seconds is not None
        until = clock.now_ms() / 1000 + outcome.after_seconds
        assert abs((until + 8 * 3600) % 86_400) < 5 or abs((until + 8 * 3600) % 86_400 - 86_400) < 5

    @pytest.mark.parametrize("setting", ["app_id", "app_key", "app_secret"])
    async def test_wrong_credentials_are_named(
        self, make_vendor: MakeVendor, stand_in: DeskStandIn, setting: str
    ) -> None:
        [outcome] = await send(make_vendor(**{setting: "wrong"}), note(stand_in.token(0)))

        assert outcome.kind == "misconfigured"
        assert "plugins.push-vivo" in outcome.reason

    async def test_vivo_shows_everything_so_silent_data_is_rejected(self, vendor: Vivo, stand_in: DeskStandIn) -> None:
        outcomes = await send(
            vendor, note(stand_in.token(0), style="data"), note(stand_in.token(1), id="n-2", style="voip")
        )

        assert [outcome.kind for outcome in outcomes] == ["rejected", "delivered"]

    async def test_fields_arrive_and_a_repeat_replaces(self, vendor: Vivo, stand_in: DeskStandIn) -> None:
        await send(vendor, note(stand_in.token(0), data={"conversation": "group/a", "seq": 1}, collapse_key="m1"))
        await send(vendor, note(stand_in.token(0), id="n-2", collapse_key="m1"))

        assert stand_in.phones.accepted[0].data == {"conversation": "group/a", "seq": 1}
        assert len(stand_in.phones.screen("phone-0")) == 1

    @pytest.mark.parametrize("text", ["长" * 60, "a b" * 100, "👩‍👩‍👧‍👦" * 40, ""])
    async def test_texts_are_cut_to_what_vivo_counts(self, vendor: Vivo, stand_in: DeskStandIn, text: str) -> None:
        [outcome] = await send(vendor, note(stand_in.token(0), title=text, body=text))

        assert outcome.kind == "delivered", outcome.reason

    async def test_words_like_a_test_are_refused(self, vendor: Vivo, stand_in: DeskStandIn) -> None:
        [outcome] = await send(vendor, note(stand_in.token(0), body="12345"))

        assert outcome.kind == "rejected"
        assert "only digits" in outcome.reason

    async def test_data_beyond_the_limit_are_rejected(self, vendor: Vivo, stand_in: DeskStandIn) -> None:
        [outcome] = await send(vendor, note(stand_in.token(0), data={"blob": "x" * 1100}))

        assert outcome.kind == "rejected"

    async def test_the_desk_is_strict(self, stand_in: DeskStandIn, clock: MovableClock) -> None:
        account = stand_in.account()

        async def auth(stamp: int | None = None, **changes: Any) -> Any:
            stamp = stamp or clock.now_ms()
            text = f"{account['app_id']}{account['app_key']}{stamp}{account['app_secret']}"
            body = {"appId": account["app_id"], "appKey": account["app_key"], "timestamp": stamp}
            body["sign"] = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
            return (await post(f"{stand_in.url}/message/auth", json=body | changes)).json()

        assert (await auth(appId="1"))["result"] == 10094
        assert (await auth(sign="x"))["result"] == 10000
        assert (await auth(clock.now_ms() - 700_000))["result"] == 10000
        token = (await auth())["authToken"]

        async def code(path: str = "send", *, key: str = token, **changes: Any) -> int:
            body = {
                "regId": stand_in.token(0),
                "title": "t",
                "content": "some words",
                "notifyType": 4,
                "skipType": 1,
                "classification": 1,
                "category": "IM",
                "requestId": "r-1",
            }
            answer = await post(f"{stand_in.url}/message/{path}", json=body | changes, headers={"authToken": key})
            return int(answer.json()["result"])

        assert await code() == 0
        assert await code() == 10090
        assert await code(key="x") == 10000
        assert await code(requestId="r" * 65) == 10055
        assert await code(surprise=1) == 10055
        assert await code(requestId="r-2", title="长" * 21) == 10056
        assert await code(requestId="r-2", content="长" * 51) == 10058
        assert await code(requestId="r-2", classification=0) == 10062
        assert await code(requestId="r-2", timeToLive=30) == 10055
        assert await code(requestId="r-2", regId="v2-nobody") == 10302
        assert await code("pushToList", taskId="1", regIds=[stand_in.token(0)]) == 10055
