"""Subscribing and unsubscribing, one by one and in bulk."""

from collections.abc import Sequence
from typing import Any, Final

from balefire import InvalidInput, Member, PluginContext
from balefire_channels.channel import Channel, NoSubscriptions

USERS_A_LOOKUP: Final = 500
USERS_AN_EVENT: Final = 1000


class Subscriptions:
    """Who follows which channel. Changes are durable when they return, then told to events and hooks."""

    def __init__(self, ctx: PluginContext[Any]) -> None:
        self._ctx = ctx

    async def add(self, channel: Channel, users: Sequence[str], *, by: str) -> Sequence[str]:
        """Subscribe users; returns those who did not already. Costs nothing per subscriber when a post is sent.

        :param users: at most 10 000.
        :raises InvalidInput: naming some who do not exist. :raises NoSubscriptions: the channel is global.
        """
        if channel.is_global:
            raise NoSubscriptions(f"channel {channel.id} reaches everyone; there is nothing to subscribe to")
        await self.demand_users(users)
        first = 0 if channel.shows_history else await self._ctx.store.last_seq(channel.conversation) + 1
        added = await self._ctx.members.add(
            channel.conversation, users, role="subscriber", visible_from_seq=first, by=by
        )
        new = [member.user for member in added]
        await self._emit("channel.subscribed", channel, new, by)
        for user in new:
            await self._ctx.hooks.on_channel_subscribed(channel.conversation, user)
        return new

    async def remove(self, channel: Channel, users: Sequence[str], *, by: str) -> Sequence[str]:
        """End subscriptions; returns whose. Staff are not subscribers and stay."""
        leaving = [user for user in users if not channel.is_staff(user)]
        gone = list(await self._ctx.members.remove(channel.conversation, leaving, by=by))
        await self._emit("channel.unsubscribed", channel, gone, by)
        for user in gone:
            await self._ctx.hooks.on_channel_unsubscribed(channel.conversation, user)
        return gone

    async def find(self, channel: Channel, user: str) -> Member | None:
        """Somebody's record while they subscribe or are staff."""
        found = self._ctx.members.get(channel.conversation, user)
        member = found if found is None or isinstance(found, Member) else await found
        return None if member is None or member.role == "removed" else member

    async def clear(self, channel: Channel) -> None:
        """Take everyone out of a channel that was closed; may be repeated."""
        while found := await self._ctx.members.list(channel.conversation):
            await self._ctx.members.remove(channel.conversation, [member.user for member in found])

    async def _emit(self, kind: str, channel: Channel, users: Sequence[str], by: str) -> None:
        """One event for up to a thousand users; ``data.users`` lists them, ``user`` names one who is alone."""
        for start in range(0, len(users), USERS_AN_EVENT):
            listed = list(users[start : start + USERS_AN_EVENT])
            user = listed[0] if len(listed) == 1 else ""
            await self._ctx.emit(kind, conversation=channel.conversation, user=user, data={"users": listed, "by": by})

    async def demand_users(self, users: Sequence[str]) -> None:
        """Make sure that these users exist.

        :raises InvalidInput: naming some of those who do not.
        """
        for start in range(0, len(users), USERS_A_LOOKUP):
            asked = users[start : start + USERS_A_LOOKUP]
            found = await self._ctx.directory.get(asked)
            if len(found) < len(asked):
                unknown = [user for user in asked if user not in found]
                if unknown:
                    raise InvalidInput(f"there is no user {', '.join(unknown[:5])}", where="body.users")
