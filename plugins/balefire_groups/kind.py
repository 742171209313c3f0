"""The rules of group conversations as the message path asks for them: from memory once group and sender are known."""

import re
from collections.abc import Awaitable, Iterable
from typing import Final

from balefire import (
    MEMBERS,
    USER_ID_PATTERN,
    Audience,
    Conversation,
    Denied,
    InvalidInput,
    LoadingCache,
    Member,
    Members,
    Message,
    Submission,
    Visibility,
)
from balefire_groups import speech
from balefire_groups.group import KIND, Group

_GROUP_ID: Final = re.compile(USER_ID_PATTERN)


class GroupKind:
    """Implements ``ConversationKind`` and ``Titled``."""

    name = KIND
    is_stored = True
    is_listed = True
    attaches_members = True

    def __init__(self, groups: LoadingCache[str, Group], members: Members) -> None:
        self._groups = groups
        self._members = members

    def resolve(self, target: str, speaker: str) -> str:
        if not _GROUP_ID.fullmatch(target):
            raise InvalidInput(
                f"{target!r} can be no group's id; ids have 1 to 64 characters, no space or comma", where="to"
            )
        return target

    def authorize(self, submission: Submission) -> Denied | None | Awaitable[Denied | None]:
        group = self._groups.peek(submission.conversation.target)
        if group is None:
            return self._authorize_later(submission)
        if group.is_dissolved:
            return _missing(submission.conversation)
        if submission.conversation.line:
            return Denied("no_such_line", "groups have line 0 only")
        if submission.origin == "admin":
            return None
        member = self._members.get(submission.conversation, submission.sender)
        if member is None or isinstance(member, Member):
            return speech.refusal(group, member)
        return self._ask_member(group, member)

    async def _authorize_later(self, submission: Submission) -> Denied | None:
        if await self._groups.fetch(submission.conversation.target) is None:
            return _missing(submission.conversation)
        answer = self.authorize(submission)
        return answer if answer is None or isinstance(answer, Denied) else await answer

    async def _ask_member(self, group: Group, member: Awaitable[Member | None]) -> Denied | None:
        return speech.refusal(group, await member)

    def audience(self, message: Message) -> Audience | Awaitable[Audience]:
        return self._listed(message) if message.to else MEMBERS

    async def _listed(self, message: Message) -> Audience:
        """Of those a message is directed at, the ones who are in the group; and its author."""
        users = await self._present(message.conversation, message.to)
        return Audience("users", tuple(dict.fromkeys((message.sender, *users))))

    async def _present(self, conversation: Conversation, users: Iterable[str]) -> list[str]:
        records = [await self._member(conversation, user) for user in users]
        return [member.user for member in records if member is not None and member.role != "removed"]

    async def visibility(self, conversation: Conversation, reader: str) -> Visibility | Denied:
        group = await self._groups.fetch(conversation.target)
        member = await self._member(conversation, reader)
        if group is None or group.is_dissolved:
            return _missing(conversation)
        if member is None or member.role == "removed":
            return Denied("not_a_member", f"you are not a member of group {conversation.target}")
        return Visibility(from_seq=member.visible_from_seq)

    def initial_members(self, conversation: Conversation) -> tuple[str, ...]:
        return ()

    async def title(self, conversation: Conversation) -> str:
        group = await self._groups.fetch(conversation.target)
        return group.name if group is not None else ""

    async def may_recall(self, message: Message, by: str) -> bool:
        operator = await self._member(message.conversation, by)
        return speech.may_recall(message, operator, await self._member(message.conversation, message.sender))

    async def _member(self, conversation: Conversation, user: str) -> Member | None:
        member = self._members.get(conversation, user)
        return member if member is None or isinstance(member, Member) else await member


def _missing(conversation: Conversation) -> Denied:
    return Denied("no_such_group", f"there is no group {conversation.target}")
