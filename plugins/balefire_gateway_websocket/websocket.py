"""A lean WebSocket server protocol (RFC 6455): frames in, merged writes out, and nothing else.

It takes a transport over after aiohttp has done the handshake. Per idle connection it keeps about a kilobyte; per
message it parses in place, and everything queued during one turn of the event loop leaves in one write.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol, cast

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

FINAL: Final = 0x80
MASKED: Final = 0x80
RESERVED: Final = 0x70

SMALLEST: Final = 6
"""Bytes of the smallest client frame: two of header, four of mask."""

MAX_QUEUED_BYTES: Final = 1_048_576
"""Kept for a peer that does not read; beyond it frames are discarded and the peer is told to synchronise."""

CLOSE_SECONDS: Final = 1.0
"""How long a peer may take to answer a close frame."""

ABORT_SECONDS: Final = 10.0
"""How long it may take to read what was written before; a peer that never reads would keep the connection for ever."""

PROTOCOL_ERROR: Final = 1002
INVALID_DATA: Final = 1007
TOO_LARGE: Final = 1009


class Peer(Protocol):
    """What sits above the wire. Called from the event loop; must not block or raise."""

    def received(self, opcode: int, payload: bytes) -> None:
        """One whole message, text (not yet checked to be UTF-8) or binary."""

    def caught_up(self) -> bytes:
        """The peer reads again after frames were discarded: what to tell it."""

    def lost(self) -> None:
        """The connection is gone. Called once."""


class Flusher:
    """Writes out, once per turn of the loop, every connection that was written to in it."""

    __slots__ = ("_dirty", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._dirty: list[WebSocket] = []

    def add(self, socket: WebSocket) -> None:
        if not self._dirty:
            self._loop.call_soon(self._flush)
        self._dirty.append(socket)

    def later(self, seconds: float, work: Callable[[], None]) -> None:
        """Do something after a while."""
        self._loop.call_later(seconds, work)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for socket in dirty:
            socket.flush()


class WebSocket(asyncio.Protocol):
    """One connection after the handshake."""

    __slots__ = (
        "_closing",
        "_flusher",
        "_fragments",
        "_is_behind",
        "_is_deaf",
        "_is_paused",
        "_need",
        "_out",
        "_peer",
        "_queued",
        "_tail",
        "_transport",
        "max_bytes",
        "silent_sweeps",
    )

    def __init__(self, transport: asyncio.Transport, flusher: Flusher, max_bytes: int) -> None:
        self._transport = transport
        self._flusher = flusher
        self.max_bytes = max_bytes
        """Largest frame and message; the owner may raise it."""
        self._peer: Peer | None = None
        self._tail: bytearray | None = None
        self._need = 0
        self._fragments: tuple[int, bytearray] | None = None
        self._out: list[bytes] = []
        self._queued = 0
        self._is_paused = False
        self._is_behind = False
        self._closing = False
        self._is_deaf = False
        self.silent_sweeps = 0
        """Reset by anything that arrives; the owner raises it at each heartbeat."""

    def attach(self, peer: Peer) -> None:
        """Give it its upper half; messages arrive from now on."""
        self._peer = peer

    # -- reading ---------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self.silent_sweeps = 0
        if self._is_deaf:
            return
        tail = self._tail
        if tail is not None:
            tail += data
            if len(tail) < self._need:
                return
            data = bytes(tail)
            self._tail = None
        done = self._parse(data)
        if done < len(data) and not self._is_deaf:
            self._tail = bytearray(data[done:])

    def _parse(self, data: bytes) -> int:
        """Handle every whole frame; returns how far it got and notes how many bytes the next frame needs."""
        at = 0
        end = len(data)
        need = SMALLEST
        while end - at >= SMALLEST and not self._is_deaf:
            first = data[at]
            second = data[at + 1]
            size = second & 0x7F
            start = at + 6
            if size == 126:
                start = at + 8
                if start > end:
                    need = 8
                    break
                size = (data[at + 2] << 8) | data[at + 3]
            elif size == 127:
                start = at + 14
                if start > end:
                    need = 14
                    break
                size = int.from_bytes(data[at + 2 : at + 10], "big")
            if not second & MASKED or first & RESERVED:
                self.fail(PROTOCOL_ERROR, "client frames are masked and use no extension")
                break
            if size > self.max_bytes:
                self.fail(TOO_LARGE, f"a frame may have {self.max_bytes} bytes")
                break
            stop = start + size
            if stop > end:
                need = stop - at
                break
            self._frame(first, _unmask(data[start:stop], data[start - 4 : start]))
            at = stop
        self._need = need
        return at

    def _frame(self, first: int, payload: bytes) -> None:
        opcode = first & 0x0F
        if self._closing:
            if opcode == CLOSE:
                self._transport.close()
        elif first & FINAL and opcode in (TEXT, BINARY) and self._fragments is None:
            if self._peer is not None:
                self._peer.received(opcode, payload)
        elif opcode >= CLOSE:
            self._control(first, opcode, payload)
        else:
            self._fragment(first, opcode, payload)

    def _fragment(self, first: int, opcode: int, payload: bytes) -> None:
        if opcode == CONTINUATION and self._fragments is not None:
            opcode, gathered = self._fragments
            gathered += payload
        elif opcode in (TEXT, BINARY) and self._fragments is None:
            gathered = bytearray(payload)
        else:
            self.fail(PROTOCOL_ERROR, "a continuation without a beginning, or a beginning inside a message")
            return
        if len(gathered) > self.max_bytes:
            self.fail(TOO_LARGE, f"a message may have {self.max_bytes} bytes")
        elif first & FINAL:
            self._fragments = None
            if self._peer is not None:
                self._peer.received(opcode, bytes(gathered))
        else:
            self._fragments = (opcode, gathered)

    def _control(self, first: int, opcode: int, payload: bytes) -> None:
        if not first & FINAL or len(payload) > 125:
            self.fail(PROTOCOL_ERROR, "control frames are whole and have at most 125 bytes")
        elif opcode == PING:
            self.write(bytes((FINAL | PONG, len(payload))) + payload)
        elif opcode == CLOSE:
            self._closed_by_peer(payload)
        elif opcode != PONG:
            self.fail(PROTOCOL_ERROR, f"unknown opcode {opcode}")

    def _closed_by_peer(self, payload: bytes) -> None:
        """Answer a close frame (RFC 6455, sections 5.5.1 and 7.4): nothing, or a code and a reason in UTF-8."""
        if payload and not _is_close_code(payload[:2]):
            self.fail(PROTOCOL_ERROR, "no such close code")
            return
        try:
            payload[2:].decode()
        except UnicodeDecodeError:
            self.fail(INVALID_DATA, "a reason for closing is UTF-8")
            return
        self._close(payload[:2])
        self._transport.close()

    def eof_received(self) -> bool:
        return False

    # -- writing ---------------------------------------------------------------------------------------------------

    def write(self, frames: bytes) -> None:
        """Queue whole frames. Bounded: what a peer does not read is discarded in the end (see ``caught_up``)."""
        if self._is_behind or self._closing:
            return
        size = len(frames)
        self._queued += size
        if self._queued > MAX_QUEUED_BYTES and not self._make_room(size):
            return
        out = self._out
        if not out and not self._is_paused:
            self._flusher.add(self)
        out.append(frames)

    def _make_room(self, size: int) -> bool:
        """Whether what is queued could be handed over to make room; otherwise everything is discarded."""
        if not self._is_paused:
            self.flush()
            self._queued = size
            if size <= MAX_QUEUED_BYTES:
                return True
        self._out.clear()
        self._queued = 0
        if self._is_paused:
            self._is_behind = True
            # Nor do we take more from a peer that does not listen: what it sends waits in its own buffers.
            if not self._transport.is_closing():
                self._transport.pause_reading()
        elif self._peer is not None:
            self.write(self._peer.caught_up())
        return False

    def flush(self) -> None:
        """Hand everything queued to the transport."""
        out = self._out
        if out and not self._is_paused and not self._transport.is_closing():
            self._queued = 0
            self._transport.write(out[0] if len(out) == 1 else b"".join(out))
            out.clear()

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        if self._is_behind:
            self._is_behind = False
            self._transport.resume_reading()
            if self._peer is not None:
                self.write(self._peer.caught_up())
        elif self._out:
            self._flusher.add(self)

    @property
    def is_behind(self) -> bool:
        """Whether frames are being discarded because the peer does not read."""
        return self._is_behind

    # -- closing ---------------------------------------------------------------------------------------------------

    def fail(self, code: int, reason: str) -> None:
        """Close because of what the peer did; nothing more of it is listened to."""
        self._is_deaf = True
        self._close(code.to_bytes(2, "big") + reason.encode()[:120])

    def close(self, code: int, reason: str, last: bytes = b"") -> None:
        """Send ``last`` (whole frames) and a close frame, then close."""
        self._close(code.to_bytes(2, "big") + reason.encode()[:120], last)

    def _close(self, payload: bytes, last: bytes = b"") -> None:
        if self._closing:
            return
        self.flush()
        self._closing = True
        if self._transport.is_closing():
            return
        if self._is_paused:  # a close frame would never leave a full buffer
            self._transport.abort()
            return
        self._transport.write(last + bytes((FINAL | CLOSE, len(payload))) + payload)
        # Closing at once would reset the connection under a peer that is still sending, and lose it the reason.
        self._flusher.later(CLOSE_SECONDS, self._transport.close)
        self._flusher.later(ABORT_SECONDS, self._transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = self._is_deaf = True
        self._out.clear()
        self._tail = None
        peer, self._peer = self._peer, None
        if peer is not None:
            peer.lost()


def _is_close_code(code: bytes) -> bool:
    """Whether an endpoint may send it: 1004 to 1006 and 1015 never travel, 1016 to 2999 are not given out."""
    number = int.from_bytes(code, "big")
    return len(code) == 2 and (1000 <= number <= 1003 or 1007 <= number <= 1014 or 3000 <= number <= 4999)


def _unmask(payload: bytes, mask: bytes) -> bytes:
    """Undo the client's masking (RFC 6455, section 5.3): one XOR of two big integers, quicker than any loop here."""
    size = len(payload)
    whole = int.from_bytes((mask * (size // 4 + 1))[:size], "little")
    return (int.from_bytes(payload, "little") ^ whole).to_bytes(size, "little")


def take_over(transport: asyncio.BaseTransport, flusher: Flusher, max_bytes: int) -> WebSocket:
    """Make a WebSocket of a transport whose handshake is done."""
    stream = cast("asyncio.Transport", transport)
    socket = WebSocket(stream, flusher, max_bytes)
    stream.set_protocol(socket)
    stream.set_write_buffer_limits(high=262_144, low=65_536)
    return socket
