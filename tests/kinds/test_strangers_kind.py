"""A conversation kind and a policy that come from outside work like the built-in ones."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from tests.kinds.listening import Meet

from balefire import Audience, Conversation, Denied, Dropped, Message, Submission, Visibility, hookimpl
from balefire.testing import Platform, start_platform


class Room:
    """A chatroom that lives in memory: whoever knocked is in, nothing is written."""

    name = "room"
    is_stored = False
    is_listed = False
    attaches_members = False

    def __init__(self) -> None:
        self.inside: set[str] = set()

    def resolve(self, target: str, speaker: str) -> str:
        return target.lower()

    def authorize(self, submission: Submission) -> Denied | None:
        return None if submission.sender in self.inside else Denied("not_inside", "knock first")

    def audience(self, message: Message) -> Audience:
        return Audience("users", tuple(self.inside))

    async def visibility(self, conversation: Conversation, reader: str) -> Visibility | Denied:
        return Denied("not_kept", "what is said in a room is not kept")

    def initial_members(self, conversation: Conversation) -> tuple[str, ...]:
        return ()

    def may_recall(self, message: Message, by: str) -> bool:
        return False


class Rooms:
    """The stranger's plugin: the kind, and a policy of its own."""

    def __init__(self) -> None:
        self.room = Room()

    @hookimpl
    def register_conversation_kinds(self) -> list[Room]:
        return [self.room]

    @hookimpl
    async def authorize_message(self, submission: Submission) -> Denied | Dropped | None:
        text = submission.payload.fields.get("text")
        if text == "spam":
            return Dropped("spam")
        return Denied("no_shouting", "please do not shout") if text == "HELLO" else None


@pytest_asyncio.fixture
async def rooms() -> Rooms:
    return Rooms()


@pytest_asyncio.fixture
async def platform(tmp_path: Path, rooms: Rooms) -> AsyncIterator[Platform]:
    async with start_platform(tmp_path, extra={"rooms": rooms}) as running:
        yield running


async def test_a_kind_from_outside_decides_who_speaks_and_hears(meet: Meet, rooms: Rooms) -> None:
    alice, bob, carol = await meet("alice", "bob", "carol")
    assert await alice.say("room/Lounge") == "not_inside"

    rooms.room.inside |= {"alice", "bob"}

    assert await alice.say("room/Lounge", "anyone here?") == "room/lounge"
    heard = await bob.hears("room/lounge", "anyone here?")
    assert heard[0].seq == 0
    assert await alice.reads("room/lounge") == "not_found"
    assert carol.messages("room/lounge") == []


async def test_a_policy_from_outside_denies_and_drops(meet: Meet) -> None:
    alice, bob = await meet("alice", "bob")

    assert await alice.say("private/bob", "HELLO") == "no_shouting"
    assert await alice.say("private/bob", "spam") == "private/alice,bob"
    assert await alice.say("private/bob", "hello") == "private/alice,bob"

    assert [message.seq for message in await bob.hears("private/alice,bob", "hello")] == [1]
