"""Live sessions: who is online is who is connected, whatever goes wrong while they connect."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.core.test_membership import Gate
from tests.gateway.talking import signed_in

from balefire import Conversation, StorageUnavailable
from balefire.testing import Platform


class Deaf:
    """A connection that takes everything and shows nothing."""

    @property
    def representation(self) -> Any:
        return self

    def encode(self, delivery: object) -> bytes:
        return b""

    def write(self, frame: bytes) -> None:
        pass

    def close(self, code: str, reason: str) -> None:
        pass


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


@pytest.mark.parametrize("comes_back", [False, True])
async def test_who_left_while_their_session_opened_hears_the_conversation_only_after_coming_back(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, comes_back: bool
) -> None:
    members, team = platform.kernel.members, Conversation("group", "team")
    identity = await platform.kernel.authenticate(await platform.token("alice"))
    await members.add(team, ["alice"])
    with monkeypatch.context() as patch:
        gate = Gate(platform, "memberships", patch)
        opening = asyncio.create_task(platform.kernel.sessions.open(identity, Deaf(), platform="web"))
        await gate.is_at_work.wait()
        await members.remove(team, ["alice"])
        if comes_back:
            await members.add(team, ["alice"])
        gate.may_answer.set()
        session = await opening

    assert (team in (session.rooms or ())) is comes_back
    platform.kernel.sessions.close(session)
