"""The load generator's socket: as little work per frame as Python allows, so that it is not what is measured.

While the clock runs it only counts byte patterns in what arrives; everything is kept and decoded afterwards, when
each message is checked for loss, doubles and order.
"""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Callable, Iterator
from typing import Final, cast
from urllib.parse import urlsplit

SENT: Final = b'"t":"sent"'
MESSAGE: Final = b'"t":"message"'
ERROR: Final = b'"t":"error"'


class Wire(asyncio.Protocol):
    """One client connection, JSON encoding, driven by counts."""

    def __init__(self, url: str, on_count: Callable[[Wire], None] | None = None, keep: bool = True) -> None:
        self.url = urlsplit(url)
        self.on_count = on_count
        self.keep = keep
        self.sent = 0
        self.messages = 0
        self.errors = 0
        self.chunks: list[bytes] = []
        self._edge = b""
        self._head: bytes | None = b""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport

    async def open(self) -> Wire:
        """Connect and shake hands."""
        host, port = self.url.hostname or "127.0.0.1", self.url.port or 80
        await asyncio.get_running_loop().create_connection(lambda: self, host, port)
        await self.opened
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        key = base64.b64encode(os.urandom(16)).decode()
        self.transport.write(
            f"GET {self.url.path} HTTP/1.1\r\nHost: {self.url.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: balefire.v1.json\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            self._head += data
            head, end, data = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            self._head = None
            if b" 101 " not in head.split(b"\r\n")[0]:
                self.opened.set_exception(ConnectionError(head.decode(errors="replace")))
                return
            self.opened.set_result(None)
            if not data:
                return
        if self.keep:
            self.chunks.append(data)
        edge = self._edge
        self.sent += _count(SENT, edge, data)
        self.messages += _count(MESSAGE, edge, data)
        self.errors += _count(ERROR, edge, data)
        self._edge = data[-32:] if len(data) >= 32 else (edge + data)[-32:]
        if self.on_count is not None:
            self.on_count(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError("closed during the handshake"))

    def frames(self) -> Iterator[bytes]:
        """Everything received since the handshake, frame by frame."""
        data = b"".join(self.chunks)
        at = 0
        while at + 2 <= len(data):
            size, start = data[at + 1], at + 2
            if size == 126:
                size, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                size, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            yield data[start : start + size]
            at = start + size


def _count(pattern: bytes, edge: bytes, data: bytes) -> int:
    """Occurrences in ``data``, and one that began in the bytes before it."""
    overlap = len(pattern) - 1
    return data.count(pattern) + (pattern in edge[-overlap:] + data[:overlap])


def masked(payload: bytes) -> bytes:
    """A client text frame with a fresh mask, as RFC 6455 asks for."""
    size = len(payload)
    mask = os.urandom(4)
    whole = int.from_bytes((mask * (size // 4 + 1))[:size], "little")
    body = (int.from_bytes(payload, "little") ^ whole).to_bytes(size, "little")
    if size < 126:
        return b"\x81" + bytes((0x80 | size,)) + mask + body
    return b"\x81\xfe" + size.to_bytes(2, "big") + mask + body
