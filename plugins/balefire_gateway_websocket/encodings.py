"""The two encodings of version 1, JSON and MessagePack, and the wire form of each delivery in them."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from balefire import (
    Custom,
    Delivery,
    Hole,
    Joined,
    Left,
    Marked,
    Message,
    Presence,
    Replaced,
    Typing,
)
from balefire_gateway_websocket.frames import (
    ClientFrame,
    Frame,
    HoleFrame,
    JoinedFrame,
    LeftFrame,
    MarkedFrame,
    MessageFrame,
    PresenceFrame,
    ReplacedFrame,
    RequestHead,
    SignalFrame,
    TypingFrame,
)

TEXT: Final = 0x1
BINARY: Final = 0x2

SHORT: Final = 126
MEDIUM: Final = 65_536


class Encoding:
    """One encoding; also the kernel's ``Representation``. Stateless, shared by every session that uses it."""

    def __init__(
        self,
        subprotocol: str,
        opcode: int,
        encode: Callable[[Any], bytes],
        decode: Callable[[bytes], ClientFrame],
        decode_head: Callable[[bytes], RequestHead],
    ) -> None:
        self.subprotocol = subprotocol
        self.opcode = opcode
        self.encode_body = encode
        self.decode = decode
        self.decode_head = decode_head
        self._first = bytes((0x80 | opcode,))
        self._heads = tuple(self._first + bytes((size,)) for size in range(SHORT))

    def frame(self, body: Frame) -> bytes:
        """A server frame as one WebSocket message."""
        return self.wrap(self.encode_body(body))

    def wrap(self, payload: bytes) -> bytes:
        """Put the WebSocket header (RFC 6455, section 5.2; servers do not mask) before a payload."""
        size = len(payload)
        if size < SHORT:
            return self._heads[size] + payload
        if size < MEDIUM:
            return b"%b\x7e%b%b" % (self._first, size.to_bytes(2, "big"), payload)
        return b"%b\x7f%b%b" % (self._first, size.to_bytes(8, "big"), payload)

    def encode(self, delivery: Delivery) -> bytes:
        """See ``Representation``."""
        if type(delivery) is Message:
            return self.wrap(self.encode_body(message_frame(delivery)))
        return self.wrap(self.encode_body(signal_frame(delivery)))


def message_frame(message: Message, form: type[MessageFrame] = MessageFrame) -> MessageFrame:
    """A message as clients see it."""
    payload = message.payload
    return form(
        message=str(message.id),
        in_=message.conversation.key,
        seq=message.seq,
        from_=message.sender,
        id=message.client_message_id,
        at=message.at,
        type=payload.type,
        fields=payload.fields,
        mentions=payload.mentions,
        push_text=payload.push_text,
        only=message.to,
        origin=message.origin,
        expires_at=message.expires_at,
        flags=message.flags,
    )


def signal_frame(delivery: Delivery) -> Frame:
    """Any other delivery as clients see it."""
    match delivery:
        case Message():
            return message_frame(delivery)
        case Hole(conversation, seq):
            return HoleFrame(in_=conversation.key, seq=seq)
        case Typing(conversation, user, is_typing):
            return TypingFrame(in_=conversation.key, user=user, on=is_typing)
        case Presence(user, is_online, platforms):
            return PresenceFrame(user=user, online=is_online, platforms=platforms)
        case Marked(conversation, user, read_seq, delivered_seq):
            return MarkedFrame(in_=conversation.key, user=user, read=read_seq, delivered=delivered_seq)
        case Replaced(message):
            return message_frame(message, ReplacedFrame)
        case Joined(member):
            return JoinedFrame(
                in_=member.conversation.key,
                user=member.user,
                role=member.role,
                alias=member.alias,
            )
        case Left(conversation, user):
            return LeftFrame(in_=conversation.key, user=user)
        case Custom(kind, data):
            return SignalFrame(kind=kind, data=data)


JSON: Final = Encoding(
    "balefire.v1.json",
    TEXT,
    msgspec.json.Encoder().encode,
    msgspec.json.Decoder(ClientFrame).decode,
    msgspec.json.Decoder(RequestHead).decode,
)
MSGPACK: Final = Encoding(
    "balefire.v1.msgpack",
    BINARY,
    msgspec.msgpack.Encoder().encode,
    msgspec.msgpack.Decoder(ClientFrame).decode,
    msgspec.msgpack.Decoder(RequestHead).decode,
)
ENCODINGS: Final = {encoding.subprotocol: encoding for encoding in (JSON, MSGPACK)}
