"""A client for programs: ``async with Client(url, token) as client: await client.send("private/bob", "hello")``."""

from balefire.client.backoff import Backoff
from balefire.client.client import Client
from balefire.client.errors import (
    ClientError,
    ConnectionEnded,
    CursorsFailed,
    NoAnswer,
    NotAuthenticated,
    ProtocolBroken,
    RequestFailed,
)
from balefire.client.frames import (
    ChatMessage,
    ConversationSummary,
    Event,
    Joined,
    Left,
    Marked,
    Ok,
    Presence,
    Replaced,
    Resync,
    Sent,
    Signal,
    Typing,
)

__all__ = [
    "Backoff",
    "ChatMessage",
    "Client",
    "ClientError",
    "ConnectionEnded",
    "ConversationSummary",
    "CursorsFailed",
    "Event",
    "Joined",
    "Left",
    "Marked",
    "NoAnswer",
    "NotAuthenticated",
    "Ok",
    "Presence",
    "ProtocolBroken",
    "Replaced",
    "RequestFailed",
    "Resync",
    "Sent",
    "Signal",
    "Typing",
]
