"""Creating, changing, handing over and dissolving groups."""

import secrets
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy.exc import IntegrityError

from balefire import Conflict, Forbidden, InvalidInput
from balefire_groups.desk import Desk, OpenGroup, Operator
from balefire_groups.group import Group, GroupFull, NotAMember
from balefire_groups.permissions import Action

_ACTIONS: Final[dict[str, Action]] = {
    "name": "change_profile",
    "portrait": "change_profile",
    "extra": "change_extra",
    "is_muted": "mute_all",
    "allows_private_chat": "change_private_chat",
    "join_type": "change_join_type",
    "shows_history": "change_history",
}
_ADMINS_ONLY: Final = frozenset({"type", "max_members"})


async def create(desk: Desk, operator: Operator, group: Group, users: Sequence[str]) -> Group:
    """Found a group; ``group.id`` may be empty. The owner is entered last: a creation cut short may be repeated.

    :param users: the first members besides the owner.
    :raises Conflict: the id is taken. :raises Forbidden: only admins make organisation groups.
    :raises GroupFull, InvalidInput: too many users, or unknown ones.
    """
    _demand_creation(desk, operator, group, users)
    now = desk.ctx.clock.now_ms()
    group = msgspec.structs.replace(
        group, id=group.id or secrets.token_urlsafe(12).strip("-_"), created_at=now, updated_at=now
    )
    others = [user for user in dict.fromkeys(users) if user != group.owner]
    await desk.demand_users([group.owner, *others])
    async with desk.locked(group.id):
        await _enter_record(desk, group)
        if others:
            await desk.ctx.members.add(group.conversation, others, by=operator.user)
        await desk.ctx.members.add(group.conversation, [group.owner], role="owner", by=operator.user)
        await OpenGroup(desk, group, operator, None).tell("created", name=group.name)
    return group


def _demand_creation(desk: Desk, operator: Operator, group: Group, users: Sequence[str]) -> None:
    if operator.is_admin:
        return
    if group.owner != operator.user:
        raise Forbidden("only operators found groups for others", where="body.owner")
    if group.type == "organisation":
        raise Forbidden("only operators found organisation groups", where="body.type")
    if group.max_members:
        raise Forbidden("only operators set a limit of members", where="body.max_members")
    if len(users) >= desk.max_members:
        raise GroupFull(f"a group has at most {desk.max_members} members", where="body.users")


async def _enter_record(desk: Desk, group: Group) -> None:
    try:
        await desk.table.insert(group)
    except IntegrityError:
        there = await desk.table.load(group.id)
        is_unfinished = (
            there is not None and there.owner == group.owner and await desk.place(there, group.owner) is None
        )
        if there is None or there.is_dissolved or not is_unfinished:
            raise Conflict(f"there is a group {group.id} already; choose another id", where="body.id") from None
    desk.groups.forget(group.id)


async def change(desk: Desk, operator: Operator, group_id: str, changes: dict[str, Any]) -> Group:
    """Change fields of the record and announce each; what stays the same is not announced.

    :raises Forbidden, NotAMember, NoSuchGroup: see ``permissions``.
    """
    async with desk.opened(group_id, operator) as room:
        new = {key: value for key, value in changes.items() if getattr(room.group, key) != value}
        for key in changes:
            if key in _ADMINS_ONLY:
                _demand_admin(operator, key)
            else:
                room.demand(_ACTIONS[key])
        if new:
            await room.save(**new)
        for key, value in new.items():
            await _announce(room, key, value)
        return room.group


def _demand_admin(operator: Operator, key: str) -> None:
    if not operator.is_admin:
        raise Forbidden(f"only operators change {key}", where=f"body.{key}")


async def _announce(room: OpenGroup, key: str, value: Any) -> None:
    match key:
        case "name":
            await room.tell("renamed", name=value)
        case "portrait":
            await room.tell("portrait_changed", portrait=value)
        case "extra":
            await room.tell("extra_changed")
        case "is_muted":
            await room.tell("mute_all_changed", on=value)
        case "allows_private_chat":
            await room.tell("private_chat_changed", on=value)
        case "join_type":
            await room.tell("join_type_changed", join_type=value)


async def transfer(desk: Desk, operator: Operator, group_id: str, owner: str) -> Group:
    """Make another member the owner; the old owner becomes an ordinary member.

    :raises NotAMember: the new owner is not in the group (the reference does not ask).
    """
    async with desk.opened(group_id, operator) as room:
        room.demand("transfer")
        if await room.place(owner) is None:
            raise NotAMember(f"{owner} is not a member of group {group_id}; add them first", where="body.owner")
        if owner == room.group.owner:
            raise InvalidInput(f"{owner} owns group {group_id} already", where="body.owner")
        await hand_over(room, owner)
        return room.group


async def hand_over(room: OpenGroup, owner: str) -> None:
    """Swap the owners' roles, then the record. The new one first: a group is never without an owner."""
    old, conversation = room.group.owner, room.group.conversation
    await room.members.update(conversation, owner, role="owner", by=room.operator.user)
    if old and await room.place(old) is not None:
        await room.members.update(conversation, old, role="member", by=room.operator.user)
    await room.save(owner=owner)
    await room.tell("owner_transferred", owner=owner)


async def dissolve(desk: Desk, operator: Operator, group_id: str) -> None:
    """End a group for everyone. Its id is never given out again."""
    async with desk.opened(group_id, operator) as room:
        room.demand("dissolve")
        await close(room)


async def close(room: OpenGroup) -> None:
    """Announce the end while the members still hear it, then take everyone out.

    The owner goes last, so that a dissolution cut short may be repeated.
    """
    await room.tell("dissolved")
    conversation, owner, by = room.group.conversation, room.group.owner, room.operator.user
    while others := [member.user for member in await room.members.list(conversation) if member.user != owner]:
        await room.members.remove(conversation, others, by=by)
    await room.save(is_dissolved=True)
    await room.members.remove(conversation, [owner], by=by)
