"""Conversations over REST: the list, members, marks."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from balefire import Conversation, Identity, Member, Operation, PluginContext, Settings, Summary
from balefire_rest.acting import acting_user
from balefire_rest.fields import Acting, After, Cursor, Kind, Limit, Line, Target
from balefire_rest.messages import MessageView, conversation_key, message_view

Seq = Annotated[int, Field(ge=0, lt=2**53)]


class MemberView(BaseModel):
    """A user's place in a conversation. Their settings are shown to themselves only."""

    conversation: str
    user: str
    role: str
    alias: str
    read_seq: int = Field(description="what they have read")
    delivered_seq: int = Field(description="what their devices have received")
    joined_at: int = Field(description="milliseconds since the epoch")
    settings: dict[str, Any]


class MemberPage(Cursor):
    items: list[MemberView]


class ConversationView(BaseModel):
    """A line of a conversation list."""

    conversation: str
    last_seq: int
    unread: int
    member: MemberView
    last_message: MessageView | None


class ConversationPage(Cursor):
    items: list[ConversationView]


class Marks(BaseModel):
    model_config = ConfigDict(extra="forbid")

    read_seq: Seq = Field(0, description="read up to here")
    delivered_seq: Seq = Field(0, description="received up to here")


class ConversationApi:
    """Operations on conversations."""

    def __init__(self, ctx: PluginContext[Settings]) -> None:
        self._ctx = ctx

    def operations(self) -> list[Operation]:
        """What is registered."""
        tags, path = ("conversations",), "/v1/conversations/{kind}/{target}"
        gone = {404: "There is no such conversation, or it is not yours to see"}
        return [
            Operation("GET", "/v1/conversations", self.list_conversations, "messages:read", tags),
            Operation("GET", f"{path}/members", self.list_members, "messages:read", tags, errors=gone),
            Operation("POST", f"{path}/marks", self.mark_conversation, "messages:read", tags, errors=gone),
        ]

    async def list_conversations(
        self, identity: Identity, after: After = "", limit: Limit = 100, user: Acting = ""
    ) -> ConversationPage:
        """Your conversations with unread figures, in the order of their names."""
        found = await self._ctx.store.summaries(acting_user(identity, user), after=after, limit=limit)
        following = found[-1].conversation.key if len(found) == limit else ""
        return ConversationPage(items=[_summary_view(summary) for summary in found], next=following)

    async def list_members(
        self,
        kind: Kind,
        target: Target,
        identity: Identity,
        line: Line = 0,
        after: After = "",
        limit: Limit = 100,
    ) -> MemberPage:
        """The members of a conversation that you may read, in the order of their ids.

        Followers of a channel see themselves only: who else follows is for its staff.
        """
        conversation = self._ctx.resolve(conversation_key(kind, target, line), identity.user)
        if not identity.may("admin"):
            await self._ctx.visibility(conversation, identity.user)
            own = await self._own(conversation, identity.user)
            if own is None or own.role in ("subscriber", "removed"):
                return MemberPage(items=[_member_view(own, shows_settings=True)] if own else [], next="")
        found = await self._ctx.members.list(conversation, after=after, limit=limit)
        items = [_member_view(member, shows_settings=member.user == identity.user) for member in found]
        return MemberPage(items=items, next=found[-1].user if len(found) == limit else "")

    async def _own(self, conversation: Conversation, user: str) -> Member | None:
        found = self._ctx.members.get(conversation, user)
        return found if found is None or isinstance(found, Member) else await found

    async def mark_conversation(
        self, kind: Kind, target: Target, request: Marks, identity: Identity, line: Line = 0, user: Acting = ""
    ) -> MemberView:
        """Say what you have read and received. Marks never go back, and never beyond the last message."""
        reader = acting_user(identity, user)
        conversation = self._ctx.resolve(conversation_key(kind, target, line), reader)
        member = await self._ctx.members.mark(
            conversation, reader, read_seq=request.read_seq, delivered_seq=request.delivered_seq
        )
        return _member_view(member, shows_settings=True)


def _summary_view(summary: Summary) -> ConversationView:
    return ConversationView(
        conversation=summary.conversation.key,
        last_seq=summary.last_seq,
        unread=summary.unread,
        member=_member_view(summary.member, shows_settings=True),
        last_message=message_view(summary.last_message) if summary.last_message is not None else None,
    )


def _member_view(member: Member, *, shows_settings: bool) -> MemberView:
    return MemberView(
        conversation=member.conversation.key,
        user=member.user,
        role=member.role,
        alias=member.alias,
        read_seq=member.read_seq,
        delivered_seq=member.delivered_seq,
        joined_at=member.joined_at,
        settings=member.settings if shows_settings else {},
    )
