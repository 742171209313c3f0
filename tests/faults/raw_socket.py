"""A WebSocket client made by hand, which can be as rude as no library allows."""

import asyncio
import base64
import json
import os
import socket
from typing import Any
from urllib.parse import urlsplit

SMALL_BUFFER = 4096


class RawSocket:
    """One connection that says hello and then reads only when told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, url: str, token: str) -> "RawSocket":
        """Shake hands and say hello, with the smallest receive buffer the system gives."""
        address = urlsplit(url)
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (address.hostname, address.port))
        reader, writer = await asyncio.open_connection(sock=sock, limit=SMALL_BUFFER)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET /v1/socket HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        assert b" 101 " in await reader.readline()
        while await reader.readline() != b"\r\n":
            pass
        self = cls(reader, writer)
        self.send({"t": "hello", "id": "1", "token": token, "device": "silent", "platform": "test", "versions": [1]})
        while (await self.read())["t"] != "welcome":
            pass
        return self

    def send(self, frame: dict[str, Any]) -> None:
        """One text frame, masked as clients must."""
        body = json.dumps(frame).encode()
        assert len(body) < 65_536
        length = bytes([0x80 | len(body)]) if len(body) < 126 else bytes([0xFE]) + len(body).to_bytes(2, "big")
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(body))
        self._writer.write(b"\x81" + length + mask + masked)

    async def read(self) -> dict[str, Any]:
        """The next frame of text; a closing frame is ``{"t": "closed"}``.

        :raises asyncio.IncompleteReadError: the connection ended without one.
        """
        first, length = await self._reader.readexactly(2)
        if length >= 126:
            length = int.from_bytes(await self._reader.readexactly(2 if length == 126 else 8), "big")
        body = await self._reader.readexactly(length)
        if first & 0x0F == 8:
            return {"t": "closed", "code": int.from_bytes(body[:2], "big")}
        frame: dict[str, Any] = json.loads(body) if first & 0x0F == 1 else {"t": "control"}
        return frame

    def abort(self) -> None:
        """Gone, without a word."""
        self._writer.transport.abort()
