"""One HTTP/2 connection as a client: many requests at once, none left without an answer or a reason."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from jh2.config import H2Configuration
from jh2.connection import H2Connection
from jh2.errors import ErrorCodes
from jh2.events import (
    DataReceived,
    PingAckReceived,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from jh2.exceptions import H2Error, NoAvailableStreamIDError

from balefire_push_apns.exchange import Answer, ConnectionLost, Exchange, Headers, NotProcessed
from balefire_push_apns.goaway import GoAwayFilter

REFUSALS: Final = frozenset({401, 403, 429})  # answers that do not prove the credentials good
MAX_ANSWER_BYTES: Final = 65_536


class Http2Connection(asyncio.Protocol):
    """Multiplexes requests over one connection. Use it from one event loop; cancelling a request resets its stream.

    At most ``first_streams`` requests are under way until one was answered well, then as many as the server's
    ``SETTINGS_MAX_CONCURRENT_STREAMS`` allows; the rest wait in line. Bodies wait for the server's flow-control
    windows. After GOAWAY the requests that the server has seen run to their end here, the others raise
    ``NotProcessed``, and so does every new one.
    """

    def __init__(self, *, first_streams: int, max_streams: int = 1000, ping_after: float, pong_within: float) -> None:
        # Our headers are built right, and each of jh2's checks of them costs as much as the rest of a request.
        # Without its normalising, the provider token also becomes an indexed header: one byte from then on.
        self._h2: Any = H2Connection(
            H2Configuration(
                client_side=True,
                header_encoding="utf-8",
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self._goaway = GoAwayFilter()
        self._loop = asyncio.get_running_loop()
        self._exchanges: dict[int, Exchange] = {}
        self._queue: deque[Exchange] = deque()
        self._blocked: set[int] = set()
        self._streams = first_streams
        self._max_streams = max_streams
        self._ping_after, self._pong_within = ping_after, pong_within
        self._ping_timer: asyncio.TimerHandle | None = None
        self._pong_timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._is_flushing = self._is_paused = False
        self.is_draining = False
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.on_pong: Callable[[], None] = lambda: None

    # -- what callers use --------------------------------------------------------------------------------------

    @property
    def is_usable(self) -> bool:
        """Whether new requests may be given to it."""
        return self._transport is not None and not self.is_draining and self.ready.done()

    @property
    def in_flight(self) -> int:
        return len(self._exchanges)

    async def request(self, headers: Headers, body: bytes) -> Answer:
        """Send one request and wait for its answer, without a time limit of its own.

        :raises NotProcessed: the server did not look at it.
        :raises ConnectionLost: it may have.
        """
        if not self.is_usable:
            raise NotProcessed("the connection takes no more requests")
        exchange = Exchange(headers, body, self._loop.create_future())
        self._queue.append(exchange)
        self._admit()
        try:
            return await exchange.answer
        finally:
            self._forget(exchange)

    def probe(self) -> None:
        """Ask whether anybody is there; without an answer within ``pong_within`` seconds the connection is cut."""
        if self._transport is None or self._pong_timer is not None:
            return
        self._h2.ping(b"balefire")
        self._flush_soon()
        self._pong_timer = self._loop.call_later(self._pong_within, self.abort)

    def drain(self) -> None:
        """Take no more requests; close when those under way have ended."""
        self.is_draining = True
        self._fail(self._queue, NotProcessed("the connection is closing"))
        self._queue.clear()
        self._close_when_idle()

    def abort(self) -> None:
        """Cut the connection now; requests under way raise ``ConnectionLost``."""
        self.is_draining = True
        if self._transport is not None:
            self._transport.abort()

    # -- asyncio.Protocol --------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its base class
        self._h2.initiate_connection()
        self._flush_soon()
        self._watch()

    def data_received(self, data: bytes) -> None:
        self._watch()
        for frames, goaway in self._goaway.feed(data):
            try:
                for event in self._h2.receive_data(frames) if frames else ():
                    self._react(event)
            except H2Error as error:
                self._lose(ConnectionLost(f"the server broke the HTTP/2 protocol: {type(error).__name__}"))
                self.abort()
                return
            if goaway is not None:
                self._heed(goaway.last_stream_id)
        self._admit()
        self._flush_soon()
        self._close_when_idle()

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        self._admit()

    def eof_received(self) -> None:
        self.is_draining = True

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self.is_draining = True
        for timer in (self._ping_timer, self._pong_timer):
            if timer is not None:
                timer.cancel()
        reason = f"the connection was lost: {type(error).__name__}" if error else "the server closed the connection"
        self._lose(ConnectionLost(reason))

    # -- inside ------------------------------------------------------------------------------------------------

    def _react(self, event: Any) -> None:
        match event:
            case ResponseReceived():
                if exchange := self._exchanges.get(event.stream_id):
                    exchange.answer_headers = {str(name): str(value) for name, value in event.headers}
                    exchange.status = int(exchange.answer_headers.get(":status", "0"))
            case DataReceived():
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                if exchange := self._exchanges.get(event.stream_id):
                    exchange.received = (exchange.received + event.data)[:MAX_ANSWER_BYTES]
            case StreamEnded():
                self._answered(event.stream_id)
            case StreamReset():
                self._reset_by_server(event.stream_id, event.error_code)
            case WindowUpdated():
                self._continue_bodies()
            case RemoteSettingsChanged():
                if not self.ready.done():
                    self.ready.set_result(None)
                self._continue_bodies()
            case PingAckReceived():
                if self._pong_timer is not None:
                    self._pong_timer.cancel()
                    self._pong_timer = None
                self.on_pong()

    def _admit(self) -> None:
        """Send what waits, as far as the server's limits allow."""
        while self._queue and not self._is_paused and self._transport is not None:
            announced = self._h2.remote_settings.max_concurrent_streams
            if len(self._exchanges) >= min(self._streams, announced):
                return
            exchange = self._queue.popleft()
            if exchange.answer.done():
                continue
            try:
                stream = self._h2.get_next_available_stream_id()
            except NoAvailableStreamIDError:
                self._queue.appendleft(exchange)
                self.drain()
                return
            exchange.stream = stream
            self._exchanges[stream] = exchange
            self._h2.send_headers(stream, exchange.indexed_headers(), end_stream=not exchange.unsent)
            self._send_body(stream, exchange)
            self._flush_soon()

    def _send_body(self, stream: int, exchange: Exchange) -> None:
        self._blocked.discard(stream)
        while exchange.unsent:
            room = min(self._h2.local_flow_control_window(stream), self._h2.max_outbound_frame_size)
            if room <= 0:
                self._blocked.add(stream)
                return
            piece, exchange.unsent = exchange.unsent[:room], exchange.unsent[room:]
            self._h2.send_data(stream, piece, end_stream=not exchange.unsent)

    def _continue_bodies(self) -> None:
        for stream in sorted(self._blocked):
            self._send_body(stream, self._exchanges[stream])

    def _answered(self, stream: int) -> None:
        if (exchange := self._exchanges.get(stream)) is None:
            return
        if exchange.unsent:  # answered before it was heard out: end our half too
            self._reset(stream)
        if exchange.status not in REFUSALS:
            self._streams = self._max_streams
        self._end(stream)
        if not exchange.answer.done():
            exchange.answer.set_result(Answer(exchange.status, exchange.answer_headers, exchange.received))

    def _reset_by_server(self, stream: int, code: int) -> None:
        exchange = self._end(stream)
        if exchange is None:
            return
        if code == ErrorCodes.REFUSED_STREAM:
            self._fail([exchange], NotProcessed("the server refused the stream"))
        else:
            self._fail([exchange], ConnectionLost(f"the server reset the stream with code {int(code)}"))

    def _heed(self, last_stream: int) -> None:
        """GOAWAY: what the server has not seen goes elsewhere, what it has seen is waited for."""
        unseen = [stream for stream in self._exchanges if stream > last_stream]
        self._fail([self._end(stream) for stream in unseen], NotProcessed("the server is going away"))
        self.drain()

    def _forget(self, exchange: Exchange) -> None:
        """The caller is gone; if the request is still under way nobody wants its answer."""
        if exchange.stream in self._exchanges:
            self._reset(exchange.stream)
            self._end(exchange.stream)
        self._admit()
        self._close_when_idle()

    def _reset(self, stream: int) -> None:
        if self._transport is not None:
            self._h2.reset_stream(stream, ErrorCodes.CANCEL)
            self._flush_soon()

    def _end(self, stream: int) -> Exchange | None:
        self._blocked.discard(stream)
        return self._exchanges.pop(stream, None)

    def _lose(self, error: ConnectionLost) -> None:
        queued, under_way = list(self._queue), list(self._exchanges.values())
        self._queue.clear()
        self._exchanges.clear()
        self._blocked.clear()
        self._fail(queued, NotProcessed(str(error)))
        self._fail(under_way, error)
        if not self.ready.done():
            self.ready.set_exception(error)
            self.ready.exception()  # seen: whoever was connecting may have been cancelled

    @staticmethod
    def _fail(exchanges: "Sequence[Exchange | None] | deque[Exchange]", error: Exception) -> None:
        for exchange in exchanges:
            if exchange is not None and not exchange.answer.done():
                exchange.answer.set_exception(error)

    def _flush_soon(self) -> None:
        """Write once per turn of the event loop, so that many small frames share a TLS record."""
        if not self._is_flushing:
            self._is_flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._is_flushing = False
        if self._transport is not None and (data := self._h2.data_to_send()):
            self._transport.write(data)

    def _close_when_idle(self) -> None:
        if self.is_draining and not self._exchanges and self._transport is not None:
            self._flush()
            self._transport.close()

    def _watch(self) -> None:
        if self._ping_timer is not None:
            self._ping_timer.cancel()
        self._ping_timer = self._loop.call_later(self._ping_after, self.probe)
