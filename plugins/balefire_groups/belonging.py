"""Entering and leaving groups, roles and aliases of their members."""

from collections.abc import Sequence
from typing import Final, Literal

from balefire import Forbidden, Member, NotFound
from balefire_groups import life
from balefire_groups.desk import Desk, OpenGroup, Operator
from balefire_groups.group import AlreadyMember, GroupFull

GivenRole = Literal["manager", "member", "muted", "allowed"]
"""Roles that are given; owners are made by transfer."""

_NOTICES: Final = {"manager": "managers_changed", "muted": "members_muted", "allowed": "members_allowed"}


async def add(desk: Desk, operator: Operator, group_id: str, users: Sequence[str]) -> Sequence[Member]:
    """Enter users, or oneself; those who are in already are left as they are. Returns the new ones.

    :raises AlreadyMember: all of them are in. :raises GroupFull: they do not fit.
    """
    async with desk.opened(group_id, operator) as room:
        new = [user for user in dict.fromkeys(users) if await room.place(user) is None]
        room.demand("join" if list(users) == [operator.user] and new else "invite")
        if not new:
            raise AlreadyMember(f"all of them are members of group {group_id} already", where="body.users")
        await _demand_space(room, len(new))
        await desk.demand_users(new)
        added = await room.members.add(
            room.group.conversation, new, visible_from_seq=await _first_visible(room), by=operator.user
        )
        await room.tell_of_users("members_added", [member.user for member in added])
        return added


async def _demand_space(room: OpenGroup, more: int) -> None:
    limit = room.group.max_members or room.desk.max_members
    if not room.operator.is_admin and await room.members.count(room.group.conversation) + more > limit:
        raise GroupFull(f"group {room.group.id} has at most {limit} members", where="body.users")


async def _first_visible(room: OpenGroup) -> int:
    """Newcomers read from their own arrival on, unless the group shows them its history."""
    if room.group.shows_history:
        return 0
    return await room.desk.ctx.store.last_seq(room.group.conversation) + 1


async def remove(desk: Desk, operator: Operator, group_id: str, users: Sequence[str]) -> Sequence[str]:
    """Take members out, or leave. Returns who went.

    :raises NotFound: none of them is a member. :raises Forbidden: the owner can only leave.
    """
    async with desk.opened(group_id, operator) as room:
        if list(users) == [operator.user] and room.member is not None:
            await _quit(room)
            return (operator.user,)
        room.demand("kick")
        if room.group.owner in users:
            raise Forbidden(f"the owner of group {group_id} cannot be removed; transfer the group first")
        gone = [user for user in dict.fromkeys(users) if await room.place(user) is not None]
        if not gone:
            raise NotFound(f"none of them is a member of group {group_id}")
        await room.tell_of_users("members_removed", gone)  # while those who go still hear it
        return await room.members.remove(room.group.conversation, gone, by=operator.user)


async def _quit(room: OpenGroup) -> None:
    room.demand("quit")
    user, group = room.operator.user, room.group
    if user == group.owner and not await _settle_succession(room):
        await life.close(room)
        return
    await room.members.remove(group.conversation, [user], by=user)
    await room.tell("member_left")


async def _settle_succession(room: OpenGroup) -> bool:
    """An owner leaves: find the next one. False when nobody is left and the group has to end."""
    others = [m for m in await room.members.list(room.group.conversation) if m.user != room.operator.user]
    if room.group.type == "free":
        await room.save(owner="")
        return True
    if not others:
        return False
    heir = min(others, key=lambda member: (member.role != "manager", member.joined_at, member.user))
    await life.hand_over(room, heir.user)
    return True


async def give_role(desk: Desk, operator: Operator, group_id: str, user: str, role: GivenRole) -> Member:
    """Appoint and dismiss managers, mute and unmute members, allow members to speak while the group is muted.

    :raises NotFound: no such member. :raises Forbidden: not the operator's to give, or it is the owner.
    """
    async with desk.opened(group_id, operator) as room:
        member = await _member(room, user)
        if member.role == "owner":
            raise Forbidden(f"{user} owns group {group_id}; transfer the group first")
        changed: set[str] = {member.role, role}
        if "manager" in changed:
            room.demand("appoint")
        if changed & {"muted", "allowed"} or changed == {"member"}:
            room.demand("mute_members")
        if member.role == role:
            return member
        updated = await room.members.update(room.group.conversation, user, role=role, by=operator.user)
        for affected, on in ((str(member.role), False), (role, True)):
            if affected in _NOTICES:
                await room.tell(_NOTICES[affected], users=[user], on=on)
        return updated


async def give_alias(desk: Desk, operator: Operator, group_id: str, user: str, alias: str) -> Member:
    """Set what a member is called in the group; an empty alias takes it away.

    :raises NotFound: no such member. :raises Forbidden: somebody else's, and the operator may not.
    """
    async with desk.opened(group_id, operator) as room:
        room.demand("change_own_alias" if user == operator.user else "change_others_alias")
        member = await _member(room, user)
        if member.alias == alias:
            return member
        updated = await room.members.update(room.group.conversation, user, alias=alias, by=operator.user)
        await room.tell("alias_changed", user=user, alias=alias)
        return updated


async def _member(room: OpenGroup, user: str) -> Member:
    member = await room.place(user)
    if member is None:
        raise NotFound(f"{user} is not a member of group {room.group.id}", where="path.user")
    return member
