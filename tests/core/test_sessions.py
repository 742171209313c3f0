"""Live sessions: who is online is who is connected, whatever goes wrong while they connect."""

from __future__ import annotations

import asyncio

import pytest
from tests.gateway.talking import signed_in

from balefire import Conversation, StorageUnavailable
from balefire.testing import Platform


async def test_a_session_that_could_not_be_opened_leaves_nobody_online(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(user: str, **options: object) -> list[Conversation]:
        raise StorageUnavailable("the database restarts", retry_after_seconds=1)

    with monkeypatch.context() as patch:
        patch.setattr(platform.kernel.store, "memberships", unavailable)
        with pytest.raises(AssertionError, match="the database restarts"):
            async with signed_in(platform, "alice"):
                pass

    assert not platform.kernel.sessions.is_online("alice")
    assert platform.kernel.sessions.count() == 0


async def test_a_session_that_is_given_up_while_it_opens_leaves_nobody_online(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    await platform.add_user("alice")
    identity = await platform.kernel.authenticate(await platform.token("alice"))
    looking_up = asyncio.Event()

    async def endless(user: str, **options: object) -> list[Conversation]:
        looking_up.set()
        return await asyncio.Future()

    monkeypatch.setattr(platform.kernel.store, "memberships", endless)
    opening = asyncio.create_task(platform.kernel.sessions.open(identity, None, platform="web"))  # type: ignore[arg-type]  # never written to
    await looking_up.wait()
    assert platform.kernel.sessions.is_online("alice")

    opening.cancel()
    await asyncio.wait([opening])

    assert not platform.kernel.sessions.is_online("alice")
