"""One WebSocket connection: hello, requests and their answers, heartbeat. It lives once and is never reopened."""

import asyncio
import contextlib
from collections.abc import Callable
from itertools import chain
from typing import Final

import aiohttp

from balefire.client.codec import Codec
from balefire.client.errors import ConnectionEnded, NotAuthenticated, ProtocolBroken, RequestFailed
from balefire.client.frames import Answer, Bye, Failed, Hello, Ping, Request, Resync, ServerFrame, Welcome

HELLO_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 2.0
LARGEST_FRAME_BYTES: Final = 1024 * 1024
UNAUTHENTICATED: Final = 4401


class ConnectionLost(ConnectionError):
    """The socket is gone; ``wait_seconds`` is when the server asked us to come back, if it did."""

    def __init__(self, reason: str, *, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


class AnswersLost(Exception):
    """The server left frames out, answers perhaps among them; the connection goes on."""


class Connection:
    """An open connection that has been welcomed."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, codec: Codec, welcome: Welcome) -> None:
        self.welcome = welcome
        self._socket = socket
        self._codec = codec
        self.gone = asyncio.Event()
        """Set by the owner once it has forgotten this connection."""
        self._waiting: dict[str, list[asyncio.Future[Answer]]] = {}
        self._heard_at = self._wrote_at = asyncio.get_running_loop().time()
        self._bye: Bye | None = None

    @classmethod
    async def open(cls, http: aiohttp.ClientSession, url: str, hello: Hello, codec: Codec) -> "Connection":
        """Connect and say hello.

        :raises NotAuthenticated: the token is refused.
        :raises ConnectionLost: the server cannot be reached or closed the connection.
        """
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                socket = await http.ws_connect(
                    url,
                    protocols=(codec.subprotocol,),
                    max_msg_size=LARGEST_FRAME_BYTES + 1024,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
                )
                try:
                    if socket.protocol != codec.subprotocol:
                        raise ProtocolBroken(f"{url} does not speak {codec.subprotocol}")
                    return cls(socket, codec, await _greet(socket, hello, codec))
                except BaseException:
                    await socket.close()
                    raise
        except aiohttp.WSServerHandshakeError as error:
            raise ConnectionLost(f"{url} answered {error.status} instead of opening a WebSocket") from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ConnectionLost(f"cannot connect to {url}: {error or 'no answer'}") from error

    async def write(self, frame: Request) -> None:
        """Send one frame.

        :raises ConnectionLost: the socket is closed.
        """
        raw = self._codec.encode(frame)
        if len(raw) > self.welcome.limits.frame_bytes:
            raise RequestFailed("too_large", f"the frame has {len(raw)} bytes, {self.welcome.limits.frame_bytes} fit")
        self._wrote_at = asyncio.get_running_loop().time()
        try:
            await (self._socket.send_str(raw.decode()) if self._codec.is_text else self._socket.send_bytes(raw))
        except (aiohttp.ClientError, ConnectionError) as error:
            raise ConnectionLost("the connection is closed") from error

    async def ask(self, frame: Request) -> Answer:
        """Send a request and wait for its answer, whatever it is; a refusal comes back as ``Failed``.

        :raises ConnectionLost: before an answer came.
        :raises AnswersLost: the answer may have been left out; ask again.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(frame.id, [])  # the same message may be sent twice at once
        waiting.append(answer)
        try:
            await self.write(frame)
            return await answer
        finally:
            waiting.remove(answer)
            if not waiting and self._waiting.get(frame.id) is waiting:
                del self._waiting[frame.id]

    async def run(self, receive: Callable[[ServerFrame], None]) -> None:
        """Read until the connection ends, handing on every frame that answers nothing. Always raises.

        :raises ConnectionLost: come back.
        :raises ConnectionEnded, NotAuthenticated: do not.
        """
        heart = asyncio.create_task(self._beat(), name="balefire client heartbeat")
        try:
            async for message in self._socket:
                self._heard_at = asyncio.get_running_loop().time()
                if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    self._sort(self._codec.decode(message.data), receive)
            raise self._why_closed()
        except ConnectionResetError as error:
            raise ConnectionLost(str(error)) from error
        finally:
            heart.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await heart
            await self._socket.close()
            self._fail_waiting(ConnectionLost("the connection was lost before the answer came"))

    async def close(self) -> None:
        """Close the socket politely; ``run`` ends."""
        await self._socket.close(code=1000)

    def _sort(self, frame: ServerFrame | None, receive: Callable[[ServerFrame], None]) -> None:
        if frame is None:
            return
        if isinstance(frame, Answer):
            for answer in self._waiting.get(frame.id, ()):
                if not answer.done():
                    answer.set_result(frame)
            receive(frame)  # the acknowledgement of a send moves a cursor too, in its place in the stream
        elif isinstance(frame, Bye):
            self._bye = frame
        else:
            if isinstance(frame, Resync):
                self._fail_waiting(AnswersLost())
            receive(frame)

    def _why_closed(self) -> Exception:
        bye, code = self._bye, self._socket.close_code
        if bye is not None and bye.reconnect_after_ms is not None:
            return ConnectionLost(f"{bye.code}: {bye.reason}", wait_seconds=bye.reconnect_after_ms / 1000)
        if code == UNAUTHENTICATED:
            return NotAuthenticated(*((bye.code, bye.reason) if bye else ("unauthenticated", "the session was ended")))
        if bye is not None:
            return ConnectionEnded(bye.code, bye.reason)
        return ConnectionLost(f"the connection was closed with code {code}")

    def _fail_waiting(self, error: Exception) -> None:
        for answer in chain.from_iterable(self._waiting.values()):
            if not answer.done():
                answer.set_exception(error)
                answer.exception()  # whoever waits still gets it; nobody waiting is no error

    async def _beat(self) -> None:
        """Ping when idle, and give the connection up when nothing was heard for two periods."""
        loop = asyncio.get_running_loop()
        period = self.welcome.heartbeat_ms / 1000
        while True:
            await asyncio.sleep(period / 2)
            now = loop.time()
            if now - self._heard_at > 2 * period:
                await self._socket.close(code=1001)
                return
            if now - self._wrote_at >= period / 2 or now - self._heard_at > period:
                with contextlib.suppress(ConnectionLost):
                    await self.write(Ping())


async def _greet(socket: aiohttp.ClientWebSocketResponse, hello: Hello, codec: Codec) -> Welcome:
    raw = codec.encode(hello)
    await (socket.send_str(raw.decode()) if codec.is_text else socket.send_bytes(raw))
    refusal: Failed | Bye | None = None
    async for message in socket:
        frame = (
            codec.decode(message.data) if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY) else None
        )
        if isinstance(frame, Welcome):
            return frame
        if isinstance(frame, Failed | Bye):
            refusal = frame
    raise _refused(refusal, socket.close_code)


def _refused(refusal: Failed | Bye | None, close_code: int | None) -> Exception:
    if isinstance(refusal, Bye) and refusal.reconnect_after_ms is not None:
        return ConnectionLost(f"{refusal.code}: {refusal.reason}", wait_seconds=refusal.reconnect_after_ms / 1000)
    if close_code == UNAUTHENTICATED or (refusal is not None and refusal.code == "unauthenticated"):
        reason = refusal.reason if refusal is not None else "the server does not accept this token"
        return NotAuthenticated("unauthenticated", reason)
    if refusal is not None:
        return ProtocolBroken(f"hello was refused with {refusal.code}: {refusal.reason}")
    return ConnectionLost(f"closed with code {close_code} before the welcome")
