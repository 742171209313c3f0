"""The link to a server: one connection after another, and requests that outlive any of them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import aiohttp

from balefire.client.backoff import Backoff
from balefire.client.codec import Codec
from balefire.client.connection import AnswersLost, Connection, ConnectionLost
from balefire.client.errors import ClientError, NoAnswer, NotAuthenticated, ProtocolBroken, RequestFailed
from balefire.client.frames import Answer, Failed, Hello, Request, ServerFrame, Welcome

log = logging.getLogger(__name__)

Token = str | Callable[[], Awaitable[str]]
A = TypeVar("A", bound=Answer)

WORTH_REPEATING: Final = frozenset(
    {"overloaded", "storage_unavailable", "storage_full", "slow_down", "draining", "policy_unavailable"}
)
REPEAT_AFTER_SECONDS: Final = 0.5
STEADY_SECONDS: Final = 10.0
"""A connection that lived shorter counts as a failed attempt: a server that lets us in and falls over is spared."""


class Link:
    """Stays connected until ``end``.

    :param receive: called with every frame.
    :param welcomed: awaited before the first frame of a connection is read.
    :param attend: runs beside each connection and is cancelled with it.
    """

    def __init__(
        self,
        url: str,
        token: Token,
        codec: Codec,
        *,
        device: str,
        platform: str,
        backoff: Backoff,
        receive: Callable[[ServerFrame], None],
        welcomed: Callable[[Welcome], Awaitable[None]],
        attend: Callable[[], Awaitable[None]],
    ) -> None:
        self.url = socket_url(url)
        self.connection: Connection | None = None
        self._token, self._codec, self._backoff = token, codec, backoff
        self._device, self._platform = device, platform
        self._receive, self._welcomed, self._attend = receive, welcomed, attend
        self._online: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
        self._ended: ClientError | None = None

    async def run(self) -> None:
        """Connect, and connect again, until the server or ``end`` says otherwise. Never raises."""
        attempt = 0
        loop = asyncio.get_running_loop()
        async with aiohttp.ClientSession() as http:
            while self._ended is None:
                wait: float | None = None
                began = loop.time()
                try:
                    await self._live_once(http)
                except ConnectionLost as lost:
                    wait = lost.wait_seconds
                    log.info("not connected: %s", lost)
                except ClientError as error:
                    if not self._may_get_another_token(error):
                        self.end(error)
                except Exception as error:
                    log.exception("the client failed")
                    self.end(ClientError("client_failed", repr(error)))
                finally:
                    was_connected = self._leave()
                if was_connected and loop.time() - began >= STEADY_SECONDS:
                    attempt = 0
                if self._ended is None:
                    await asyncio.sleep(self._backoff.seconds(attempt) if wait is None else wait)
                    attempt += 1

    def end(self, error: ClientError) -> None:
        """Give up for good: whoever waits for a connection gets this error."""
        if self._ended is not None:
            return
        self._ended = error
        if self._online.done():
            self._online = asyncio.get_running_loop().create_future()
        self._online.set_exception(error)
        self._online.exception()  # it is no fault if nobody waits

    @property
    def ended(self) -> ClientError | None:
        """Why the link is given up, ``None`` while it lives."""
        return self._ended

    async def connected(self) -> Connection:
        """The present connection; waits for one.

        :raises ClientError: what the link ended with.
        """
        return await asyncio.shield(self._online)

    async def ask(self, frame: Request, kind: type[A], *, deadline_seconds: float) -> A:
        """Send a request, again after every reconnect and temporary refusal, until it is answered.

        :raises RequestFailed: the server refused it for good.
        :raises NoAnswer: the deadline passed.
        :raises ClientError: the link ended.
        """
        last: RequestFailed | None = None
        try:
            async with asyncio.timeout(deadline_seconds):
                while True:
                    connection = await self.connected()
                    try:
                        answer = await connection.ask(frame)
                    except ConnectionLost:
                        await connection.gone.wait()
                        continue
                    except AnswersLost:
                        continue
                    if isinstance(answer, kind):
                        return answer
                    last = _refusal(answer)
                    if last.code not in WORTH_REPEATING:
                        raise last
                    await asyncio.sleep(
                        REPEAT_AFTER_SECONDS if last.retry_after_ms is None else last.retry_after_ms / 1e3
                    )
        except TimeoutError:
            if last is not None:
                raise last from None
            raise NoAnswer(f"no answer from {self.url} within {deadline_seconds:g} s") from None

    def _may_get_another_token(self, error: ClientError) -> bool:
        """A token that was good until now has expired or was revoked; whoever gave it may give another."""
        return isinstance(error, NotAuthenticated) and callable(self._token) and self.connection is not None

    async def _get_token(self) -> str:
        if isinstance(self._token, str):
            return self._token
        try:
            return await self._token()
        except Exception as error:  # whatever the caller's function has met, it may go better next time
            raise ConnectionLost(f"there is no token: {error}") from error

    async def _live_once(self, http: aiohttp.ClientSession) -> None:
        hello = Hello(id="hello", token=await self._get_token(), device=self._device, platform=self._platform)
        connection = await Connection.open(http, self.url, hello, self._codec)
        try:
            await self._welcomed(connection.welcome)
        except BaseException:
            await connection.close()
            raise
        attendant = asyncio.ensure_future(self._attend())
        self.connection = connection
        if self._ended is None:
            self._online.set_result(connection)
        try:
            await connection.run(self._receive)
        finally:
            attendant.cancel()
            (outcome,) = await asyncio.gather(attendant, return_exceptions=True)
            if isinstance(outcome, Exception) and not isinstance(outcome, ClientError):
                log.error("catching up failed", exc_info=outcome)

    def _leave(self) -> bool:
        """Forget the connection, so that whoever asks waits for the next one; whether there was one."""
        connection, self.connection = self.connection, None
        if connection is None:
            return False
        if self._ended is None:
            self._online = asyncio.get_running_loop().create_future()
        connection.gone.set()
        return True


def socket_url(url: str) -> str:
    """The socket's address for a server's address; an address that names a path is taken as it is."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in ("http", "https", "ws", "wss"):
        raise ValueError(f"url: must start with http://, https://, ws:// or wss://, got {url!r}")
    scheme = {"http": "ws", "https": "wss"}.get(scheme, scheme)
    host, _, path = rest.partition("/")
    return f"{scheme}://{host}/{path or 'v1/socket'}"


def _refusal(answer: Answer) -> RequestFailed:
    if isinstance(answer, Failed):
        return RequestFailed(answer.code, answer.reason, where=answer.where, retry_after_ms=answer.retry_after_ms)
    raise ProtocolBroken(f"an unexpected answer came: {type(answer).__name__}")
