"""A client for these tests that speaks the wire protocol by hand, so that nothing of ours hides a fault of ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec

from balefire.testing import Platform

PATIENCE = 5.0


class Talker:
    """One WebSocket; frames are dictionaries."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, encoding: str) -> None:
        self.socket = socket
        self.encoding = encoding
        self.passed_over: list[dict[str, Any]] = []

    async def say(self, t: str, **keys: Any) -> None:
        body = {"t": t, **{key.rstrip("_"): value for key, value in keys.items()}}
        if self.encoding == "msgpack":
            await self.socket.send_bytes(msgspec.msgpack.encode(body))
        else:
            await self.socket.send_str(json.dumps(body))

    async def hear(self) -> dict[str, Any]:
        message = await self.socket.receive(PATIENCE)
        if message.type is aiohttp.WSMsgType.TEXT:
            return dict(json.loads(message.data))
        if message.type is aiohttp.WSMsgType.BINARY:
            return dict(msgspec.msgpack.decode(message.data))
        return {"t": "closed", "code": self.socket.close_code}

    async def until(self, t: str, **keys: Any) -> dict[str, Any]:
        """The next frame of this type with these values; others are remembered in ``passed_over``."""
        wanted = {"t": t, **{key.rstrip("_"): value for key, value in keys.items()}}
        for index, frame in enumerate(self.passed_over):
            if wanted.items() <= frame.items():
                return self.passed_over.pop(index)
        async with asyncio.timeout(PATIENCE):
            while True:
                frame = await self.hear()
                if wanted.items() <= frame.items():
                    return frame
                assert frame["t"] != "closed" or t == "closed", f"closed while waiting for {wanted}: {frame}"
                self.passed_over.append(frame)

    async def ask(self, t: str, **keys: Any) -> dict[str, Any]:
        """Send a request and wait for the answer with its id."""
        await self.say(t, **keys)
        async with asyncio.timeout(PATIENCE):
            while True:
                frame = await self.hear()
                if frame.get("id") == keys["id"] and frame["t"] not in {"message", "replaced"}:
                    return frame
                assert frame["t"] != "closed", f"closed instead of answering {t}: {frame}"
                self.passed_over.append(frame)


@asynccontextmanager
async def connected(platform: Platform, encoding: str = "json") -> AsyncIterator[Talker]:
    """A socket that has not said hello."""
    url = platform.url.replace("http", "ws", 1) + "/v1/socket"
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(url, protocols=[f"balefire.v1.{encoding}"], max_msg_size=0, compress=0) as socket,
    ):
        assert socket.protocol == f"balefire.v1.{encoding}"
        yield Talker(socket, encoding)


@asynccontextmanager
async def signed_in(
    platform: Platform, user: str, encoding: str = "json", device: str = "d1", kind: str = "test"
) -> AsyncIterator[Talker]:
    """A socket that has."""
    async with connected(platform, encoding) as talker:
        token = await platform.token(user)
        welcome = await talker.ask("hello", id="hello", token=token, device=device, platform=kind)
        assert welcome["t"] == "welcome", welcome
        yield talker
