"""Messages over REST: send, read back, take back."""

import hashlib
import secrets
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from balefire import (
    Conversation,
    Forbidden,
    Identity,
    Message,
    MessageFlags,
    NotFound,
    Operation,
    Payload,
    PluginContext,
    Settings,
    Submission,
)
from balefire_rest.acting import acting_user
from balefire_rest.fields import Acting, Cursor, Kind, Limit, Line, MessageId, Target, UserId

Seq = Annotated[int, Field(ge=0, lt=2**53)]


class Draft(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: Annotated[str, Field(min_length=1, max_length=64, description="content type: text, image …")]
    fields: dict[str, Any] = Field({}, description='what the content type asks for: {"text": "hello"}')
    mentions: list[Annotated[str, Field(max_length=64)]] = Field(
        [], max_length=500, description='user ids; "*" for all'
    )
    push_text: Annotated[str, Field(max_length=500)] = Field("", description="shown on lock screens instead")
    client_message_id: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        None, description="choose one and repeat with it until answered: the message is stored once"
    )
    to: list[UserId] = Field([], max_length=500, description="only these members get it")
    expires_after_ms: int = Field(0, ge=0, le=2**53, description="nobody is shown it later; 0 for never")
    sender: UserId | None = Field(None, description="in whose name, for callers with scope admin")


class MessageView(BaseModel):
    """A message. `seq` counts 1, 2, 3 … in its conversation."""

    id: str
    conversation: str
    seq: int
    sender: str
    client_message_id: str
    type: str
    fields: dict[str, Any]
    mentions: list[str]
    push_text: str
    to: list[str]
    origin: str
    at: int = Field(description="milliseconds since the epoch")
    expires_at: int
    is_counted: bool = Field(description="raises the unread figure")
    is_recalled: bool
    is_edited: bool


class MessagePage(Cursor):
    items: list[MessageView]


class MessageApi:
    """Operations on messages."""

    def __init__(self, ctx: PluginContext[Settings]) -> None:
        self._ctx = ctx

    def operations(self) -> list[Operation]:
        """What is registered."""
        tags, path = ("messages",), "/v1/conversations/{kind}/{target}/messages"
        gone = {404: "There is no such message, or it is not yours to see"}
        refused = {403: "You may not speak there; the code says why", 404: "There is no such conversation"}
        return [
            Operation("POST", path, self.send_message, "messages:write", tags, 201, refused, is_idempotent=True),
            Operation("GET", path, self.list_messages, "messages:read", tags, errors=gone),
            Operation("GET", "/v1/messages/{id}", self.get_message, "messages:read", tags, errors=gone),
            Operation("POST", "/v1/messages/{id}/recall", self.recall_message, "messages:write", tags, errors=gone),
        ]

    async def send_message(
        self, kind: Kind, target: Target, request: Draft, identity: Identity, http: web.Request, line: Line = 0
    ) -> MessageView:
        """Send a message. It is on disk when you get the answer.

        Repeated with the same `client_message_id`, or the same `Idempotency-Key` and content, it is the same message,
        whatever befell the server in between.

        Callers with the scope `admin` may name a `sender`, and speak where that user could not.
        """
        if request.sender is not None and request.sender != identity.user and not identity.may("admin"):
            raise Forbidden("only callers with scope 'admin' may speak for others", where="body.sender")
        sender = request.sender or identity.user
        message = await self._ctx.submit(
            Submission(
                sender=sender,
                conversation=self._ctx.resolve(conversation_key(kind, target, line), sender),
                payload=Payload(request.type, request.fields, tuple(request.mentions), request.push_text),
                client_message_id=request.client_message_id or await _message_id(http, identity),
                origin="admin" if identity.may("admin") else "user",
                to=tuple(request.to),
                expires_after_ms=request.expires_after_ms,
            )
        )
        return message_view(message)

    async def list_messages(
        self,
        kind: Kind,
        target: Target,
        identity: Identity,
        line: Line = 0,
        after: Seq = 0,
        before: Seq = 0,
        newest_first: bool = False,
        limit: Limit = 100,
        user: Acting = "",
    ) -> MessagePage:
        """Read a conversation's history, the oldest first.

        Pages are stretches of `seq`: one may hold fewer messages than `limit`, those you may see, and still have a
        `next`. Hand `next` in as `after`; with `newest_first` as `before`. An operator who names no `user` sees
        everything.
        """
        reader = acting_user(identity, user)
        conversation = self._ctx.resolve(conversation_key(kind, target, line), reader)
        low, high = await self._bounds(conversation, reader, sees_all=identity.may("admin") and not user)
        low, high = max(low, after), min(high, before - 1) if before else high
        first, last = (max(low, high - limit), high) if newest_first else (low, min(high, low + limit))
        has_more = first > low if newest_first else last < high
        found = await self._read(conversation, identity, user, first, last, newest_first=newest_first)
        following = str(first + 1 if newest_first else last) if has_more else ""
        return MessagePage(items=[message_view(message) for message in found], next=following)

    async def get_message(self, id: MessageId, identity: Identity) -> MessageView:
        """A message."""
        return message_view(await self._visible(int(id), identity))

    async def recall_message(self, id: MessageId, identity: Identity) -> MessageView:
        """Take a message back: everybody sees a recall notice in its place.

        The author may within two minutes, managers and operators at any time.
        """
        await self._visible(int(id), identity)
        origin = "admin" if identity.may("admin") else "user"
        return message_view(await self._ctx.recall(int(id), by=identity.user, origin=origin))

    async def _bounds(self, conversation: Conversation, reader: str, *, sees_all: bool) -> tuple[int, int]:
        """The seq numbers that may be seen: above the first, up to the second."""
        last_seq = await self._ctx.store.last_seq(conversation)
        if sees_all:
            return 0, last_seq
        seen = await self._ctx.visibility(conversation, reader)
        return max(0, seen.from_seq - 1), min(last_seq, seen.to_seq or last_seq)

    async def _read(
        self, conversation: Conversation, identity: Identity, user: str, first: int, last: int, *, newest_first: bool
    ) -> list[Message]:
        if last <= first:
            return []
        window = {"after_seq": first, "before_seq": last + 1, "limit": last - first}
        if identity.may("admin") and not user:
            return list(await self._ctx.store.history(conversation, **window, newest_first=newest_first))
        reader = acting_user(identity, user)
        return list(await self._ctx.history(conversation, reader, **window, newest_first=newest_first))

    async def _visible(self, message_id: int, identity: Identity) -> Message:
        message = await self._ctx.store.get_message(message_id)
        if message is None:
            raise NotFound(f"there is no message {message_id}")
        if identity.may("admin"):
            return message
        conversation, seq = message.conversation, message.seq
        found = await self._ctx.history(conversation, identity.user, after_seq=seq - 1, before_seq=seq + 1, limit=1)
        if not found:
            raise NotFound(f"there is no message {message_id}")
        return found[0]


async def _message_id(http: web.Request, identity: Identity) -> str:
    """The same for every repeat of an idempotent request, so that even one whose answer was lost stores nothing new."""
    key = http.headers.get("Idempotency-Key")
    if key is None:
        return f"rest-{secrets.token_hex(12)}"
    parts = (identity.user.encode(), key.encode(), http.path_qs.encode(), await http.read())
    digest = hashlib.sha256(b"\0".join(parts)).hexdigest()
    return f"rest-{digest[:40]}"


def conversation_key(kind: str, target: str, line: int) -> str:
    """The text form of a conversation's name."""
    return f"{kind}/{target}#{line}" if line else f"{kind}/{target}"


def message_view(message: Message) -> MessageView:
    """A message as the API shows it."""
    return MessageView(
        id=str(message.id),
        conversation=message.conversation.key,
        seq=message.seq,
        sender=message.sender,
        client_message_id=message.client_message_id,
        type=message.payload.type,
        fields=message.payload.fields,
        mentions=list(message.payload.mentions),
        push_text=message.payload.push_text,
        to=list(message.to),
        origin=message.origin,
        at=message.at,
        expires_at=message.expires_at,
        is_counted=message.is_counted,
        is_recalled=message.is_recalled,
        is_edited=bool(message.flags & MessageFlags.EDITED),
    )
