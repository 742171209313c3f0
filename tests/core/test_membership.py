"""The members' cache says what the store says, whatever happens at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from balefire import Conversation, Draft, Member, Payload, Submission
from balefire.testing import Platform

TEAM = Conversation("group", "team")


async def cached(platform: Platform, user: str = "bob") -> Member | None:
    """What the next message will be judged by."""
    found = platform.kernel.members.get(TEAM, user)
    return found if found is None or isinstance(found, Member) else await found


async def stored(platform: Platform, user: str = "bob") -> Member | None:
    return await platform.kernel.store.get_member(TEAM, user)


class Gate:
    """A method of the store that answers late: what it says was true when it was asked, or written when it was told."""

    def __init__(self, platform: Platform, method: str, patch: pytest.MonkeyPatch) -> None:
        self._works = getattr(platform.kernel.store, method)
        self.is_at_work = asyncio.Event()
        self.may_answer = asyncio.Event()
        patch.setattr(platform.kernel.store, method, self)

    async def __call__(self, *arguments: Any, **options: Any) -> Any:
        answer = await self._works(*arguments, **options)
        self.is_at_work.set()
        await self.may_answer.wait()
        return answer


async def test_a_look_up_that_a_removal_overtook_does_not_bring_the_member_back(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = platform.kernel.members
    await members.add(TEAM, ["bob"])
    members.forget(TEAM, ["bob"])
    with monkeypatch.context() as patch:
        gate = Gate(platform, "get_member", patch)
        looking_up = asyncio.ensure_future(cached(platform))
        await gate.is_at_work.wait()
        await members.remove(TEAM, ["bob"])
        gate.may_answer.set()
        answer = await looking_up

    assert answer is not None and answer.role == "removed"
    assert await cached(platform) == await stored(platform)


async def test_look_ups_that_begin_one_after_another_do_not_send_each_other_back(platform: Platform) -> None:
    """A stream of them begins while the ones before it are under way, as a typing client makes it."""
    await platform.kernel.members.add(TEAM, ["bob"])
    platform.kernel.members.forget(TEAM, ["bob"])
    asking = []
    for _ in range(30):
        asking.append(asyncio.ensure_future(cached(platform)))
        await asyncio.sleep(0)

    async with asyncio.timeout(5):
        answers = await asyncio.gather(*asking)

    assert {answer.role for answer in answers if answer is not None} == {"member"}


async def test_a_mark_that_a_mute_overtook_does_not_lift_it(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = platform.kernel.members
    await members.add(TEAM, ["bob"])
    with monkeypatch.context() as patch:
        gate = Gate(platform, "mark", patch)
        marking = asyncio.create_task(members.mark(TEAM, "bob", read_seq=1))
        await gate.is_at_work.wait()
        await members.update(TEAM, "bob", role="muted")
        gate.may_answer.set()
        await marking

    found = await cached(platform)
    assert found is not None and found.role == "muted"


async def test_settings_changed_at_the_same_time_do_not_undo_a_mute(platform: Platform) -> None:
    members = platform.kernel.members
    await members.add(TEAM, ["bob"])

    await asyncio.gather(
        *(members.update(TEAM, "bob", settings={f"s{n}": n}) for n in range(5)),
        members.update(TEAM, "bob", role="muted"),
        members.update(TEAM, "bob", settings={"pinned": True}),
    )

    found = await stored(platform)
    assert found is not None and found.role == "muted"
    assert found.settings == {"s0": 0, "s1": 1, "s2": 2, "s3": 3, "s4": 4, "pinned": True}
    assert await cached(platform) == found


async def test_settings_changed_while_a_member_is_removed_do_not_bring_them_back(platform: Platform) -> None:
    members = platform.kernel.members
    await members.add(TEAM, ["bob"])

    await asyncio.gather(
        members.update(TEAM, "bob", settings={"pinned": True}),
        members.remove(TEAM, ["bob"]),
        members.update(TEAM, "bob", alias="Bobby"),
        return_exceptions=True,
    )

    found = await stored(platform)
    assert found is not None and found.role == "removed"
    assert await cached(platform) == found


async def test_one_who_comes_back_keeps_what_they_had_read(platform: Platform) -> None:
    members = platform.kernel.members
    await platform.add_user("bob")
    await members.add(TEAM, ["bob"])
    await _say(platform, 3)
    await members.mark(TEAM, "bob", read_seq=2)
    await members.remove(TEAM, ["bob"])

    (again,) = await members.add(TEAM, ["bob"])

    assert again.read_seq == again.delivered_seq == 2
    assert again == await cached(platform) == await stored(platform)


async def test_a_change_keeps_what_was_read_meanwhile(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    members = platform.kernel.members
    await members.add(TEAM, ["bob"])
    await _say(platform, 3)
    with monkeypatch.context() as patch:
        gate = Gate(platform, "put_members", patch)
        changing = asyncio.create_task(members.update(TEAM, "bob", alias="Bobby"))
        await gate.is_at_work.wait()
        await members.mark(TEAM, "bob", read_seq=3)
        gate.may_answer.set()
        changed = await changing

    assert changed.read_seq == 3
    assert changed == await cached(platform) == await stored(platform)


async def test_concurrent_changes_leave_the_same_in_cache_and_store(platform: Platform) -> None:
    members = platform.kernel.members
    users = ["alice", "bob", "carol"]
    await members.add(TEAM, users)
    await _say(platform, 20)

    def work(user: str, n: int) -> Sequence[Any]:
        return (
            members.update(TEAM, user, settings={str(n): n}),
            members.mark(TEAM, user, read_seq=n),
            cached(platform, user),
            members.update(TEAM, user, role="muted" if n % 2 else "member"),
            members.remove(TEAM, [user]) if n % 7 == 0 else members.add(TEAM, [user]),
        )

    await asyncio.gather(*(one for n in range(20) for user in users for one in work(user, n)), return_exceptions=True)

    assert [await cached(platform, user) for user in users] == [await stored(platform, user) for user in users]


async def _say(platform: Platform, count: int) -> None:
    submissions = [
        Submission(sender="alice", conversation=TEAM, payload=Payload("text", {"text": "hi"}), client_message_id=str(n))
        for n in range(count)
    ]
    await platform.kernel.store.append([Draft(submission, at=1) for submission in submissions])
