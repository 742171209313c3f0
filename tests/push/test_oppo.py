"""OPPO: the conformance kit on its desk, and what is particular to it."""

import asyncio
import hashlib
import json
from typing import Any

import pytest
from tests.push.conftest import MovableClock
from tests.push.desks import DeskContract, DeskStandIn, MakeVendor, note, post

from balefire import Notification, Outcome
from balefire_push_oppo.vendor import CODES, Oppo, Plugin
from balefire_push_sandbox.desks.oppo import OppoDesk


async def send(vendor: Oppo, *notes: Notification) -> list[Outcome]:
    return list(await vendor.send_batch(notes))


def doors(stand_in: DeskStandIn) -> list[str]:
    return [request.door.rpartition("/")[2] for request in stand_in.server.requests]


class TestOppo(DeskContract):
    desk_type = OppoDesk
    plugin = Plugin
    refreshes = True
    desk_retry_after_seconds = None

    async def test_different_texts_travel_in_one_call(self, vendor: Oppo, stand_in: DeskStandIn) -> None:
        notes = [note(stand_in.token(n), id=f"n-{n}", body=f"text {n}") for n in range(50)]

        outcomes = await send(vendor, *notes)

        assert {outcome.kind for outcome in outcomes} == {"delivered"}
        assert [accepted.body for accepted in stand_in.accepted] == [f"text {n}" for n in range(50)]
        assert doors(stand_in) == ["auth", "unicast_batch"]

    async def test_the_same_id_reaches_a_phone_once(self, vendor: Oppo, stand_in: DeskStandIn) -> None:
        outcomes = [(await send(vendor, note(stand_in.token(0))))[0] for _ in range(2)]

        assert [outcome.kind for outcome in outcomes] == ["delivered", "delivered"]
        assert len(stand_in.accepted) == 1

    async def test_one_token_serves_for_nearly_a_day(
        self, vendor: Oppo, stand_in: DeskStandIn, clock: MovableClock
    ) -> None:
        await asyncio.gather(*(send(vendor, note(stand_in.token(n), id=f"n-{n}")) for n in range(20)))
        clock.move(22 * 3600)
        await send(vendor, note(stand_in.token(0), id="later"))
        clock.move(2 * 3600)
        await send(vendor, note(stand_in.token(0), id="next day"))

        assert doors(stand_in).count("auth") == 2

    @pytest.mark.parametrize(("code", "error"), sorted(CODES.items()))
    async def test_each_code_has_its_outcome(self, vendor: Oppo, stand_in: DeskStandIn, code: str, error: Any) -> None:
        stand_in.answer({"code": int(code), "message": "secret words of theirs"})

        [outcome] = await send(vendor, note(stand_in.token(0)))

        assert outcome.kind == error.outcome
        assert outcome.reason.startswith(f"oppo answered {code}")
        assert "secret words" not in outcome.reason

    async def test_codes_of_single_targets_are_theirs_alone(self, vendor: Oppo, stand_in: DeskStandIn) -> None:
        codes = [None, 0, 32, 10000, 33, 99999]
        entries = [
            {"registrationId": stand_in.token(n), "messageId": "m"} | ({} if code is None else {"errorCode": code})
            for n, code in enumerate(codes)
        ]
        stand_in.answer({"code": 0, "data": entries})

        outcomes = await send(vendor, *(note(stand_in.token(n), id=f"n-{n}") for n in range(7)))

        kinds = [outcome.kind for outcome in outcomes]
        assert kinds == ["delivered", "delivered", "delivered", "token_gone", "quota", "rejected", "retry"]

    async def test_a_refused_token_is_replaced(self, vendor: Oppo, stand_in: DeskStandIn) -> None:
        await send(vendor, note(stand_in.token(0)))
        stand_in.behave("refuse_credentials", times=1)

        [refused] = await send(vendor, note(stand_in.token(0), id="n-2"))
        [after] = await send(vendor, note(stand_in.token(0), id="n-2"))

        assert (refused.kind, after.kind) == ("auth_expired", "delivered")
        assert doors(stand_in).count("auth") == 2

    @pytest.mark.parametrize("setting", ["app_key", "master_secret"])
    async def test_wrong_credentials_are_named(
        self, make_vendor: MakeVendor, stand_in: DeskStandIn, setting: str
    ) -> None:
        [outcome] = await send(make_vendor(**{setting: "wrong"}), note(stand_in.token(0)))

        assert outcome.kind == "misconfigured"
        assert f"plugins.push-oppo.{setting}" in outcome.reason

    async def test_oppo_shows_everything_so_silent_data_is_rejected(self, vendor: Oppo, stand_in: DeskStandIn) -> None:
        outcomes = await send(
            vendor, note(stand_in.token(0), style="data"), note(stand_in.token(1), id="n-2", style="voip")
        )

        assert [outcome.kind for outcome in outcomes] == ["rejected", "delivered"]

    async def test_fields_arrive(self, vendor: Oppo, stand_in: DeskStandIn) -> None:
        await send(vendor, note(stand_in.token(0), badge=4, data={"conversation": "group/a"}, collapse_key="m1"))
        await send(vendor, note(stand_in.token(0), id="n-2", collapse_key="m1"))

        first = stand_in.phones.accepted[0]
        assert (first.badge, first.thread) == (4, "group/a")
        assert len(stand_in.phones.screen("phone-0")) == 1

    @pytest.mark.parametrize("text", ["长" * 60, "长" * 300, "👩‍👩‍👧‍👦" * 40, ""])
    async def test_texts_are_cut_to_what_oppo_counts(self, vendor: Oppo, stand_in: DeskStandIn, text: str) -> None:
        [outcome] = await send(vendor, note(stand_in.token(0), title=text, body=text))

        assert outcome.kind == "delivered", outcome.reason

    async def test_data_beyond_the_limit_are_rejected(self, vendor: Oppo, stand_in: DeskStandIn) -> None:
        [outcome] = await send(vendor, note(stand_in.token(0), data={"blob": "x" * 4000}))

        assert outcome.kind == "rejected"

    async def test_the_desk_is_strict(self, stand_in: DeskStandIn, clock: MovableClock) -> None:
        account = stand_in.account()
        stamp = str(clock.now_ms())

        async def auth(timestamp: str = stamp, **changes: str) -> Any:
            text = account["app_key"] + timestamp + account["master_secret"]
            form = {"app_key": account["app_key"], "timestamp": timestamp}
            form["sign"] = hashlib.sha256(text.encode()).hexdigest()
            return (await post(f"{stand_in.url}/server/v1/auth", data=form | changes)).json()

        assert (await auth(app_key="x"))["code"] == 14
        assert (await auth(sign="x"))["code"] == 15
        assert (await auth(str(clock.now_ms() - 700_000)))["code"] == 18
        token = (await auth())["data"]["auth_token"]

        async def code(*, count: int = 1, headers: dict[str, str] | None = None, **changes: Any) -> int:
            fields = {"title": "t", "content": "c"} | changes
            target = {"target_type": 2, "target_value": stand_in.token(0), "notification": fields}
            url = f"{stand_in.url}/server/v1/message/notification/unicast_batch"
            sent = {"auth_token": token} if headers is None else headers
            answer = await post(url, data={"messages": json.dumps([target] * count)}, headers=sent)
            return int(answer.json()["code"])

        assert await code() == 0
        assert await code(headers={}) == 29
        assert await code(headers={"auth_token": "x"}) == 11
        assert await code(count=1001) == 41
        assert await code(title="t" * 51) == 41
        assert await code(content="c" * 51) == 41
        assert await code(content="c" * 128, style=2) == 0
        assert await code(surprise=1) == 40
        assert await code(off_line_ttl=20 * 86_400) == 40
        assert await code(channel_id="nobody's") == 67
        assert await code(notify_level=2) == 67
        assert await code(notify_level=16, category="IM") == 31
