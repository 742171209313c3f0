"""Creating, changing, handing over and closing channels, and who publishes in them."""

import secrets
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from balefire import Conflict, Forbidden, PluginContext, Role
from balefire_channels.book import ChannelBook
from balefire_channels.channel import MAX_PUBLISHERS, Channel, NotStaff
from balefire_channels.subscriptions import Subscriptions

OPERATORS_ONLY: Final = frozenset({"is_private", "is_global", "accepts_unsubscribed", "may_enrol"})
"""Flags that reach beyond the owner's own followers (domain rules 10.1)."""


class ChannelDesk:
    """Changes channels. ``is_admin`` marks an operator of the platform, whom the owner's rights do not bind."""

    def __init__(self, ctx: PluginContext[Any], book: ChannelBook, subscriptions: Subscriptions) -> None:
        self._ctx = ctx
        self._book = book
        self._subscriptions = subscriptions
        self._closed: dict[str, Channel] = {}

    async def create(self, channel: Channel, *, by: str, is_admin: bool) -> Channel:
        """Open a channel; ``channel.id`` may be empty.

        :raises Conflict: the id is taken. :raises Forbidden: flags or owners that only operators set.
        """
        if not is_admin:
            _demand_no_flags({flag for flag in OPERATORS_ONLY if getattr(channel, flag)})
            if channel.owner != by:
                raise Forbidden("only operators open channels for others", where="body.owner")
        channel_id = channel.id or secrets.token_urlsafe(12).strip("-_")
        channel = await self._book.enter(msgspec.structs.replace(channel, id=channel_id))
        await self._give_role(channel, channel.owner, "owner", by)
        for publisher in channel.publishers:
            await self._give_role(channel, publisher, "manager", by)
        return channel

    async def change(self, channel_id: str, changes: dict[str, Any], *, by: str, is_admin: bool) -> Channel:
        """Change fields of the record.

        :raises NotStaff: not the owner. :raises Forbidden: flags that only operators set.
        """
        self._demand_owner(channel_id, by, is_admin)
        if not is_admin:
            _demand_no_flags(OPERATORS_ONLY & changes.keys())
        return await self._book.change(channel_id, **changes)

    async def transfer(self, channel_id: str, owner: str, *, by: str, is_admin: bool) -> Channel:
        """Give the channel to somebody else; the old owner goes on as a publisher."""
        channel = self._demand_owner(channel_id, by, is_admin)
        if owner == channel.owner:
            return channel
        publishers = tuple(user for user in (*channel.publishers, channel.owner) if user != owner)
        changed = await self._book.change(channel_id, owner=owner, publishers=publishers)
        await self._give_role(changed, owner, "owner", by)
        await self._give_role(changed, channel.owner, "manager", by)
        return changed

    async def appoint(self, channel_id: str, user: str, *, by: str, is_admin: bool) -> None:
        """Let somebody publish. Appointing twice changes nothing.

        :raises Conflict: the channel has as many publishers as it may have.
        """
        channel = self._demand_owner(channel_id, by, is_admin)
        if channel.is_staff(user):
            return
        if len(channel.publishers) >= MAX_PUBLISHERS:
            raise Conflict(f"a channel has at most {MAX_PUBLISHERS} publishers")
        channel = await self._book.change(channel_id, publishers=(*channel.publishers, user))
        await self._give_role(channel, user, "manager", by)

    async def dismiss(self, channel_id: str, user: str, *, by: str, is_admin: bool) -> None:
        """Take the right to publish away; they go on as a subscriber."""
        channel = self._demand_owner(channel_id, by, is_admin)
        if user not in channel.publishers:
            return
        publishers = tuple(publisher for publisher in channel.publishers if publisher != user)
        channel = await self._book.change(channel_id, publishers=publishers)
        await self._give_role(channel, user, "subscriber", by)

    async def close(self, channel_id: str, *, by: str, is_admin: bool) -> None:
        """End the channel. It refuses messages at once; its subscriptions are cleared in the background."""
        self._demand_owner(channel_id, by, is_admin)
        channel = await self._book.change(channel_id, is_closed=True)
        self.remember_closed([channel])
        self._ctx.spawn(self.clear_closed(), name=f"clear channel {channel_id}")

    def remember_closed(self, channels: Iterable[Channel]) -> None:
        """Channels whose subscriptions may not all be cleared yet."""
        self._closed |= {channel.id: channel for channel in channels}

    async def clear_closed(self) -> None:
        """Take everyone out of closed channels; goes on where a stop has cut it short."""
        for channel in tuple(self._closed.values()):
            await self._subscriptions.clear(channel)
            self._closed.pop(channel.id, None)

    def _demand_owner(self, channel_id: str, by: str, is_admin: bool) -> Channel:
        channel = self._book.demand(channel_id)
        if not is_admin and channel.owner != by:
            raise NotStaff(f"only the owner of channel {channel_id} may do this")
        return channel

    async def _give_role(self, channel: Channel, user: str, role: Role, by: str) -> None:
        member = await self._subscriptions.find(channel, user)
        if member is None:
            await self._ctx.members.add(channel.conversation, [user], role=role, by=by)
        else:
            await self._ctx.members.update(channel.conversation, user, role=role, by=by)


def _demand_no_flags(flags: set[str] | frozenset[str]) -> None:
    if flags:
        named = ", ".join(sorted(flags))
        raise Forbidden(f"only operators set {named}", where=f"body.{min(flags)}")
