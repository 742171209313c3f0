"""The REST operations on channels, under ``/v1/channels`` and ``/v1/subscriptions``."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from balefire import Conversation, Forbidden, Identity, Member, Operation, PluginContext
from balefire_channels.bodies import (
    Changed,
    ChannelChange,
    ChannelOut,
    ChannelPage,
    Id,
    NewChannel,
    NewChannelOwner,
    SubscriberOut,
    SubscriberPage,
    Subscribers,
)
from balefire_channels.book import ChannelBook
from balefire_channels.channel import KIND, Channel, NoSuchChannel, NotStaff
from balefire_channels.life import ChannelDesk
from balefire_channels.subscriptions import Subscriptions

PageSize = Annotated[int, Field(ge=1, le=1000)]
After = Annotated[str, Field(max_length=64, description="`next` of the page before")]
Acting = Annotated[
    str,
    Field(
        pattern=r"^([^\s,/#\x00-\x1f\x7f]{1,64})?$",
        description="who acts, for callers with scope admin; you if empty",
    ),
]


class ChannelOperations:
    """Translates requests into changes of channels and subscriptions."""

    def __init__(
        self, ctx: PluginContext[Any], book: ChannelBook, desk: ChannelDesk, subscriptions: Subscriptions
    ) -> None:
        self._ctx = ctx
        self._book = book
        self._desk = desk
        self._subscriptions = subscriptions

    def operations(self) -> list[Operation]:
        read, write, tags = "messages:read", "channels:write", ("channels",)
        errors = {403: "not yours to do", 404: "no such channel", 409: "the channel's state forbids it"}
        channel = "/v1/channels/{channel}"
        mine, others = f"{channel}/subscription", f"{channel}/subscribers"
        publisher = f"{channel}/publishers/{{user}}"
        return [
            Operation(
                "POST", "/v1/channels", self.create_channel, write, tags, status=201, errors=errors, is_idempotent=True
            ),
            Operation("GET", "/v1/channels", self.search_channels, read, tags),
            Operation("GET", channel, self.get_channel, read, tags, errors=errors),
            Operation("PATCH", channel, self.change_channel, write, tags, errors=errors),
            Operation("DELETE", channel, self.close_channel, write, tags, status=204, errors=errors),
            Operation("PUT", f"{channel}/owner", self.transfer_channel, write, tags, errors=errors),
            Operation("PUT", publisher, self.appoint_publisher, write, tags, status=204, errors=errors),
            Operation("DELETE", publisher, self.dismiss_publisher, write, tags, status=204, errors=errors),
            Operation("GET", "/v1/subscriptions", self.list_my_subscriptions, read, tags, errors={403: "not yours"}),
            Operation("PUT", mine, self.subscribe, write, tags, status=204, errors=errors),
            Operation("DELETE", mine, self.unsubscribe, write, tags, status=204, errors=errors),
            Operation("GET", others, self.list_subscribers, read, tags, errors=errors),
            Operation("GET", f"{others}/{{user}}", self.get_subscriber, read, tags, errors=errors),
            Operation("POST", others, self.add_subscribers, write, tags, errors=errors),
            Operation("POST", f"{others}/remove", self.remove_subscribers, write, tags, errors=errors),
        ]

    async def create_channel(self, identity: Identity, body: NewChannel, operator: Acting = "") -> ChannelOut:
        """Open a channel. Its owner is the caller; operators may name another and set the wide-reaching flags."""
        by = _acting(identity, operator)
        owner = body.owner or by
        publishers = tuple(user for user in dict.fromkeys(body.publishers) if user != owner)
        await self._subscriptions.demand_users([owner, *publishers])
        fields = body.model_dump(exclude={"id", "owner", "publishers"})
        channel = Channel(id=body.id or "", owner=owner, publishers=publishers, **fields)
        return await self._out(await self._desk.create(channel, by=by, is_admin=identity.may("admin")), identity)

    async def search_channels(
        self,
        identity: Identity,
        text: Annotated[str, Field(max_length=64)] = "",
        after: After = "",
        limit: PageSize = 100,
    ) -> ChannelPage:
        """Public channels whose id or name contains the text, in the order of their ids."""
        found = self._book.search(text, after=after, limit=limit)
        return await self._page(found, found[-1].id if len(found) == limit else "", identity)

    async def get_channel(self, identity: Identity, channel: Id) -> ChannelOut:
        """What is known about a channel. Private ones are shown to staff and subscribers only."""
        return await self._out(await self._shown(channel, identity), identity)

    async def change_channel(
        self, identity: Identity, channel: Id, body: ChannelChange, operator: Acting = ""
    ) -> ChannelOut:
        """Change what is given."""
        changes = {key: value for key, value in body.model_dump(exclude_unset=True).items() if value is not None}
        by = _acting(identity, operator)
        changed = await self._desk.change(channel, changes, by=by, is_admin=identity.may("admin"))
        return await self._out(changed, identity)

    async def close_channel(self, identity: Identity, channel: Id, operator: Acting = "") -> None:
        """End a channel for everyone. Its id is never given out again."""
        await self._desk.close(channel, by=_acting(identity, operator), is_admin=identity.may("admin"))

    async def transfer_channel(
        self, identity: Identity, channel: Id, body: NewChannelOwner, operator: Acting = ""
    ) -> ChannelOut:
        """Give the channel to somebody else; the old owner goes on as a publisher."""
        by = _acting(identity, operator)
        await self._subscriptions.demand_users([body.owner])
        changed = await self._desk.transfer(channel, body.owner, by=by, is_admin=identity.may("admin"))
        return await self._out(changed, identity)

    async def appoint_publisher(self, identity: Identity, channel: Id, user: Id, operator: Acting = "") -> None:
        """Let somebody publish in the channel and answer its followers."""
        by = _acting(identity, operator)
        await self._subscriptions.demand_users([user])
        await self._desk.appoint(channel, user, by=by, is_admin=identity.may("admin"))

    async def dismiss_publisher(self, identity: Identity, channel: Id, user: Id, operator: Acting = "") -> None:
        """Take the right to publish away; they go on as a subscriber."""
        by = _acting(identity, operator)
        await self._desk.dismiss(channel, user, by=by, is_admin=identity.may("admin"))

    async def list_my_subscriptions(
        self, identity: Identity, user: Acting = "", after: After = "", limit: PageSize = 100
    ) -> ChannelPage:
        """The channels you subscribe to or work for, in the order of their ids."""
        found = await self._ctx.store.memberships(_acting(identity, user), kinds=(KIND,))
        ids = sorted({c.target for c in found if "," not in c.target and c.target > after})
        channels = [channel for channel_id in ids[:limit] if (channel := self._book.get(channel_id)) is not None]
        return await self._page(channels, ids[limit - 1] if len(ids) > limit else "", identity)

    async def subscribe(self, identity: Identity, channel: Id, user: Acting = "") -> None:
        """Subscribe to a channel. Subscribing twice changes nothing."""
        found = await self._shown(channel, identity)
        who = _acting(identity, user)
        await self._subscriptions.add(found, [who], by=who)

    async def unsubscribe(self, identity: Identity, channel: Id, user: Acting = "") -> None:
        """End your subscription. No error if there was none."""
        who = _acting(identity, user)
        await self._subscriptions.remove(self._book.demand(channel), [who], by=who)

    async def list_subscribers(
        self, identity: Identity, channel: Id, after: After = "", limit: PageSize = 100
    ) -> SubscriberPage:
        """Who subscribes, in the order of their ids. For staff."""
        found = self._demand_staff(channel, identity)
        members = await self._ctx.members.list(found.conversation, after=after, limit=limit)
        items = [_subscriber(member) for member in members if not found.is_staff(member.user)]
        return SubscriberPage(items=items, next=members[-1].user if len(members) == limit else "")

    async def get_subscriber(self, identity: Identity, channel: Id, user: Id) -> SubscriberOut:
        """Whether somebody subscribes. For staff, and for everyone about themselves."""
        found = self._book.demand(channel) if user == identity.user else self._demand_staff(channel, identity)
        member = await self._subscriptions.find(found, user)
        if member is None or found.is_staff(user):
            raise NoSuchChannel(f"{user} does not subscribe to channel {channel}", where="path.user")
        return _subscriber(member)

    async def add_subscribers(
        self, identity: Identity, channel: Id, body: Subscribers, operator: Acting = ""
    ) -> Changed:
        """Subscribe up to 10 000 users at once. For operators, and for staff whose channel may enrol people."""
        by = _acting(identity, operator)
        found = self._demand_enrolment(channel, identity)
        return Changed(changed=len(await self._subscriptions.add(found, body.users, by=by)))

    async def remove_subscribers(
        self, identity: Identity, channel: Id, body: Subscribers, operator: Acting = ""
    ) -> Changed:
        """End up to 10 000 subscriptions at once. For operators and staff."""
        by = _acting(identity, operator)
        found = self._demand_staff(channel, identity)
        return Changed(changed=len(await self._subscriptions.remove(found, body.users, by=by)))

    async def _shown(self, channel_id: str, identity: Identity) -> Channel:
        channel = self._book.demand(channel_id)
        is_open = not channel.is_private or identity.may("admin") or channel.is_staff(identity.user)
        if not is_open and await self._subscriptions.find(channel, identity.user) is None:
            raise NoSuchChannel(f"there is no channel {channel_id}")
        return channel

    def _demand_staff(self, channel_id: str, identity: Identity) -> Channel:
        channel = self._book.demand(channel_id)
        if not identity.may("admin") and not channel.is_staff(identity.user):
            raise NotStaff(f"only owner and publishers of channel {channel_id} may do this")
        return channel

    def _demand_enrolment(self, channel_id: str, identity: Identity) -> Channel:
        channel = self._demand_staff(channel_id, identity)
        if not identity.may("admin") and not channel.may_enrol:
            raise Forbidden(f"people subscribe to channel {channel_id} themselves; an operator may let it enrol others")
        return channel

    async def _page(self, channels: Sequence[Channel], following: str, identity: Identity) -> ChannelPage:
        return ChannelPage(items=[await self._out(channel, identity) for channel in channels], next=following)

    async def _out(self, channel: Channel, identity: Identity) -> ChannelOut:
        is_staff = channel.is_staff(identity.user)
        member = await self._subscriptions.find(channel, identity.user)
        hidden = {"publishers", "is_closed"}
        fields = {name: getattr(channel, name) for name in channel.__struct_fields__ if name not in hidden}
        out = ChannelOut(**fields, is_staff=is_staff, is_subscribed=member is not None and not is_staff)
        if is_staff or identity.may("admin"):
            out.publishers = list(channel.publishers)
            out.subscriber_count = await self._count(channel.conversation, len(channel.staff))
        return out

    async def _count(self, conversation: Conversation, staff: int) -> int:
        return max(0, await self._ctx.members.count(conversation) - staff)


def _acting(identity: Identity, user: str) -> str:
    if user and user != identity.user and not identity.may("admin"):
        raise Forbidden("only callers with scope admin may act for others", where="query.operator")
    return user or identity.user


def _subscriber(member: Member) -> SubscriberOut:
    return SubscriberOut(user=member.user, subscribed_at=member.joined_at, read_seq=member.read_seq)
