"""Who may speak in a group (domain rules 5.4), and who may take messages back (5.13)."""

from typing import Final

from balefire import Denied, Member, Message
from balefire_groups.group import Group

_SPEAKS_WHILE_MUTED: Final = frozenset({"manager", "allowed"})


def refusal(group: Group, member: Member | None) -> Denied | None:
    """Why this person may not speak now; ``None`` if they may."""
    if member is None or member.role == "removed":
        return Denied("not_a_member", f"you are not a member of group {group.id}")
    if member.role == "owner":
        return None
    if member.role == "muted":
        return Denied("muted", f"you have been muted in group {group.id}")
    if group.is_muted and member.role not in _SPEAKS_WHILE_MUTED:
        return Denied("group_muted", f"only owner and managers may speak in group {group.id} now")
    return None


def may_recall(message: Message, by: Member | None, author: Member | None) -> bool:
    """Owners take back anything, managers what ordinary members said; nobody's own time limit is lifted but theirs."""
    if by is None:
        return False
    if by.role == "owner":
        return True
    if by.role != "manager" or message.sender == by.user:
        return False
    return author is None or author.role not in {"owner", "manager"}
