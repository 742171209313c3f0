"""The permission table and the speech rules of groups, row by row as the domain rules state them."""

import pytest

from balefire import Conversation, Forbidden, Member, Message, Payload, Role
from balefire_groups import speech
from balefire_groups.group import Group, GroupType, JoinType, NotAMember
from balefire_groups.permissions import PERMISSIONS, TYPES, Action, demand

TEAM = Conversation("group", "team")
WHO: tuple[Role | None, ...] = ("owner", "manager", "member", None)

# Action; then for normal, free, restricted, organisation: what owner, manager, member and outsider get.
# y = may, n = may not, o = is told to be no member.
MATRIX: list[tuple[Action, str, str, str, str]] = [
    ("invite", "yyyo", "yyyo", "yyyo", "nnnn"),
    ("join", "nnny", "nnny", "nnny", "nnnn"),
    ("kick", "yyno", "nnnn", "yyno", "nnnn"),
    ("quit", "yyyo", "yyyo", "yyyo", "nnnn"),
    ("dissolve", "ynno", "nnnn", "ynno", "nnnn"),
    ("change_profile", "yyyo", "yyyo", "yyno", "nnnn"),
    ("change_extra", "yyyo", "yyyo", "yyno", "yyno"),
    ("mute_all", "yyno", "nnnn", "yyno", "yyno"),
    ("change_private_chat", "yyno", "nnnn", "yyno", "yyno"),
    ("change_join_type", "yyno", "nnnn", "yyno", "nnnn"),
    ("change_history", "yyno", "nnnn", "yyno", "nnnn"),
    ("transfer", "ynno", "nnnn", "ynno", "nnnn"),
    ("appoint", "ynno", "nnnn", "ynno", "nnnn"),
    ("change_own_alias", "yyyo", "yyyo", "yyyo", "yyyo"),
    ("change_others_alias", "yyno", "yyno", "yyno", "yyno"),
    ("mute_members", "yyno", "nnnn", "yyno", "nnnn"),
]

CASES = [
    (action, type_, role, verdict)
    for action, *columns in MATRIX
    for type_, column in zip(TYPES, columns, strict=True)
    for role, verdict in zip(WHO, column, strict=True)
]


def member(role: Role | None, user: str = "m") -> Member | None:
    return None if role is None else Member(conversation=TEAM, user=user, role=role)


def outcome(action: Action, group: Group, role: Role | None) -> str:
    try:
        demand(action, group, member(role))
    except NotAMember:
        return "o"
    except Forbidden as refused:
        assert refused.reason
        return "n"
    return "y"


@pytest.mark.parametrize(("action", "type_", "role", "verdict"), CASES)
def test_the_permission_matrix_holds(action: Action, type_: GroupType, role: Role | None, verdict: str) -> None:
    assert outcome(action, Group(id="team", type=type_), role) == verdict


def test_every_action_is_in_the_matrix() -> None:
    assert {action for action, *_ in MATRIX} == set(PERMISSIONS)


def test_those_who_were_removed_are_outsiders() -> None:
    assert outcome("invite", Group(id="team"), "removed") == "o"
    assert outcome("join", Group(id="team"), "removed") == "y"


@pytest.mark.parametrize("type_", ["normal", "free", "restricted"])
@pytest.mark.parametrize(
    ("join_type", "joining", "by_member", "by_manager"),
    [("open", "y", "y", "y"), ("invited", "n", "y", "y"), ("managed", "n", "n", "y")],
)
def test_the_join_type_decides_who_enters(
    type_: GroupType, join_type: JoinType, joining: str, by_member: str, by_manager: str
) -> None:
    group = Group(id="team", type=type_, join_type=join_type)

    assert outcome("join", group, None) == joining
    assert outcome("invite", group, "member") == by_member
    assert outcome("invite", group, "manager") == outcome("invite", group, "owner") == by_manager


def test_muted_members_add_nobody() -> None:
    assert outcome("invite", Group(id="team"), "muted") == "n"
    assert outcome("invite", Group(id="team"), "allowed") == "y"


SPEECH: list[tuple[Role | None, str, str]] = [
    # role, refusal in a group that is not muted, and in one that is
    ("owner", "", ""),
    ("manager", "", ""),
    ("member", "", "group_muted"),
    ("allowed", "", ""),
    ("muted", "muted", "muted"),
    ("removed", "not_a_member", "not_a_member"),
    (None, "not_a_member", "not_a_member"),
]


@pytest.mark.parametrize(("role", "open_", "muted"), SPEECH)
def test_the_speech_rules_hold(role: Role | None, open_: str, muted: str) -> None:
    for is_muted, expected in ((False, open_), (True, muted)):
        refusal = speech.refusal(Group(id="team", is_muted=is_muted), member(role))
        assert (refusal.code if refusal else "") == expected


@pytest.mark.parametrize(
    ("by", "author", "may"),
    [
        ("owner", "member", True),
        ("owner", "manager", True),
        ("owner", None, True),
        ("manager", "member", True),
        ("manager", "muted", True),
        ("manager", "manager", False),
        ("manager", "owner", False),
        ("manager", None, True),
        ("member", "member", False),
        (None, "member", False),
    ],
)
def test_who_takes_back_what_others_said(by: Role | None, author: Role | None, may: bool) -> None:
    message = Message(
        id=1, conversation=TEAM, seq=1, sender="author", client_message_id="1", payload=Payload("text"), at=1
    )

    assert speech.may_recall(message, member(by, "by"), member(author, "author")) is may


def test_only_owners_take_back_their_own_words_at_any_time() -> None:
    message = Message(id=1, conversation=TEAM, seq=1, sender="m", client_message_id="1", payload=Payload("text"), at=1)

    assert speech.may_recall(message, member("owner"), member("owner"))
    assert not speech.may_recall(message, member("manager"), member("manager"))
