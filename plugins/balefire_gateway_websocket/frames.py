"""The frames of the native protocol, version 1 (docs/reference/client-protocol.md), in both directions.

One Struct per frame, tagged by ``t``. msgspec validates types, required keys and lengths while decoding, so nothing
behind this module sees a malformed request.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
"""No control characters: some databases refuse them, and none of these values needs one."""

RequestId = Annotated[str, Meta(max_length=64)]
MessageKey = Annotated[str, Meta(min_length=1, max_length=64)]
ConversationKey = Annotated[str, Meta(min_length=3, max_length=180)]
UserId = Annotated[str, Meta(min_length=1, max_length=64)]
Short = Annotated[str, Meta(max_length=200, pattern=PRINTABLE)]
PushToken = Annotated[str, Meta(max_length=4096, pattern=PRINTABLE)]
Seq = Annotated[int, Meta(ge=0, le=2**53)]
UserList = Annotated[tuple[UserId, ...], Meta(max_length=500)]


class Frame(msgspec.Struct, tag_field="t", omit_defaults=True, gc=False):
    """Base of all frames."""


# -- from the client ---------------------------------------------------------------------------------------------------


class Hello(Frame, tag="hello"):
    id: RequestId = ""
    token: Annotated[str, Meta(max_length=4096)] = ""
    device: Annotated[str, Meta(max_length=64, pattern=r"^[!-~]*$")] = ""
    platform: Annotated[str, Meta(max_length=32, pattern=PRINTABLE)] = ""
    versions: Annotated[tuple[int, ...], Meta(max_length=16)] = (1,)


class Send(Frame, tag="send"):
    id: MessageKey
    to: ConversationKey
    type: Annotated[str, Meta(max_length=64)] = "text"
    fields: dict[str, Any] = {}
    mentions: UserList = ()
    only: UserList = ()
    push_text: str = ""
    expires_after_ms: Seq = 0


class ListConversations(Frame, tag="list"):
    id: RequestId = ""
    after: Annotated[str, Meta(max_length=180)] = ""
    limit: Annotated[int, Meta(ge=1, le=200)] = 100


class Sync(Frame, tag="sync"):
    cursors: Annotated[dict[ConversationKey, Seq], Meta(max_length=200)]
    id: RequestId = ""
    limit: Annotated[int, Meta(ge=1, le=200)] = 200


class History(Frame, tag="history"):
    in_: ConversationKey = msgspec.field(name="in")
    id: RequestId = ""
    before: Seq = 0
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class Mark(Frame, tag="mark"):
    in_: ConversationKey = msgspec.field(name="in")
    id: RequestId = ""
    read: Seq = 0
    delivered: Seq = 0


class TypingNotice(Frame, tag="typing"):
    in_: ConversationKey = msgspec.field(name="in")
    id: RequestId = ""
    on: bool = True


class Watch(Frame, tag="watch"):
    users: UserList
    id: RequestId = ""


class RegisterDevice(Frame, tag="device"):
    id: RequestId = ""
    vendor: Short = ""
    token: PushToken = ""
    voip_token: PushToken = ""
    app: Short = ""
    environment: Short = ""
    language: Short = ""
    timezone: Short = ""


class Recall(Frame, tag="recall"):
    message: Annotated[str, Meta(pattern=r"^[0-9]{1,19}$")]
    id: RequestId = ""


class Ping(Frame, tag="ping"):
    id: RequestId = ""


Request = ListConversations | Sync | History | Mark | TypingNotice | Watch | RegisterDevice | Recall
ClientFrame = Hello | Send | Ping | Request


class RequestHead(msgspec.Struct):
    """As much of a frame that could not be understood as is needed to answer it."""

    id: RequestId = ""


# -- from the server ---------------------------------------------------------------------------------------------------


class Welcome(Frame, tag="welcome"):
    id: str
    version: int
    session: str
    user: str
    now: int
    heartbeat_ms: int
    limits: dict[str, int]


class Error(Frame, tag="error"):
    code: str
    reason: str
    id: str = ""
    where: str = ""
    retry_after_ms: int = 0


class Sent(Frame, tag="sent"):
    id: str
    message: str
    in_: str = msgspec.field(name="in")
    seq: int
    at: int


class MessageFrame(Frame, tag="message"):
    message: str
    in_: str = msgspec.field(name="in")
    seq: int
    from_: str = msgspec.field(name="from")
    id: str
    at: int
    type: str
    fields: dict[str, Any]
    mentions: tuple[str, ...] = ()
    push_text: str = ""
    only: tuple[str, ...] = ()
    origin: str = "user"
    expires_at: int = 0
    flags: int = 0


class ReplacedFrame(MessageFrame, tag="replaced"):
    """The same keys as a message."""


class HoleFrame(Frame, tag="hole"):
    in_: str = msgspec.field(name="in")
    seq: int


class TypingFrame(Frame, tag="typing"):
    in_: str = msgspec.field(name="in")
    user: str
    on: bool


class PresenceFrame(Frame, tag="presence"):
    user: str
    online: bool
    platforms: tuple[str, ...] = ()


class MarkedFrame(Frame, tag="marked"):
    in_: str = msgspec.field(name="in")
    user: str
    read: int
    delivered: int


class JoinedFrame(Frame, tag="joined"):
    in_: str = msgspec.field(name="in")
    user: str
    role: str
    alias: str = ""


class LeftFrame(Frame, tag="left"):
    in_: str = msgspec.field(name="in")
    user: str


class SignalFrame(Frame, tag="signal"):
    kind: str
    data: dict[str, Any] = {}


class Resync(Frame, tag="resync"):
    reason: str


class Bye(Frame, tag="bye"):
    code: str
    reason: str
    reconnect_after_ms: int | None = None


class Ok(Frame, tag="ok"):
    id: str
    read: int | None = None
    delivered: int | None = None


class Pong(Frame, tag="pong"):
    id: str
    now: int


class ConversationItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of ``Conversations.items``."""

    in_: str = msgspec.field(name="in")
    last_seq: int
    unread: int
    read: int
    delivered: int
    role: str
    settings: dict[str, Any]
    alias: str = ""
    last: msgspec.Raw | None = None


class Conversations(Frame, tag="conversations"):
    id: str
    next: str
    items: list[msgspec.Raw]


class Page(Frame, tag="page"):
    id: str
    messages: list[msgspec.Raw]
    upto: dict[str, int]
    more: list[str]
