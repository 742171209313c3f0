"""The frames of the client protocol, version 1, as typed structs. See docs/reference/client-protocol.md.

What the server sends is also what the client hands to its user: a frame is an event.
"""

from typing import Any

import msgspec


class Request(msgspec.Struct, kw_only=True, tag_field="t"):
    """A frame that this side sends. ``id`` pairs it with its answer."""

    id: str = ""


class Hello(Request, tag="hello"):
    token: str
    device: str
    platform: str
    versions: tuple[int, ...] = (1,)


class Send(Request, tag="send", omit_defaults=True):
    to: str
    type: str
    fields: dict[str, Any] = {}
    mentions: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    push_text: str = ""
    expires_after_ms: int = 0


class List(Request, tag="list"):
    after: str = ""
    limit: int = 100


class Sync(Request, tag="sync"):
    cursors: dict[str, int]
    limit: int = 200


class History(Request, tag="history"):
    conversation: str = msgspec.field(name="in")
    before: int = 0
    limit: int = 50


class Mark(Request, tag="mark", omit_defaults=True):
    conversation: str = msgspec.field(name="in")
    read: int = 0
    delivered: int = 0


class SetTyping(Request, tag="typing"):
    conversation: str = msgspec.field(name="in")
    on: bool


class Watch(Request, tag="watch"):
    users: tuple[str, ...]


class RegisterDevice(Request, tag="device", omit_defaults=True):
    vendor: str
    token: str
    app: str = ""
    environment: str = ""
    language: str = ""
    timezone: str = ""
    voip_token: str = ""


class Recall(Request, tag="recall"):
    message: str


class Ping(Request, tag="ping"):
    pass


class Frame(msgspec.Struct, frozen=True, kw_only=True, tag_field="t"):
    """A frame from the server. ``id`` is set on answers."""

    id: str = ""


class Limits(msgspec.Struct, frozen=True):
    frame_bytes: int = 262_144
    page: int = 200
    watch: int = 500


class Welcome(Frame, frozen=True, tag="welcome"):
    version: int
    session: str
    user: str
    now: int
    heartbeat_ms: int = 30_000
    limits: Limits = Limits()


class ChatMessage(Frame, frozen=True, tag="message"):
    """A message. ``id`` is the sender's client message id, ``message`` the server's; ``flags`` as in the protocol."""

    message: str
    conversation: str = msgspec.field(name="in")
    seq: int
    sender: str = msgspec.field(name="from")
    at: int
    type: str
    fields: dict[str, Any] = {}
    mentions: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    push_text: str = ""
    origin: str = "user"
    expires_at: int = 0
    flags: int = 0

    @property
    def text(self) -> str:
        """The text of a text message, "" for other content types."""
        text = self.fields.get("text", "")
        return text if isinstance(text, str) else ""


class Replaced(ChatMessage, frozen=True, tag="replaced"):
    """What a message says now, after it was recalled or edited."""


class PageItem(msgspec.Struct, frozen=True, kw_only=True):
    """A message inside a page or a list: the keys of ``ChatMessage`` with or without the frame's type."""

    message: str
    seq: int
    sender: str = msgspec.field(name="from")
    at: int
    type: str
    conversation: str = msgspec.field(name="in", default="")
    id: str = ""
    fields: dict[str, Any] = {}
    mentions: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    push_text: str = ""
    origin: str = "user"
    expires_at: int = 0
    flags: int = 0

    def in_conversation(self, conversation: str = "") -> ChatMessage:
        """This item as the frame it would be live."""
        own = {name: getattr(self, name) for name in self.__struct_fields__ if name != "conversation"}
        return ChatMessage(conversation=self.conversation or conversation, **own)


class Sent(Frame, frozen=True, tag="sent"):
    """The acknowledgement: the message is on disk. ``seq`` is 0 for transient content."""

    message: str
    conversation: str = msgspec.field(name="in")
    seq: int
    at: int


class Failed(Frame, frozen=True, tag="error"):
    code: str
    reason: str = ""
    where: str = ""
    retry_after_ms: int | None = None


class Ok(Frame, frozen=True, tag="ok"):
    read: int = 0
    delivered: int = 0


class Pong(Frame, frozen=True, tag="pong"):
    now: int = 0


class ConversationSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the conversation list."""

    conversation: str = msgspec.field(name="in")
    last_seq: int
    unread: int = 0
    read: int = 0
    delivered: int = 0
    role: str = ""
    settings: dict[str, Any] = {}
    alias: str = ""
    last: PageItem | None = None


class Conversations(Frame, frozen=True, tag="conversations"):
    items: tuple[ConversationSummary, ...] = ()
    next: str = ""


class Page(Frame, frozen=True, tag="page"):
    messages: tuple[PageItem, ...] = ()
    upto: dict[str, int] = {}
    more: tuple[str, ...] = ()


class Hole(Frame, frozen=True, tag="hole"):
    conversation: str = msgspec.field(name="in")
    seq: int


class Typing(Frame, frozen=True, tag="typing"):
    conversation: str = msgspec.field(name="in")
    user: str
    on: bool = True


class Presence(Frame, frozen=True, tag="presence"):
    user: str
    online: bool
    platforms: tuple[str, ...] = ()


class Marked(Frame, frozen=True, tag="marked"):
    conversation: str = msgspec.field(name="in")
    user: str
    read: int = 0
    delivered: int = 0


class Joined(Frame, frozen=True, tag="joined"):
    conversation: str = msgspec.field(name="in")
    user: str
    role: str = ""
    alias: str = ""


class Left(Frame, frozen=True, tag="left"):
    conversation: str = msgspec.field(name="in")
    user: str


class Signal(Frame, frozen=True, tag="signal"):
    kind: str
    data: dict[str, Any] = {}


class Resync(Frame, frozen=True, tag="resync"):
    """Frames were left out; the client has started to catch up. Signals (presence, marks) may have been missed."""

    reason: str = ""


class Bye(Frame, frozen=True, tag="bye"):
    code: str = ""
    reason: str = ""
    reconnect_after_ms: int | None = None


Answer = Sent | Failed | Ok | Pong | Conversations | Page | Welcome
ServerFrame = (
    Welcome
    | ChatMessage
    | Replaced
    | Sent
    | Failed
    | Ok
    | Pong
    | Conversations
    | Page
    | Hole
    | Typing
    | Presence
    | Marked
    | Joined
    | Left
    | Signal
    | Resync
    | Bye
)
Event = ChatMessage | Replaced | Typing | Presence | Marked | Joined | Left | Signal | Resync
"""What ``Client.events()`` yields."""
