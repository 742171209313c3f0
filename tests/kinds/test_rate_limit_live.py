"""The rate limit on a running platform."""

import pytest

from balefire import Conversation, Message, MessageDenied, Payload, Submission
from balefire.testing import Platform


@pytest.fixture
def balefire_config() -> dict[str, object]:
    return {"plugins": {"rate-limit": {"user": {"per_second": 0.001, "burst": 2}}}}


async def send(platform: Platform, sender: str, number: int, *, origin: str = "user") -> Message:
    submission = Submission(
        sender=sender,
        conversation=Conversation("private", "alice,bob"),
        payload=Payload("text", {"text": "hello"}),
        client_message_id=f"{origin}-{number}",
        origin=origin,  # type: ignore[arg-type]  # the test names real origins
    )
    return await platform.kernel.path.submit(submission)


async def test_the_message_after_the_burst_is_refused_and_told_when_to_come_back(platform: Platform) -> None:
    for user in ("alice", "bob"):
        await platform.add_user(user)
    assert [(await send(platform, "alice", number)).seq for number in (1, 2)] == [1, 2]

    with pytest.raises(MessageDenied) as refused:
        await send(platform, "alice", 3)

    assert refused.value.denied.code == "slow_down"
    assert refused.value.denied.details["retry_after_ms"] > 0
    assert (await send(platform, "bob", 1)).seq == 3
    assert (await send(platform, "alice", 4, origin="admin")).seq == 4
