"""Groups as the message path asks about them."""

import pytest
from tests.kinds.memory import KnownMembers, cache, text_of

from balefire import MEMBERS, Audience, Conversation, Denied, InvalidInput, Message, Payload, Visibility
from balefire_groups.group import Group
from balefire_groups.kind import GroupKind

TEAM = Conversation("group", "team")


def kind(*, is_slow: bool = False, **record: object) -> GroupKind:
    members = KnownMembers(is_slow=is_slow)
    members.enter(TEAM, "alice", "owner")
    members.enter(TEAM, "bob", visible_from_seq=7)
    members.enter(TEAM, "carol", "removed")
    groups = {"team": Group(id="team", owner="alice", **record)}  # type: ignore[arg-type]  # the test names columns
    return GroupKind(cache(groups), members.as_members())


async def verdict(rules: GroupKind, sender: str, conversation: Conversation = TEAM, origin: str = "user") -> str:
    answer = rules.authorize(text_of(sender, conversation, origin=origin))
    if not (answer is None or isinstance(answer, Denied)):
        answer = await answer
    return "" if answer is None else answer.code


def message(to: tuple[str, ...] = ()) -> Message:
    return Message(
        id=1, conversation=TEAM, seq=1, sender="alice", client_message_id="1", payload=Payload("text"), at=1, to=to
    )


@pytest.mark.parametrize("is_slow", [False, True])
async def test_members_speak_and_others_do_not(is_slow: bool) -> None:
    rules = kind(is_slow=is_slow)

    assert [await verdict(rules, who) for who in ("alice", "bob", "carol", "dave")] == [
        "",
        "",
        "not_a_member",
        "not_a_member",
    ]


async def test_a_known_group_and_member_are_decided_without_waiting() -> None:
    rules = kind()
    await verdict(rules, "bob")

    assert rules.authorize(text_of("bob", TEAM)) is None
    assert isinstance(rules.authorize(text_of("dave", TEAM)), Denied)


async def test_a_group_that_never_was_or_no_longer_is_takes_no_messages_not_even_from_operators() -> None:
    for origin in ("user", "admin"):
        assert await verdict(kind(), "alice", Conversation("group", "ghosts"), origin) == "no_such_group"
        assert await verdict(kind(is_dissolved=True), "alice", origin=origin) == "no_such_group"


async def test_operators_speak_in_any_group_muted_or_not() -> None:
    assert await verdict(kind(is_muted=True), "system", origin="admin") == ""


async def test_groups_have_one_line() -> None:
    assert await verdict(kind(), "alice", Conversation("group", "team", 3)) == "no_such_line"


async def test_members_read_from_their_arrival_on_and_leavers_nothing() -> None:
    rules = kind()

    assert await rules.visibility(TEAM, "alice") == Visibility()
    assert await rules.visibility(TEAM, "bob") == Visibility(from_seq=7)
    assert isinstance(await rules.visibility(TEAM, "carol"), Denied)
    assert isinstance(await rules.visibility(TEAM, "dave"), Denied)


async def test_everyone_hears_unless_the_message_is_directed() -> None:
    rules = kind()
    directed = rules.audience(message(to=("bob", "carol", "dave")))
    assert not isinstance(directed, Audience)

    assert rules.audience(message()) == MEMBERS
    assert await directed == Audience("users", ("alice", "bob"))


@pytest.mark.parametrize("target", ["", "a,b", "a b", "a/b", "a#2", "team\n", "x" * 65])
def test_what_can_be_no_group_is_refused(target: str) -> None:
    with pytest.raises(InvalidInput):
        kind().resolve(target, "alice")
