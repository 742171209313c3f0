"""Who may do what in which type of group: the table, and the questions asked of it.

The table decides for users and robots; an operator (scope admin) may do everything. Two places differ from the
reference on purpose: in free and organisation groups nobody below an operator may remove members, transfer or appoint,
as its documentation promises, and ``join_type`` counts in every type of group, not in restricted ones only.
"""

from typing import Final, Literal

from balefire import Forbidden, Member, Role
from balefire_groups.group import Group, GroupType, NotAMember

Action = Literal[
    "invite",
    "join",
    "kick",
    "quit",
    "dissolve",
    "change_profile",
    "change_extra",
    "mute_all",
    "change_private_chat",
    "change_join_type",
    "change_history",
    "transfer",
    "appoint",
    "change_own_alias",
    "change_others_alias",
    "mute_members",
]

Rank = Literal["O", "G", "M", "X"]
"""Owner, manager, member, outsider."""

TYPES: Final[tuple[GroupType, ...]] = ("normal", "free", "restricted", "organisation")

# fmt: off
PERMISSIONS: Final[dict[Action, tuple[str, str, str, str]]] = {
    #                       normal  free   restricted organisation
    "invite":              ("OGM", "OGM", "OGM",     ""),
    "join":                ("X",   "X",   "X",       ""),
    "kick":                ("OG",  "",    "OG",      ""),
    "quit":                ("OGM", "OGM", "OGM",     ""),
    "dissolve":            ("O",   "",    "O",       ""),
    "change_profile":      ("OGM", "OGM", "OG",      ""),
    "change_extra":        ("OGM", "OGM", "OG",      "OG"),
    "mute_all":            ("OG",  "",    "OG",      "OG"),
    "change_private_chat": ("OG",  "",    "OG",      "OG"),
    "change_join_type":    ("OG",  "",    "OG",      ""),
    "change_history":      ("OG",  "",    "OG",      ""),
    "transfer":            ("O",   "",    "O",       ""),
    "appoint":             ("O",   "",    "O",       ""),
    "change_own_alias":    ("OGM", "OGM", "OGM",     "OGM"),
    "change_others_alias": ("OG",  "OG",  "OG",      "OG"),
    "mute_members":        ("OG",  "",    "OG",      ""),
}
# fmt: on

_RANKS: Final[dict[Role, Rank]] = {"owner": "O", "manager": "G", "removed": "X"}
_RANK_NAMES: Final = {"O": "its owner", "G": "managers", "M": "members", "X": "people outside"}


def rank(member: Member | None) -> Rank:
    """The rank of a member record; muted and allowed members rank as members."""
    return "X" if member is None else _RANKS.get(member.role, "M")


def demand(action: Action, group: Group, member: Member | None) -> None:
    """Make sure that somebody with this member record (``None``: an outsider) may do this in this group.

    :raises NotAMember: members might, outsiders may not.
    :raises Forbidden: this rank may not, or nobody but an operator may.
    """
    allowed = PERMISSIONS[action][TYPES.index(group.type)]
    own = rank(member)
    if own in allowed:
        _demand_open_door(action, group, own, member)
        return
    if own == "X" and allowed:
        raise NotAMember(f"you are not a member of group {group.id}")
    who = " and ".join(_RANK_NAMES[letter] for letter in allowed) if allowed else "operators"
    raise Forbidden(f"in {group.type} groups only {who} may {action.replace('_', ' ')}")


def _demand_open_door(action: Action, group: Group, own: Rank, member: Member | None) -> None:
    if action == "join" and group.join_type != "open":
        raise Forbidden(f"nobody enters group {group.id} uninvited; ask {_inviters(group)} to add you")
    if action == "invite" and group.join_type == "managed" and own == "M":
        raise Forbidden(f"only owner and managers add people to group {group.id}")
    if action == "invite" and member is not None and member.role == "muted":
        raise Forbidden("muted members may not add people")


def _inviters(group: Group) -> str:
    return "the owner or a manager" if group.join_type == "managed" else "a member"
