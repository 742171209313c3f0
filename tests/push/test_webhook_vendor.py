"""Signed web hooks: the conformance kit on its desk, and the signature as others compute it."""

import base64
from typing import Any

import pytest
from pydantic import ValidationError
from tests.push.desks import DeskContract, DeskStandIn, note, post

from balefire import AuthExpired, Misconfigured, NotificationRejected, RateLimited, TokenRejected, TryLater
from balefire_push_sandbox.desks.webhook import WebhookDesk
from balefire_push_webhook.vendor import Config, Plugin, Webhook, sign


class TestWebhook(DeskContract):
    desk_type = WebhookDesk
    plugin = Plugin

    async def test_everything_arrives(self, vendor: Webhook, stand_in: DeskStandIn) -> None:
        given = note(stand_in.token(0), badge=3, data={"seq": 7}, thread="group/a", collapse_key="m1", sound="bell")

        assert await vendor.send(given) == f"seen-{given.id}"

        [shown] = stand_in.phones.accepted
        assert (shown.id, shown.badge, shown.data) == (given.id, 3, {"seq": 7})
        assert (shown.thread, shown.collapse_id, shown.sound) == ("group/a", "m1", "bell")

    async def test_a_repeat_carries_the_same_id(self, vendor: Webhook, stand_in: DeskStandIn) -> None:
        for _ in range(2):
            await vendor.send(note(stand_in.token(0)))

        assert len(stand_in.accepted) == 1

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (400, NotificationRejected),
            (401, AuthExpired),
            (403, Misconfigured),
            (404, Misconfigured),
            (410, TokenRejected),
            (429, RateLimited),
            (500, TryLater),
            (302, NotificationRejected),
        ],
    )
    async def test_each_status_has_its_error(
        self, vendor: Webhook, stand_in: DeskStandIn, status: int, error: Any
    ) -> None:
        stand_in.answer({}, status=status)

        with pytest.raises(error):
            await vendor.send(note(stand_in.token(0)))

    async def test_the_desk_is_strict(self, stand_in: DeskStandIn) -> None:
        account = stand_in.account()
        now = stand_in.desk.clock.now_ms() // 1000
        body = b'{"id":"n-1","token":"x"}'

        async def status(
            content: bytes = body, *, secret: str = account["secret"], at: int = now, message_id: str = "n-1"
        ) -> int:
            sent = sign(secret, "n-1", at, body) | {"webhook-id": message_id}
            return (await post(account["url"], content=content, headers=sent)).status_code

        assert await status() == 410, "signed well, for a device nobody has"
        assert await status(body + b" ") == 401
        assert await status(secret="whsec_" + base64.b64encode(b"y" * 32).decode()) == 401
        assert await status(at=now - 301) == 401
        assert await status(message_id="other") == 401
        assert (await post(account["url"], content=body)).status_code == 401


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The example of the specification's text and of its libraries' tests."""
    headers = sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


NO_SECRETS = ["hush", "whsec_", "whsec_###", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]


@pytest.mark.parametrize("secret", NO_SECRETS)
def test_a_secret_that_is_none_says_what_one_looks_like(secret: str) -> None:
    with pytest.raises(ValidationError, match="at least 24 bytes in base64"):
        Config.model_validate({"url": "https://hook.example", "secret": secret})
