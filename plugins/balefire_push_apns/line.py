"""The line to one host: a single long-lived connection, made anew when it breaks."""

import asyncio
import math
import ssl
from collections.abc import Callable
from typing import Final

from balefire import Clock, TryLater
from balefire_push_apns.connection import Http2Connection
from balefire_push_apns.exchange import Answer, ConnectionLost, Headers, NotProcessed

RESENDS: Final = 3
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0


class Line:
    """Requests to one host over one connection at a time. Safe to use from many tasks of one event loop.

    Connecting is done once for all who wait. After a failed attempt nobody tries again before a pause that grows to
    30 seconds: Apple takes quick reconnecting for an attack.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext,
        clock: Clock,
        connect: Callable[[], Http2Connection],
        connect_seconds: float,
    ) -> None:
        self.host, self._port = host, port
        self._tls, self._clock = tls, clock
        self._new_connection = connect
        self._connect_seconds = connect_seconds
        self._lock = asyncio.Lock()
        self._connection: Http2Connection | None = None
        self._failures = 0
        self._not_before = -math.inf
        self.connections_made = 0

    async def post(self, headers: Headers, body: bytes) -> Answer:
        """Send one request; what the server did not look at (GOAWAY, refused stream) is sent again by itself.

        :raises ConnectionLost: the server may have seen the request; repeat it with the same id.
        :raises TryLater: there is no connection now.
        """
        for _ in range(RESENDS):
            connection = await self._connected()
            try:
                answer = await connection.request(headers, body)
            except NotProcessed:
                continue
            self._failures = 0
            return answer
        raise TryLater(f"{self.host} closed {RESENDS} connections in a row without looking at the request")

    def probe(self) -> None:
        """A request timed out: find out whether the connection is alive."""
        if self._connection is not None:
            self._connection.probe()

    def renew(self) -> None:
        """Let the present connection finish what it has and use a new one from now on."""
        if self._connection is not None:
            self._connection.drain()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.drain()
            self._connection.abort()

    async def _connected(self) -> Http2Connection:
        if self._connection is not None and self._connection.is_usable:
            return self._connection
        async with self._lock:
            if self._connection is None or not self._connection.is_usable:
                self._connection = await self._open()
            return self._connection

    async def _open(self) -> Http2Connection:
        wait = self._not_before - self._clock.monotonic()
        if wait > 0:
            raise TryLater(f"{self.host} cannot be reached; the next attempt is made soon", after_seconds=wait)
        if self._failures:
            self._pause()
        self._failures += 1  # until an answer proves the connection good
        connection: Http2Connection | None = None
        try:
            async with asyncio.timeout(self._connect_seconds):
                _, connection = await asyncio.get_running_loop().create_connection(
                    self._new_connection, self.host, self._port, ssl=self._tls
                )
                await connection.ready
        except (OSError, TimeoutError, ConnectionLost) as error:
            if connection is not None:
                connection.abort()
            raise self._unreachable(error) from None
        except asyncio.CancelledError:
            if connection is not None:
                connection.abort()
            raise
        self.connections_made += 1
        return connection

    def _unreachable(self, error: Exception) -> TryLater:
        return TryLater(f"cannot connect to {self.host}: {_reason(error)}", after_seconds=self._pause())

    def _pause(self) -> float:
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures - 1, 10))
        self._not_before = self._clock.monotonic() + pause
        return pause


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message}); set ca_file if it has an authority of its own"
    return str(error) or type(error).__name__
