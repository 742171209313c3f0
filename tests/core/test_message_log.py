"""The one writer: what one draft or one failure does to the others, and that nothing durable is passed over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.core.test_event_log import Plugin, Reader, until
from tests.gateway.talking import signed_in

from balefire import (
    Appended,
    Conversation,
    Draft,
    Event,
    Message,
    Payload,
    StorageUnavailable,
    Submission,
)
from balefire.testing import Platform, start_platform

ALICE_BOB = Conversation("private", "alice,bob")


def said(text: str, **more: Any) -> Submission:
    fields = {"sender": "alice", "conversation": ALICE_BOB, "client_message_id": text, **more}
    return Submission(payload=Payload("text", {"text": text}), **fields)


def draft(text: str, **more: Any) -> Draft:
    return Draft(said(text, **more), at=1_767_225_600_000, flags=1, initial_members=("alice", "bob"))


def losing_answers(platform: Platform, method: str, count: int = 1) -> Callable[..., Any]:
    """The store's method as it is when the connection breaks after the commit: done, but not reported."""
    works = getattr(platform.kernel.store, method)
    left = [count]

    async def lost(rows: Sequence[Any]) -> Any:
        answer = await works(rows)
        if left[0]:
            left[0] -= 1
            raise StorageUnavailable("the connection was lost", retry_after_seconds=1)
        return answer

    return lost


async def test_a_commit_whose_answer_was_lost_reaches_consumers_and_sessions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader()
    async with start_platform(tmp_path, extra={"reader": Plugin(reader)}) as platform:
        await platform.add_user("alice")
        async with signed_in(platform, "bob") as bob:
            await platform.kernel.path.submit(said("before"))
            await until(lambda: reader.texts == ["before"])
            monkeypatch.setattr(platform.kernel.store, "append", losing_answers(platform, "append"))

            with pytest.raises(StorageUnavailable):
                await platform.kernel.path.submit(said("lost"))
            again = await platform.kernel.path.submit(said("lost"))
            after = await platform.kernel.path.submit(said("after"))

            heard = [await bob.until("message", id=text) for text in ("before", "lost", "after")]
        await until(lambda: "after" in reader.texts)

    assert [m["seq"] for m in heard] == [1, again.seq, after.seq] == [1, 2, 3]
    assert reader.texts == ["before", "lost", "after"]


async def test_the_first_commit_ever_may_lose_its_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader()
    async with start_platform(tmp_path, extra={"reader": Plugin(reader)}) as platform:
        await platform.add_user("alice")
        await platform.add_user("bob")
        monkeypatch.setattr(platform.kernel.store, "append", losing_answers(platform, "append"))
        with pytest.raises(StorageUnavailable):
            await platform.kernel.path.submit(said("lost"))

        await platform.kernel.path.submit(said("after"))
        await until(lambda: "after" in reader.texts)

    assert reader.texts == ["lost", "after"]


async def test_an_event_whose_answer_was_lost_reaches_consumers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader()
    async with start_platform(tmp_path, extra={"reader": Plugin(reader)}) as platform:
        await platform.kernel.events.emit("test.before")
        await until(lambda: reader.seen)
        monkeypatch.setattr(platform.kernel.store, "append_events", losing_answers(platform, "append_events"))

        with pytest.raises(StorageUnavailable):
            await platform.kernel.events.emit("test.lost")
        await platform.kernel.events.emit("test.after")
        await until(lambda: reader.seen[-1].kind == "test.after")

    assert [event.kind for event in reader.seen] == ["test.before", "test.lost", "test.after"]


async def test_a_draft_that_cannot_be_stored_fails_alone(platform: Platform) -> None:
    outcomes: dict[str, Message | Exception | None] = {}
    drafts = {text: draft(text) for text in ("one", "two", "three")}
    drafts["bad"] = draft("bad", conversation=Conversation("private", "alice,bob", 2**70))
    for key in ("one", "bad", "two", "three"):
        platform.kernel.log.append(
            drafts[key],
            lambda message, error, key=key: outcomes.__setitem__(key, message or error),
        )
    await until(lambda: len(outcomes) == 4)

    assert isinstance(outcomes.pop("bad"), StorageUnavailable)
    assert [m.seq for m in outcomes.values() if isinstance(m, Message)] == [1, 2, 3]


async def test_an_event_that_cannot_be_stored_fails_alone(platform: Platform) -> None:
    outcomes = await asyncio.gather(
        platform.kernel.events.emit("test.good"),
        platform.kernel.events.emit("test.bad", user="\ud800"),
        platform.kernel.events.emit("test.better"),
        return_exceptions=True,
    )

    assert [type(outcome) for outcome in outcomes] == [Event, StorageUnavailable, Event]


async def test_a_store_that_answers_too_little_stops_nobody(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = platform.kernel.store.append

    async def forgetful(drafts: Sequence[Draft]) -> Sequence[Appended]:
        return (await works(drafts))[1:]

    await platform.add_user("alice")
    await platform.add_user("bob")
    with monkeypatch.context() as patch:
        patch.setattr(platform.kernel.store, "append", forgetful)
        with pytest.raises(StorageUnavailable):
            await platform.kernel.path.submit(said("one"))

    assert (await platform.kernel.path.submit(said("one"))).seq == 1


async def test_an_acknowledgement_that_fails_stops_nobody(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(_: object) -> None:
        raise StorageUnavailable("the disk is away")

    def done(message: Message | None, error: Exception | None) -> None:
        raise RuntimeError("the gateway is broken")

    await platform.add_user("alice")
    await platform.add_user("bob")
    with monkeypatch.context() as patch:
        patch.setattr(platform.kernel.store, "append", full)
        platform.kernel.log.append(draft("one"), done)
        with pytest.raises(StorageUnavailable):
            await platform.kernel.path.submit(said("two"))

    assert (await platform.kernel.path.submit(said("three"))).seq == 1
