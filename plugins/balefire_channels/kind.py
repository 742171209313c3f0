"""The rules of channel conversations.

``channel/news`` holds what the channel publishes; ``channel/news,alice`` is alice's thread with it. What a follower
addresses to ``channel/news`` goes on to their thread; staff (the owner and the publishers) publish by the same name,
and answer by naming the thread.
"""

import re
from collections.abc import Awaitable, Iterable
from typing import Final

import msgspec

from balefire import (
    EVERYONE,
    MEMBERS,
    USER_ID_PATTERN,
    Audience,
    Conversation,
    Denied,
    InvalidInput,
    Member,
    Members,
    Message,
    Submission,
    Visibility,
)
from balefire_channels.book import ChannelBook
from balefire_channels.channel import KIND, Channel

_ID: Final = re.compile(USER_ID_PATTERN)
_ALL: Final = Visibility()


class ChannelKind:
    """Implements ``ConversationKind``, ``Redirecting`` and ``Titled``."""

    name = KIND
    is_stored = True
    is_listed = True
    attaches_members = True

    def __init__(self, book: ChannelBook, members: Members) -> None:
        self._book = book
        self._members = members

    def resolve(self, target: str, speaker: str) -> str:
        channel_id, comma, follower = target.partition(",")
        if not _ID.fullmatch(channel_id) or (comma and not _ID.fullmatch(follower)):
            raise InvalidInput(
                f"{target!r} names no channel; write its id, or its id and a follower's joined by a comma", where="to"
            )
        return target

    def redirect(self, submission: Submission) -> Submission:
        conversation = submission.conversation
        channel = self._book.get(conversation.target)
        if channel is None or submission.origin in {"admin", "channel"} or channel.is_staff(submission.sender):
            return submission
        thread = Conversation(KIND, f"{channel.id},{submission.sender}", conversation.line)
        return msgspec.structs.replace(submission, conversation=thread)

    def authorize(self, submission: Submission) -> Denied | None | Awaitable[Denied | None]:
        channel_id, _, follower = submission.conversation.target.partition(",")
        channel = self._book.get(channel_id)
        if channel is None:
            return Denied("no_such_channel", f"there is no channel {channel_id}")
        if submission.conversation.line:
            return Denied("no_such_line", "channels have line 0 only")
        if submission.origin in {"admin", "channel"}:  # the channel's own voice: whoever lends it has asked its staff
            return None
        if not follower:
            return None if channel.is_staff(submission.sender) else _not_staff(channel)
        if submission.sender != follower and not channel.is_staff(submission.sender):
            return _not_yours(channel)
        if channel.is_global or channel.accepts_unsubscribed:
            return None
        member = self._members.get(channel.conversation, follower)
        if member is None or isinstance(member, Member):
            return _needs_subscription(channel, member)
        return self._authorize_later(channel, member)

    async def _authorize_later(self, channel: Channel, member: Awaitable[Member | None]) -> Denied | None:
        return _needs_subscription(channel, await member)

    def audience(self, message: Message) -> Audience | Awaitable[Audience]:
        channel_id, _, follower = message.conversation.target.partition(",")
        channel = self._book.get(channel_id)
        if channel is None:  # closed while the message was being stored
            return Audience("users", (message.sender,))
        if follower:
            return Audience("users", _directed(message, dict.fromkeys((follower, *channel.staff))))
        if message.to:
            return self._listed(channel, message)
        return EVERYONE if channel.is_global else MEMBERS

    async def _listed(self, channel: Channel, message: Message) -> Audience:
        """Of those a post is directed at, the ones whom the channel may reach; and its author."""
        users = message.to
        if not (channel.is_global or channel.accepts_unsubscribed):
            users = tuple([user for user in users if _is_in(await self._member(channel, user))])
        return Audience("users", tuple(dict.fromkeys((message.sender, *users))))

    def title(self, conversation: Conversation) -> str:
        channel = self._book.get(conversation.target.partition(",")[0])
        return channel.name if channel is not None else ""

    async def visibility(self, conversation: Conversation, reader: str) -> Visibility | Denied:
        channel_id, _, follower = conversation.target.partition(",")
        channel = self._book.get(channel_id)
        if channel is None:
            return Denied("no_such_channel", f"there is no channel {channel_id}")
        if channel.is_staff(reader):
            return _ALL
        if follower:
            return _ALL if reader == follower else _not_yours(channel)
        if channel.is_global:
            return _ALL
        member = await self._member(channel, reader)
        if member is None or member.role == "removed":
            return Denied("not_subscribed", f"you do not subscribe to channel {channel_id}")
        return Visibility(from_seq=member.visible_from_seq)

    def initial_members(self, conversation: Conversation) -> tuple[str, ...]:
        channel_id, _, follower = conversation.target.partition(",")
        channel = self._book.get(channel_id)
        if not follower or channel is None:
            return ()
        return tuple(dict.fromkeys((follower, *channel.staff)))

    def may_recall(self, message: Message, by: str) -> bool:
        channel = self._book.get(message.conversation.target.partition(",")[0])
        return (
            channel is not None
            and channel.is_staff(by)
            and (message.origin == "channel" or channel.is_staff(message.sender))
        )

    async def _member(self, channel: Channel, user: str) -> Member | None:
        member = self._members.get(channel.conversation, user)
        return member if member is None or isinstance(member, Member) else await member


def _is_in(member: Member | None) -> bool:
    return member is not None and member.role != "removed"


def _directed(message: Message, users: Iterable[str]) -> tuple[str, ...]:
    return tuple(user for user in users if message.is_for(user))


def _needs_subscription(channel: Channel, member: Member | None) -> Denied | None:
    if _is_in(member):
        return None
    return Denied("not_subscribed", f"channel {channel.id} talks with its subscribers only")


def _not_staff(channel: Channel) -> Denied:
    return Denied("not_staff", f"only owner and publishers of channel {channel.id} publish in it")


def _not_yours(channel: Channel) -> Denied:
    return Denied("not_a_member", f"this thread of channel {channel.id} is somebody else's")
