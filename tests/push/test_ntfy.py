"""ntfy: the conformance kit on its desk, and what is particular to it."""

from typing import Any

import pytest
from tests.push.desks import DeskContract, DeskStandIn, MakeVendor, note, post

from balefire import NotificationRejected, RateLimited, TokenRejected, TryLater
from balefire_push_ntfy.vendor import CODES, Ntfy, Plugin
from balefire_push_sandbox.desks.ntfy import NtfyDesk


class TestNtfy(DeskContract):
    desk_type = NtfyDesk
    plugin = Plugin

    async def test_only_the_device_that_is_gone_is_reported(self, vendor: Any, stand_in: Any) -> None:
        """A topic without a subscriber is not gone: the phone may subscribe again, so ntfy never says it is."""
        stand_in.dead_tokens.add(stand_in.token(2))

        for number in range(5):
            sending = vendor.send(note(stand_in.token(number)))
            if number == 2:
                with pytest.raises(TryLater, match="50701"):
                    await sending
            else:
                assert await sending

    @pytest.mark.parametrize(("code", "error"), sorted(CODES.items()))
    async def test_each_code_has_its_error(self, vendor: Ntfy, stand_in: DeskStandIn, code: str, error: Any) -> None:
        stand_in.answer({"code": int(code), "error": "secret words of theirs"}, status=int(code) // 100)

        with pytest.raises(error) as caught:
            await vendor.send(note(stand_in.token(0)))

        assert str(caught.value).startswith(f"ntfy answered {code}")
        assert "secret words" not in str(caught.value)

    @pytest.mark.parametrize(("code", "error"), [(40024, NotificationRejected), (50001, TryLater), (429, RateLimited)])
    async def test_a_code_nobody_knows_goes_by_its_status(
        self, vendor: Ntfy, stand_in: DeskStandIn, code: int, error: Any
    ) -> None:
        stand_in.answer({"code": code}, status=int(str(code)[:3]))

        with pytest.raises(error):
            await vendor.send(note(stand_in.token(0)))

    @pytest.mark.parametrize("topic", ["", "two words", "a/b", "x" * 65, "话题"])
    async def test_what_cannot_be_a_topic_is_gone(self, vendor: Ntfy, topic: str) -> None:
        with pytest.raises(TokenRejected):
            await vendor.send(note(topic))

    @pytest.mark.parametrize("text", ["长" * 3000, "👩‍👩‍👧‍👦" * 400, ""])
    async def test_texts_are_cut_to_what_ntfy_takes(self, vendor: Ntfy, stand_in: DeskStandIn, text: str) -> None:
        assert await vendor.send(note(stand_in.token(0), title=text, body=text))

    async def test_silent_data_makes_no_noise(self, vendor: Ntfy, stand_in: DeskStandIn) -> None:
        await vendor.send(note(stand_in.token(0), style="data"))

        assert stand_in.phones.accepted[0].push_type == "background"

    async def test_a_server_that_lets_all_write_needs_no_token(
        self, make_vendor: MakeVendor, stand_in: DeskStandIn
    ) -> None:
        vendor = make_vendor(access_token="")
        stand_in.answer({"id": "m1"})

        assert await vendor.send(note(stand_in.token(0))) == "m1"

    async def test_the_desk_is_strict(self, stand_in: DeskStandIn) -> None:
        bearer = {"Authorization": f"Bearer {stand_in.account()['access_token']}"}

        async def code(headers: Any = bearer, **changes: Any) -> int:
            body = {"topic": stand_in.token(0), "message": "m"} | changes
            answer = await post(stand_in.url, json=body, headers=headers)
            return int(answer.json().get("code", answer.status_code))

        assert await code() == 200
        assert await code({}) == 40101
        assert await code(priority=6) == 40024
        assert await code(surprise=1) == 40024
        assert await code(topic="a/b") == 40009
        assert await code(message="m" * 4097) == 41301
        assert await code(topic="nobody") == 50701
