"""HarmonyOS NEXT: the conformance kit on its desk, and what is particular to Push Kit v3."""

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import jwt
import pytest
from tests.push.conftest import MovableClock
from tests.push.desks import DeskStandIn, MakeVendor, note, open_desk, post, vendors
from tests.push.hms_family import FamilyContract, check_code, kinds, same, send

from balefire import read_rsa_key
from balefire.testing.push_vendor import attempt
from balefire_push_harmony import signing
from balefire_push_harmony.plugin import Plugin
from balefire_push_harmony.vendor import ALL_ILLEGAL, CODES, REASONS, Harmony
from balefire_push_sandbox.desks.harmony import AUDIENCE, HarmonyDesk
from balefire_push_sandbox.phones import Phone


@pytest.fixture
def read_in(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """The threads in which a private key was read."""
    threads: list[threading.Thread] = []

    def read(plugin: str, pem: str) -> Any:
        threads.append(threading.current_thread())
        return read_rsa_key(plugin, pem)

    monkeypatch.setattr(signing, "read_rsa_key", read)
    return threads


class SmallKeyDesk(HarmonyDesk):
    """Most tests are not about the key, and a large one takes a quarter of a second to read."""

    key_bits = 2048


class TestHarmony(FamilyContract):
    desk_type = SmallKeyDesk
    plugin = Plugin
    send_door = "/v3/{project}/messages:send"

    # -- answers -----------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(("code", "error"), sorted(CODES.items()))
    async def test_each_code_has_its_outcome(
        self, vendor: Harmony, stand_in: DeskStandIn, code: str, error: Any
    ) -> None:
        await check_code(vendor, stand_in, code, error)

    @pytest.mark.parametrize(("reason", "error"), sorted(REASONS.items()))
    @pytest.mark.parametrize("code", ["80100000", ALL_ILLEGAL])
    async def test_each_reason_has_its_outcome(
        self, vendor: Harmony, stand_in: DeskStandIn, code: str, reason: str, error: Any
    ) -> None:
        notes = same(stand_in, 2)
        counts = {"success": 1, "failure": 1, "illegalTokens": {reason: [notes[1].token]}}
        stand_in.answer({"code": code, "msg": json.dumps(counts), "requestId": "1"})

        first, second = await send(vendor, *notes)

        assert first.kind == ("delivered" if code == "80100000" else "token_gone")
        assert second.kind == error.outcome
        assert second.reason.startswith(f"harmony answered {reason}")

    async def test_a_reason_nobody_knows_ends_the_message_only_and_is_not_repeated(
        self, vendor: Harmony, stand_in: DeskStandIn
    ) -> None:
        token = stand_in.token(0)
        stand_in.answer({"code": "80100000", "msg": json.dumps({"illegalTokens": {f"odd {token}": [token]}})})

        [outcome] = await send(vendor, note(token))

        assert (outcome.kind, outcome.reason) == ("rejected", "harmony answered an undocumented reason")

    @pytest.mark.parametrize(
        "msg", ["", "no json", "[]", '{"illegalTokens": 7}', '{"illegalTokens": {"noRight": 7, "x": [7]}}', None]
    )
    async def test_what_was_taken_in_part_is_not_sent_again(
        self, vendor: Harmony, stand_in: DeskStandIn, msg: str | None
    ) -> None:
        stand_in.answer({"code": "80100000", "msg": msg})

        assert await kinds(vendor, *same(stand_in, 2)) == ["delivered"] * 2

    async def test_all_may_be_gone(self, vendor: Harmony) -> None:
        assert await kinds(vendor, note("x"), note("y")) == ["token_gone"] * 2

    async def test_a_device_that_went_back_to_android_is_gone(self, vendor: Harmony, stand_in: DeskStandIn) -> None:
        stand_in.phones.add(Phone(id="old", token="IQAAAACy", voip_token="", topic="", vendor="huawei"))

        [outcome] = await send(vendor, note("IQAAAACy"))

        assert (outcome.kind, outcome.reason) == ("token_gone", "harmony answered tokenPlatformNotSupport")

    async def test_where_all_belong_to_another_project_no_token_is_to_blame(
        self, vendor: Harmony, stand_in: DeskStandIn
    ) -> None:
        notes = same(stand_in, 3)
        stand_in.dead_tokens.add(notes[0].token)
        assert await kinds(vendor, notes[0]) == ["token_gone"]

        for dead in notes[1:]:
            stand_in.dead_tokens.add(dead.token)

        outcomes = await send(vendor, *notes)
        assert [outcome.kind for outcome in outcomes] == ["misconfigured"] * 3
        assert "service_account" in outcomes[0].reason

    async def test_calls_need_huaweis_permission(self, vendor: Harmony, stand_in: DeskStandIn) -> None:
        assert isinstance(stand_in.desk, HarmonyDesk)
        stand_in.desk.may_call = False

        [outcome] = await send(vendor, note(stand_in.token(0), style="voip"))

        assert (outcome.kind, "noPushTypeRight" in outcome.reason) == ("misconfigured", True)

    # -- messages ----------------------------------------------------------------------------------------------

    async def test_fields_arrive_where_the_phone_looks(self, make_vendor: MakeVendor, stand_in: DeskStandIn) -> None:
        fields: dict[str, Any] = {"badge": 120, "sound": "bell.mp3", "data": {"conversation": "group/a", "seq": 7}}
        for vendor in (make_vendor(), make_vendor(sounds=True, click_action="open.chat")):
            await send(vendor, note(stand_in.token(0), **fields))

        quiet, loud = stand_in.phones.accepted
        assert (quiet.badge, quiet.sound, quiet.thread, quiet.data) == (99, "", "group/a", fields["data"])
        assert loud.sound == "bell.mp3"

    async def test_a_badge_may_come_alone(self, vendor: Harmony, stand_in: DeskStandIn) -> None:
        assert await kinds(vendor, note(stand_in.token(0), title="", body="", badge=0)) == ["delivered"]
        assert stand_in.phones.accepted[0].badge == 0

    async def test_test_messages_go_to_ten_devices_a_call(self, make_vendor: MakeVendor, stand_in: DeskStandIn) -> None:
        vendor = make_vendor(is_test=True)

        assert await kinds(vendor, *same(stand_in, 25)) == ["delivered"] * 25
        assert self.calls(stand_in) == 3

    async def test_test_messages_run_out(self, make_vendor: MakeVendor, stand_in: DeskStandIn) -> None:
        stand_in.answer({"code": "80300029"})

        assert await kinds(make_vendor(is_test=True), note(stand_in.token(0))) == ["quota"]

    # -- the signed token --------------------------------------------------------------------------------------

    async def test_fifty_batches_at_once_sign_once(
        self, vendor: Harmony, stand_in: DeskStandIn, read_in: list[threading.Thread]
    ) -> None:
        await asyncio.gather(*(send(vendor, note(stand_in.token(n))) for n in range(50)))

        assert len(read_in) == 1
        assert stand_in.phones.count == 50

    async def test_it_is_renewed_before_it_ends(
        self, vendor: Harmony, stand_in: DeskStandIn, clock: MovableClock
    ) -> None:
        for _ in range(3):
            assert await kinds(vendor, note(stand_in.token(0))) == ["delivered"]
            clock.move(3400)

    @pytest.mark.parametrize("change", [{"key_id": "other"}, {"sub_account": "other"}, {"token_uri": "https://other"}])
    async def test_another_account_is_refused_even_with_a_fresh_signature(
        self, make_vendor: MakeVendor, stand_in: DeskStandIn, change: dict[str, str]
    ) -> None:
        service = json.loads(stand_in.account()["service_account"])
        vendor = make_vendor(service_account=json.dumps(service | change))

        assert await kinds(vendor, note(stand_in.token(0))) == ["auth_expired"]

    @pytest.mark.parametrize("text", ["{}", "not json", "bad key"])
    async def test_a_key_that_is_none_is_named(self, make_vendor: MakeVendor, stand_in: DeskStandIn, text: str) -> None:
        if text == "bad key":
            text = json.dumps(json.loads(stand_in.account()["service_account"]) | {"private_key": "no"})

        [outcome] = await attempt(make_vendor(service_account=text), [note(stand_in.token(0))])

        assert outcome.kind == "misconfigured"
        assert outcome.reason.startswith("plugins.push-harmony.service_account: ")

    async def test_the_key_may_be_in_a_file(
        self, make_vendor: MakeVendor, stand_in: DeskStandIn, tmp_path: Path
    ) -> None:
        file = tmp_path / "key.json"
        vendor = make_vendor(service_account=None, service_account_file=file)
        [missing] = await attempt(vendor, [note(stand_in.token(0))])

        file.write_text(stand_in.account()["service_account"])

        assert (missing.kind, "service_account_file" in missing.reason) == ("misconfigured", True)
        assert await kinds(vendor, note(stand_in.token(0))) == ["delivered"]

    # -- the desk ----------------------------------------------------------------------------------------------

    async def test_the_desk_is_strict(self, stand_in: DeskStandIn) -> None:
        service = json.loads(stand_in.account()["service_account"])
        url = f"{stand_in.url}/v3/{service['project_id']}/messages:send"
        now = stand_in.desk.clock.now_ms() // 1000
        claims = {"iss": service["sub_account"], "aud": AUDIENCE, "iat": now, "exp": now + 3600}

        def headers(algorithm: str = "PS256", kid: str = service["key_id"], **changes: Any) -> dict[str, str]:
            signed = jwt.encode(claims | changes, service["private_key"], algorithm, headers={"kid": kid})
            return {"Authorization": f"Bearer {signed}", "push-type": "0"}

        async def code(body: Any, headers: dict[str, str]) -> str:
            return str((await post(url, json=body, headers=headers)).json()["code"])

        good, tokens = headers(), [stand_in.token(0)]
        look = {"title": "a", "body": "b", "clickAction": {"actionType": 0}}

        def message(look: Any = look, token: Any = tokens, **options: Any) -> dict[str, Any]:
            return {"payload": {"notification": look}, "target": {"token": token}, "pushOptions": options}

        assert await code(message(), good) == "80000000"
        for wrong in (
            {},
            {"Authorization": "Bearer nonsense"},
            headers("RS256"),
            headers(kid="other"),
            headers(aud="https://other"),
            headers(iss="other"),
            headers(iat=now + 900),
        ):
            assert await code(message(), wrong) == "80200001"
        assert await code(message(), headers(iat=now - 3700, exp=now - 100)) == "80200003"
        assert await code(message(), headers(exp=now + 90_000)) == "80300036"
        assert await code({"payload": {"extraData": "x" * 4096}, "target": {"token": tokens}}, good) == "80300008"
        assert await code(message(token=[f"t{n}" for n in range(1001)]), good) == "80300010"
        assert await code(message(token=[f"t{n}" for n in range(11)], testMessage=True), good) == "80300030"
        assert await code(message(ttl=1_296_001), good) == "80100004"
        assert await code(message(token=tokens * 2), good) == "80100001"
        unfit: list[tuple[Any, str]] = [
            (message({**look, "title": ""}), "0"),
            (message({**look, "body": "x" * 501}), "0"),
            (message({**look, "clickAction": {"actionType": 1}}), "0"),
            (message({**look, "category": "CHAT"}), "0"),
            (message({**look, "badge": {"setNum": 100}}), "0"),
            (message({"title": "a", "body": "b"}), "0"),
            (message(surprise=1), "0"),
            (message(), "6"),
            (message(), "7"),
            (message(), ""),
            ({"payload": {"extraData": "x"}, "target": {"token": tokens}}, "0"),
            ({"payload": {}, "target": {"token": tokens}}, "10"),
            ([], "0"),
        ]
        for body, push_type in unfit:
            assert await code(body, good | {"push-type": push_type}) == "80100003", json.dumps(body)
        other = url.replace(service["project_id"], "4711")
        assert (await post(other, json=message(), headers=good)).json()["code"] == "80300002"

    async def test_a_thousand_tests_a_day_are_enough(self, stand_in: DeskStandIn, make_vendor: MakeVendor) -> None:
        assert isinstance(stand_in.desk, HarmonyDesk)
        stand_in.desk.count_tests(1000)

        assert await kinds(make_vendor(is_test=True), note(stand_in.token(0))) == ["quota"]


async def test_a_key_of_full_size_is_read_once_and_not_on_the_loop(
    tmp_path: Path, clock: MovableClock, read_in: list[threading.Thread]
) -> None:
    async with open_desk(HarmonyDesk, tmp_path, clock) as stand_in, vendors(Plugin(), stand_in, clock) as make_vendor:
        vendor = make_vendor(timeout_seconds=10)
        for _ in range(2):
            assert await kinds(vendor, note(stand_in.token(0))) == ["delivered"]
            clock.move(3400)

        assert len(stand_in.desk.kept_secrets()["private_key"]) > 3000, "it has 4096 bits"
    assert len(read_in) == 1
    assert read_in[0] is not threading.main_thread()
