"""The HTTP/2 server of the sandbox: TLS, streams, settings and windows as Apple's servers have them."""

import asyncio
import ssl
import struct
import uuid
from collections import deque
from typing import Any, Final, cast

import msgspec
from jh2.config import H2Configuration
from jh2.connection import H2Connection
from jh2.errors import ErrorCodes
from jh2.events import DataReceived, PingReceived, RequestReceived, StreamEnded, StreamReset
from jh2.exceptions import H2Error
from jh2.settings import SettingCodes, Settings

from balefire import Clock
from balefire_push_sandbox.apple import Judge, Reply, Request
from balefire_push_sandbox.faults import Fault, Faults, is_refusal

MAX_BODY_BYTES: Final = 16_384
REMEMBERED_REQUESTS: Final = 1000
REFUSALS: Final = {
    "overload": (429, "TooManyRequests"),
    "server_error": (503, "ServiceUnavailable"),
    "refuse_credentials": (403, "InvalidProviderToken"),
}
HIDDEN: Final = frozenset({"authorization", ":path"})


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A request and its answer; neither device token nor provider token is kept."""

    at: int
    connection: int
    stream: int
    headers: dict[str, str]
    size_bytes: int
    status: int
    reason: str


class Limits(msgspec.Struct):
    """What the server allows. Set them before clients connect."""

    first_streams: int = 1
    streams: int = 1000
    window_bytes: int = 65_535
    answer_delay_ms: int = 0


class AppleServer:
    """Listens for one environment. Everything runs on the event loop that started it."""

    def __init__(self, judge: Judge, faults: Faults, tls: ssl.SSLContext, clock: Clock) -> None:
        self.judge, self.faults, self.clock = judge, faults, clock
        self.limits = Limits()
        self.requests: deque[Recorded] = deque(maxlen=REMEMBERED_REQUESTS)
        self.connections_made = 0
        self.waiting = 0
        self.pings = 0
        self.most_streams = 0
        self.connections: set[AppleConnection] = set()
        self._tls = tls
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int = 0) -> int:
        """Listen; returns the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: AppleConnection(self), host, port, ssl=self._tls)
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    async def stop(self) -> None:
        """Stop listening and cut all connections."""
        for connection in list(self.connections):
            connection.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()


class AppleConnection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, server: AppleServer) -> None:
        self._server = server
        limits = server.limits
        self._h2: Any = H2Connection(
            H2Configuration(
                client_side=False,
                header_encoding="utf-8",
                validate_outbound_headers=False,  # they are ours; what comes in is checked
                normalize_outbound_headers=False,
            )
        )
        self._h2.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: limits.first_streams,
                SettingCodes.INITIAL_WINDOW_SIZE: limits.window_bytes,
                SettingCodes.MAX_HEADER_LIST_SIZE: 8192,
            },
        )
        self._open: dict[int, tuple[list[tuple[str, str]], bytearray]] = {}
        self._answering: dict[int, asyncio.TimerHandle | None] = {}
        self.transport: asyncio.Transport | None = None
        self._last_stream = 0  # set by GOAWAY: what comes after is not looked at
        self._bundle = ""
        self._is_trusted = False
        self.number = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its base class
        self._server.connections.add(self)
        self._server.connections_made += 1
        self.number = self._server.connections_made
        self._bundle = _bundle(transport.get_extra_info("peercert"))
        self._h2.initiate_connection()
        if self._bundle:
            self._trust()
        self._flush()

    def data_received(self, data: bytes) -> None:
        try:
            for event in self._h2.receive_data(data):
                self._react(event)
        except H2Error:
            self._flush()
            self.cut()
            return
        self._flush()

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        self._server.connections.discard(self)
        for stream in list(self._answering):
            self._forget(stream)

    def cut(self) -> None:
        """Drop the connection without a word."""
        if self.transport is not None:
            self.transport.abort()

    def _react(self, event: Any) -> None:
        match event:
            case RequestReceived():
                if not self._last_stream:
                    self._open[event.stream_id] = (list(event.headers), bytearray())
                    streams = len(self._open) + len(self._answering)
                    self._server.most_streams = max(self._server.most_streams, streams)
            case DataReceived():
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                if event.stream_id in self._open and len(self._open[event.stream_id][1]) <= MAX_BODY_BYTES:
                    self._open[event.stream_id][1].extend(event.data)
            case StreamEnded():
                if (found := self._open.pop(event.stream_id, None)) is not None:
                    self._serve(event.stream_id, Request(found[0], bytes(found[1]), self._bundle))
            case PingReceived():
                self._server.pings += 1
            case StreamReset():
                self._open.pop(event.stream_id, None)
                self._forget(event.stream_id)

    def _serve(self, stream: int, request: Request) -> None:
        fault = self._server.faults.strike("apns", request.token)
        delay = self._server.limits.answer_delay_ms
        match fault.kind if fault else "":
            case "silence":
                self._server.waiting += 1
                self._answering[stream] = None
                return
            case "drop":
                self.cut()
                return
            case "refuse":
                self._h2.reset_stream(stream, ErrorCodes.REFUSED_STREAM)
                return
            case "slow":
                delay = fault.delay_ms if fault else 0
            case "goaway":
                self._go_away(stream)
        is_ordered = fault is not None and (fault.kind == "answer" or is_refusal(fault.kind))
        reply = _ordered(fault) if fault is not None and is_ordered else self._server.judge.judge(request)
        self._record(stream, request, reply)
        if delay:
            loop = asyncio.get_running_loop()
            self._answering[stream] = loop.call_later(delay / 1000, self._answer_late, stream, reply)
        else:
            self._answer(stream, reply)

    def _answer_late(self, stream: int, reply: Reply) -> None:
        del self._answering[stream]
        self._answer(stream, reply)
        self._flush()

    def _answer(self, stream: int, reply: Reply) -> None:
        if reply.is_authenticated and not self._is_trusted:
            self._trust()
        headers = [(":status", str(reply.status)), ("apns-id", reply.id)]
        if reply.retry_after_seconds is not None:
            headers.append(("retry-after", str(reply.retry_after_seconds)))
        self._h2.send_headers(stream, headers, end_stream=not reply.body)
        if reply.body:
            self._h2.send_data(stream, reply.body, end_stream=True)
        self._leave_when_done()

    def _trust(self) -> None:
        """A good token was seen: from now on many streams at once."""
        self._is_trusted = True
        self._h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: self._server.limits.streams})

    def _go_away(self, stream: int) -> None:
        """Announce that ``stream`` is the last; written by hand, since the state machine would close itself."""
        self._last_stream = stream
        reason = b'{"reason": "Shutdown"}'
        self._flush()
        if self.transport is not None:
            header = (8 + len(reason)).to_bytes(3) + b"\x07\x00" + bytes(4)
            self.transport.write(header + struct.pack(">II", stream, ErrorCodes.NO_ERROR) + reason)
        self._open = {number: held for number, held in self._open.items() if number <= stream}

    def _leave_when_done(self) -> None:
        if self._last_stream and not self._answering and not self._open and self.transport is not None:
            self._flush()
            self.transport.close()

    def _forget(self, stream: int) -> None:
        if stream not in self._answering:
            return
        timer = self._answering.pop(stream)
        if timer is None:
            self._server.waiting -= 1
        else:
            timer.cancel()

    def _record(self, stream: int, request: Request, reply: Reply) -> None:
        self._server.requests.append(
            Recorded(
                at=self._server.clock.now_ms(),
                connection=self.number,
                stream=stream,
                headers={name: value for name, value in request.headers if name not in HIDDEN},
                size_bytes=len(request.body),
                status=reply.status,
                reason=reply.reason,
            )
        )

    def _flush(self) -> None:
        if self.transport is not None and (data := self._h2.data_to_send()):
            self.transport.write(data)


def _ordered(fault: Fault) -> Reply:
    status, reason = REFUSALS.get(fault.kind, (fault.status, fault.reason))
    return Reply(
        status=status,
        id=str(uuid.uuid4()),
        reason="" if status == 200 else reason,
        retry_after_seconds=fault.retry_after_seconds,
    )


def _bundle(certificate: dict[str, Any] | None) -> str:
    """The bundle id in a push certificate: its subject's user id."""
    subject = (certificate or {}).get("subject", ())
    return next((str(value) for part in subject for name, value in part if name in ("UID", "userId")), "")
