"""Where groups are changed: one change at a time per group, with the operator's own place in it at hand."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakValueDictionary

import msgspec

from balefire import InvalidInput, LoadingCache, Member, Payload, PluginContext, Submission
from balefire_groups.group import Group, NoSuchGroup
from balefire_groups.permissions import Action, demand
from balefire_groups.records import GroupTable

USERS_A_NOTICE: Final = 500
"""Longer lists of users are announced in several notices, each well below the size limit of a message."""

USERS_A_LOOKUP: Final = 500


@dataclass(frozen=True, slots=True)
class Operator:
    """Who changes a group. Admins are operators of the platform: the permission table does not bind them."""

    user: str
    is_admin: bool = False


class Desk:
    """Opens groups for reading and changing. Safe to call concurrently on one event loop."""

    def __init__(
        self, ctx: PluginContext[Any], table: GroupTable, groups: LoadingCache[str, Group], max_members: int
    ) -> None:
        self.ctx = ctx
        self.table = table
        self.groups = groups
        self.max_members = max_members
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def read(self, group_id: str) -> Group:
        """The record of a group that exists.

        :raises NoSuchGroup: it does not, or no longer.
        """
        group = await self.groups.fetch(group_id)
        if group is None or group.is_dissolved:
            raise NoSuchGroup(f"there is no group {group_id}")
        return group

    async def place(self, group: Group, user: str) -> Member | None:
        """Somebody's member record while they are in; ``None`` if they are not."""
        found = self.ctx.members.get(group.conversation, user)
        member = found if found is None or isinstance(found, Member) else await found
        return None if member is None or member.role == "removed" else member

    @asynccontextmanager
    async def locked(self, group_id: str) -> AsyncIterator[None]:
        """Nobody else on this node changes the group meanwhile."""
        lock = self._locks.setdefault(group_id, asyncio.Lock())
        async with lock:
            yield

    @asynccontextmanager
    async def opened(self, group_id: str, operator: Operator) -> AsyncIterator["OpenGroup"]:
        """A group that exists, locked, for an operator to change.

        :raises NoSuchGroup: it does not exist.
        """
        async with self.locked(group_id):
            group = await self.read(group_id)
            yield OpenGroup(self, group, operator, await self.place(group, operator.user))

    async def demand_users(self, users: Sequence[str]) -> None:
        """Make sure that these users exist.

        :raises InvalidInput: naming some of those who do not.
        """
        unknown: list[str] = []
        for start in range(0, len(users), USERS_A_LOOKUP):
            asked = users[start : start + USERS_A_LOOKUP]
            found = await self.ctx.directory.get(asked)
            unknown += [user for user in asked if user not in found]
        if unknown:
            raise InvalidInput(f"there is no user {', '.join(unknown[:5])}", where="body.users")


class OpenGroup:
    """A group while it is being changed. ``member`` is the operator's own record, ``None`` for an outsider."""

    def __init__(self, desk: Desk, group: Group, operator: Operator, member: Member | None) -> None:
        self.desk = desk
        self.group = group
        self.operator = operator
        self.member = member
        self.members = desk.ctx.members

    def demand(self, action: Action) -> None:
        """Make sure the operator may do this.

        :raises Forbidden: with the rule.
        """
        if not self.operator.is_admin:
            demand(action, self.group, self.member)

    async def place(self, user: str) -> Member | None:
        """See ``Desk.place``."""
        return await self.desk.place(self.group, user)

    async def save(self, **changes: Any) -> None:
        """Write changed columns of the record; the next message sees them."""
        now = self.desk.ctx.clock.now_ms()
        self.group = msgspec.structs.replace(self.group, **changes, updated_at=now)
        await self.desk.table.replace(self.group)
        self.desk.groups.forget(self.group.id)

    async def tell(self, notice: str, **fields: Any) -> None:
        """Say in the group what the operator did."""
        operator = self.operator.user
        await self.desk.ctx.submit(
            Submission(
                sender=operator,
                conversation=self.group.conversation,
                payload=Payload(f"group.{notice}", {"operator": operator, **fields}),
                client_message_id=f"notice-{uuid.uuid4().hex}",
                origin="admin",
            )
        )

    async def tell_of_users(self, notice: str, users: Iterable[str], **fields: Any) -> None:
        """``tell`` with a list of users, however long."""
        listed = list(users)
        for start in range(0, len(listed), USERS_A_NOTICE):
            await self.tell(notice, users=listed[start : start + USERS_A_NOTICE], **fields)
