"""Frames to bytes and back, in JSON and MessagePack."""

from typing import Final, Literal, get_args

import msgspec

from balefire.client.errors import ProtocolBroken
from balefire.client.frames import Request, ServerFrame

Encoding = Literal["json", "msgpack"]

_KNOWN: Final = frozenset(member.__struct_config__.tag for member in get_args(ServerFrame))


class _Head(msgspec.Struct):
    t: str


class Codec:
    """One encoding of the protocol. Stateless: shared by any number of connections."""

    def __init__(self, encoding: Encoding) -> None:
        self.subprotocol = f"balefire.v1.{encoding}"
        self.is_text = encoding == "json"
        self._encode = msgspec.json.encode if self.is_text else msgspec.msgpack.encode
        make = msgspec.json.Decoder if self.is_text else msgspec.msgpack.Decoder
        self._frame: msgspec.json.Decoder[ServerFrame] | msgspec.msgpack.Decoder[ServerFrame] = make(ServerFrame)
        self._head: msgspec.json.Decoder[_Head] | msgspec.msgpack.Decoder[_Head] = make(_Head)

    def encode(self, frame: Request) -> bytes:
        return self._encode(frame)

    def decode(self, data: bytes | str) -> ServerFrame | None:
        """The frame; ``None`` for a frame of a kind that this version does not know.

        :raises ProtocolBroken: it is no frame at all, or a known kind with wrong contents.
        """
        raw = data.encode() if isinstance(data, str) else data
        try:
            return self._frame.decode(raw)
        except msgspec.DecodeError as error:  # a ValidationError is one too
            if self._is_unknown(raw):
                return None
            raise ProtocolBroken(f"a frame could not be read: {error}") from error

    def _is_unknown(self, raw: bytes) -> bool:
        try:
            return self._head.decode(raw).t not in _KNOWN
        except msgspec.DecodeError:
            return False
