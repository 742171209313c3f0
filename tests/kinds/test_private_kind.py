"""Private conversations: names, who may write to whom, who may read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kinds.memory import cache, text_of

from balefire import Audience, Conversation, Denied, InvalidInput, Message, Payload, User, Visibility
from balefire_private.kind import PrivateKind

ALICE_BOB = Conversation("private", "alice,bob")

ids = st.text(st.characters(categories=["L", "N", "P"], exclude_characters=",/#"), min_size=1, max_size=64)


def kind(blocks: dict[str, frozenset[str]] | None = None, banned: str = "") -> PrivateKind:
    users = {name: User(id=name, is_banned=name == banned) for name in ("alice", "bob", "carol")}
    everyone = {name: frozenset[str]() for name in users}
    return PrivateKind(cache(users), cache(everyone | (blocks or {})))


async def verdict(rules: PrivateKind, sender: str, target: str = "alice,bob", origin: str = "user") -> str:
    answer = rules.authorize(text_of(sender, Conversation("private", target), origin=origin))
    if not (answer is None or isinstance(answer, Denied)):
        answer = await answer
    return "" if answer is None else answer.code


@given(ids, ids)
def test_both_sides_mean_the_same_conversation(one: str, other: str) -> None:
    rules = kind()
    canonical = rules.resolve(other, one)

    assert canonical == rules.resolve(one, other)
    assert rules.resolve(canonical, one) == rules.resolve(canonical, other) == canonical
    assert sorted(canonical.split(",")) == canonical.split(",")
    assert rules.resolve(f"{other},{one}", one) == rules.resolve(f"{one},{other}", one) == canonical


@pytest.mark.parametrize("target", ["", ",", "bob,", ",bob", "a,b,c", "b b", "a/b", "a#1", "bob\n", "x" * 65])
def test_what_names_no_two_users_is_refused(target: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        kind().resolve(target, "alice")

    assert refused.value.where == "to"


def test_notes_to_oneself_have_one_member() -> None:
    rules = kind()

    assert rules.resolve("alice", "alice") == "alice,alice"
    assert rules.initial_members(Conversation("private", "alice,alice")) == ("alice",)
    assert rules.authorize(text_of("alice", Conversation("private", "alice,alice"))) is None


async def test_friends_and_strangers_may_write() -> None:
    assert await verdict(kind(), "alice") == ""


async def test_the_second_message_is_decided_without_waiting() -> None:
    rules = kind()
    await verdict(rules, "alice")

    assert rules.authorize(text_of("alice", ALICE_BOB)) is None


async def test_nobody_writes_into_a_conversation_of_others() -> None:
    assert await verdict(kind(), "carol") == "not_a_member"


async def test_an_unknown_user_is_refused() -> None:
    assert await verdict(kind(), "alice", "alice,nobody") == "unknown_user"


async def test_a_blocked_sender_is_refused_and_the_blocker_may_still_write() -> None:
    rules = kind({"bob": frozenset({"alice"})})

    assert await verdict(rules, "alice") == "blocked"
    assert await verdict(rules, "bob") == ""


async def test_a_banned_user_gets_no_messages() -> None:
    assert await verdict(kind(banned="bob"), "alice") == "user_banned"


async def test_operators_reach_everyone_who_exists() -> None:
    rules = kind({"bob": frozenset({"alice"})}, banned="bob")

    assert await verdict(rules, "alice", origin="admin") == ""
    assert await verdict(rules, "alice", "alice,nobody", origin="admin") == "unknown_user"


async def test_only_the_two_may_read() -> None:
    rules = kind()

    assert await rules.visibility(ALICE_BOB, "alice") == Visibility()
    assert isinstance(await rules.visibility(ALICE_BOB, "carol"), Denied)


@pytest.mark.parametrize(("to", "hear"), [((), {"alice", "bob"}), (("bob",), {"alice", "bob"}), (("x",), {"alice"})])
def test_both_hear_unless_the_message_is_directed(to: tuple[str, ...], hear: set[str]) -> None:
    message = Message(
        id=1, conversation=ALICE_BOB, seq=1, sender="alice", client_message_id="1", payload=Payload("text"), at=1, to=to
    )

    audience = kind().audience(message)

    assert audience == Audience("users", audience.users)
    assert set(audience.users) == hear
