"""A group's record and the refusals that are about groups."""

from typing import Any, Final, Literal

import msgspec

from balefire import Conflict, Conversation, Forbidden, NotFound

KIND: Final = "group"

GroupType = Literal["normal", "free", "restricted", "organisation"]
"""normal: friends, everyone invites, the owner decides; free: no hierarchy, nobody may dissolve it; restricted:
everything through owner and managers; organisation: mirrors a unit, changed by operators only."""

JoinType = Literal["open", "invited", "managed"]
"""Who may enter: anyone on their own, whom a member invites, or whom owner or managers invite."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a group. Its members are member records of the conversation ``group/<id>``.

    ``shows_history``: newcomers may read what was said before they came. ``allows_private_chat`` is advice to client
    programs. ``max_members`` 0 = the server's limit. Times are milliseconds since the epoch.
    """

    id: str
    name: str = ""
    portrait: str = ""
    extra: dict[str, Any] = {}
    owner: str = ""
    type: GroupType = "normal"
    join_type: JoinType = "open"
    is_muted: bool = False
    allows_private_chat: bool = True
    shows_history: bool = False
    max_members: int = 0
    is_dissolved: bool = False
    created_at: int = 0
    updated_at: int = 0

    @property
    def conversation(self) -> Conversation:
        return Conversation(KIND, self.id)


class NoSuchGroup(NotFound):
    """The group never existed, or was dissolved."""

    code = "no_such_group"


class NotAMember(Forbidden):
    """Only members may do this."""

    code = "not_a_member"


class AlreadyMember(Conflict):
    """Everyone named is in the group already."""

    code = "already_member"


class GroupFull(Conflict):
    """The group has as many members as it may have."""

    code = "group_full"
