"""The REST operations on groups, under ``/v1/groups``."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from balefire import USER_ID_PATTERN, Forbidden, Identity, InvalidInput, Member, Operation
from balefire_groups import belonging, life
from balefire_groups.desk import Desk, Operator
from balefire_groups.group import KIND, Group, GroupType, JoinType, NotAMember

Id = Annotated[str, Field(pattern=USER_ID_PATTERN)]
Text = Annotated[str, Field(max_length=256)]
Users = Annotated[list[Id], Field(min_length=1, max_length=10_000)]
PageSize = Annotated[int, Field(ge=1, le=1000)]
After = Annotated[str, Field(max_length=64, description="`next` of the page before")]
Acting = Annotated[
    str,
    Field(
        pattern=r"^([^\s,/#\x00-\x1f\x7f]{1,64})?$",
        description="who acts, for callers with scope admin; you if empty",
    ),
]


class NewGroup(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: Id | None = Field(None, description="made up when left out")
    name: Text = ""
    portrait: Annotated[str, Field(max_length=1024)] = ""
    extra: dict[str, Any] = {}
    owner: Id | None = Field(None, description="for operators; the caller when left out")
    type: GroupType = "normal"
    join_type: JoinType = "open"
    allows_private_chat: bool = True
    shows_history: bool = Field(False, description="newcomers may read what was said before they came")
    max_members: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    members: Annotated[list[Id], Field(max_length=10_000)] = []


class GroupChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Text | None = None
    portrait: Annotated[str, Field(max_length=1024)] | None = None
    extra: dict[str, Any] | None = None
    is_muted: bool | None = Field(None, description="only owner, managers and allowed members may speak")
    join_type: JoinType | None = None
    allows_private_chat: bool | None = None
    shows_history: bool | None = None
    type: GroupType | None = Field(None, description="operators only")
    max_members: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(None, description="operators only")


class MemberChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: belonging.GivenRole | None = None
    alias: Text | None = None


class UserList(BaseModel):
    model_config = ConfigDict(extra="forbid")

    users: Users


class NewOwner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    owner: Id


class GroupOut(BaseModel):
    """People outside see id, name, portrait, type and how to join."""

    id: str
    name: str
    portrait: str
    type: GroupType
    join_type: JoinType
    is_member: bool
    extra: dict[str, Any] = {}
    owner: str = ""
    is_muted: bool = False
    allows_private_chat: bool = True
    shows_history: bool = False
    max_members: int = 0
    member_count: int = 0
    created_at: int = 0
    updated_at: int = 0


class GroupMemberOut(BaseModel):
    user: str
    role: str
    alias: str
    joined_at: int


class GroupPage(BaseModel):
    items: list[GroupOut]
    next: str


class GroupMemberPage(BaseModel):
    items: list[GroupMemberOut]
    next: str


class ChangedUsers(BaseModel):
    users: list[str]


class GroupOperations:
    """Translates requests into changes at the desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> list[Operation]:
        read, write, tags = "messages:read", "groups:write", ("groups",)
        errors = {403: "not yours to do; the reason names the rule", 404: "no such group", 409: "state forbids it"}
        group, members = "/v1/groups/{group}", "/v1/groups/{group}/members"
        return [
            Operation(
                "POST", "/v1/groups", self.create_group, write, tags, status=201, errors=errors, is_idempotent=True
            ),
            Operation("GET", "/v1/groups", self.list_my_groups, read, tags, errors={403: "not your groups"}),
            Operation("GET", group, self.get_group, read, tags, errors=errors),
            Operation("PATCH", group, self.change_group, write, tags, errors=errors),
            Operation("DELETE", group, self.dissolve_group, write, tags, status=204, errors=errors),
            Operation("PUT", f"{group}/owner", self.transfer_group, write, tags, errors=errors),
            Operation("GET", members, self.list_group_members, read, tags, errors=errors),
            Operation("POST", members, self.add_group_members, write, tags, errors=errors),
            Operation("POST", f"{members}/remove", self.remove_group_members, write, tags, errors=errors),
            Operation("PATCH", f"{members}/{{user}}", self.change_group_member, write, tags, errors=errors),
            Operation("DELETE", f"{members}/{{user}}", self.remove_group_member, write, tags, 204, errors=errors),
        ]

    async def create_group(self, identity: Identity, body: NewGroup, operator: Acting = "") -> GroupOut:
        """Found a group. Its owner is the caller; operators may name another and found organisation groups."""
        who = _operator(identity, operator)
        fields = body.model_dump(exclude={"id", "owner", "members"})
        group = Group(id=body.id or "", owner=body.owner or who.user, **fields)
        return await self._out(await life.create(self._desk, who, group, body.members), who.user)

    async def list_my_groups(
        self, identity: Identity, user: Acting = "", after: After = "", limit: PageSize = 100
    ) -> GroupPage:
        """The groups you are in, in the order of their ids."""
        who = _operator(identity, user).user
        found = await self._desk.ctx.store.memberships(who, kinds=(KIND,))
        ids = sorted({conversation.target for conversation in found if conversation.target > after})
        groups = [group for group_id in ids[:limit] if (group := await self._desk.groups.fetch(group_id)) is not None]
        items = [await self._out(group, who) for group in groups if not group.is_dissolved]
        return GroupPage(items=items, next=ids[limit - 1] if len(ids) > limit else "")

    async def get_group(self, identity: Identity, group: Id) -> GroupOut:
        """What is known about a group. People outside see what they need in order to join it."""
        found = await self._desk.read(group)
        if not identity.may("admin") and await self._desk.place(found, identity.user) is None:
            return GroupOut(
                id=found.id,
                name=found.name,
                portrait=found.portrait,
                type=found.type,
                join_type=found.join_type,
                is_member=False,
            )
        return await self._out(found, identity.user)

    async def change_group(self, identity: Identity, group: Id, body: GroupChange, operator: Acting = "") -> GroupOut:
        """Change what is given. Each change is announced in the group."""
        changes = {key: value for key, value in body.model_dump(exclude_unset=True).items() if value is not None}
        who = _operator(identity, operator)
        return await self._out(await life.change(self._desk, who, group, changes), who.user)

    async def dissolve_group(self, identity: Identity, group: Id, operator: Acting = "") -> None:
        """End a group for everyone. Its id is never given out again."""
        await life.dissolve(self._desk, _operator(identity, operator), group)

    async def transfer_group(self, identity: Identity, group: Id, body: NewOwner, operator: Acting = "") -> GroupOut:
        """Make another member the owner; the old owner becomes an ordinary member."""
        who = _operator(identity, operator)
        return await self._out(await life.transfer(self._desk, who, group, body.owner), who.user)

    async def list_group_members(
        self, identity: Identity, group: Id, after: After = "", limit: PageSize = 100
    ) -> GroupMemberPage:
        """Who is in, in the order of their ids. For members only."""
        found = await self._desk.read(group)
        if await self._desk.place(found, identity.user) is None and not identity.may("admin"):
            raise NotAMember(f"you are not a member of group {group}")
        members = await self._desk.ctx.members.list(found.conversation, after=after, limit=limit)
        items = [_member_out(member) for member in members]
        return GroupMemberPage(items=items, next=items[-1].user if len(items) == limit else "")

    async def add_group_members(
        self, identity: Identity, group: Id, body: UserList, operator: Acting = ""
    ) -> ChangedUsers:
        """Add people, or yourself where the group is open. Those who are in already are left as they are."""
        added = await belonging.add(self._desk, _operator(identity, operator), group, body.users)
        return ChangedUsers(users=[member.user for member in added])

    async def remove_group_members(
        self, identity: Identity, group: Id, body: UserList, operator: Acting = ""
    ) -> ChangedUsers:
        """Take several members out, with one notice."""
        gone = await belonging.remove(self._desk, _operator(identity, operator), group, body.users)
        return ChangedUsers(users=list(gone))

    async def change_group_member(
        self, identity: Identity, group: Id, user: Id, body: MemberChange, operator: Acting = ""
    ) -> GroupMemberOut:
        """Give a member a role (manager, member, muted, allowed) or an alias."""
        who = _operator(identity, operator)
        member: Member | None = None
        if body.role is not None:
            member = await belonging.give_role(self._desk, who, group, user, body.role)
        if body.alias is not None:
            member = await belonging.give_alias(self._desk, who, group, user, body.alias)
        if member is None:
            raise InvalidInput("there is nothing to change; give a role, an alias, or both", where="body")
        return _member_out(member)

    async def remove_group_member(self, identity: Identity, group: Id, user: Id, operator: Acting = "") -> None:
        """Take a member out, or leave the group yourself. A leaving owner is succeeded; the last one ends it."""
        await belonging.remove(self._desk, _operator(identity, operator), group, [user])

    async def _out(self, group: Group, reader: str) -> GroupOut:
        is_member = await self._desk.place(group, reader) is not None
        count = await self._desk.ctx.members.count(group.conversation)
        fields = {name: getattr(group, name) for name in group.__struct_fields__ if name != "is_dissolved"}
        return GroupOut(**fields, is_member=is_member, member_count=count)


def _operator(identity: Identity, acting_for: str) -> Operator:
    is_admin = identity.may("admin")
    if acting_for and acting_for != identity.user and not is_admin:
        raise Forbidden("only callers with scope admin may act for others", where="query.operator")
    return Operator(acting_for or identity.user, is_admin)


def _member_out(member: Member) -> GroupMemberOut:
    return GroupMemberOut(user=member.user, role=member.role, alias=member.alias, joined_at=member.joined_at)
