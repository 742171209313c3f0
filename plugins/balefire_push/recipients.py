"""Reads the log and finds who should be pushed to: the audience, without those who are online and the sender."""

from collections.abc import Sequence
from typing import Any, Final

from balefire import (
    Audience,
    BalefireError,
    Conversation,
    Event,
    Member,
    Message,
    PluginContext,
)
from balefire_push.deciding import Recipient, RecipientDesk

PAGE: Final = 1000
DIRECTORY_PAGE: Final = 50


class Recipients:
    """The event consumer "push". A message among people who are all online costs two look-ups in memory.

    Everything it does may be done again after a crash: the outbox takes each notification once.
    """

    name = "push"

    def __init__(self, ctx: PluginContext[Any], desk: RecipientDesk) -> None:
        self._ctx, self._desk = ctx, desk

    async def consume(self, events: Sequence[Event]) -> None:
        """See ``EventConsumer.consume``."""
        kinds = self._ctx.providers.conversation_kinds
        is_online = self._ctx.sessions.is_online
        absent: list[Recipient] = []
        to_members: dict[Conversation, list[Message]] = {}
        to_everyone: list[Message] = []
        recalled: list[int] = []
        for event in events:
            message = event.message
            if message is None:
                if event.kind == "message.recalled":
                    recalled.append(int(event.data.get("message", 0)))
                continue
            kind = kinds.get(message.conversation.kind)
            if kind is None or message.is_recalled:
                continue
            try:
                audience = kind.audience(message)
                if type(audience) is not Audience:
                    audience = await audience  # type: ignore[misc]  # what is no audience is an awaitable of one
            except BalefireError:  # the store is away: the event comes again
                raise
            except Exception:  # a plugin's code: what comes after this message must not wait for it
                self._ctx.log.exception("conversation kind %r names no audience, so nobody is pushed to", kind.name)
                continue
            if audience.scope == "users":
                for user in audience.users:
                    if user != message.sender and not is_online(user):
                        absent.append(Recipient(message, user))  # noqa: PERF401 - rarely appends: stay with the loop
            elif audience.scope == "members":
                to_members.setdefault(message.conversation, []).append(message)
            else:
                to_everyone.append(message)
        if recalled:
            await self._desk.call_off(recalled)
        if absent:
            await self._desk.consider(absent)
        for conversation, messages in to_members.items():
            await self._tell_members(conversation, messages)
        if to_everyone:
            await self._tell_everyone(to_everyone)

    async def _tell_members(self, conversation: Conversation, messages: Sequence[Message]) -> None:
        after = ""
        while True:
            page = await self._ctx.store.members(conversation, after=after, limit=PAGE, only_reachable=True)
            absent = [member for member in page if not self._ctx.sessions.is_online(member.user)]
            await self._desk.consider(
                [
                    Recipient(message, member.user, member)
                    for message in messages
                    for member in absent
                    if _concerns(message, member)
                ]
            )
            if len(page) < PAGE:
                return
            after = page[-1].user

    async def _tell_everyone(self, messages: Sequence[Message]) -> None:
        after = ""
        while users := await self._ctx.directory.search("", after=after, limit=DIRECTORY_PAGE):
            await self._desk.consider(
                [
                    Recipient(message, user.id)
                    for message in messages
                    for user in users
                    if user.id != message.sender
                    and user.kind == "person"
                    and message.is_for(user.id)
                    and not self._ctx.sessions.is_online(user.id)
                ]
            )
            after = users[-1].id


def _concerns(message: Message, member: Member) -> bool:
    return (
        member.user != message.sender
        and message.seq >= member.visible_from_seq
        and (not message.to or message.is_for(member.user))
    )
