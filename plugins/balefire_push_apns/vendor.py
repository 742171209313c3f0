"""The push vendor "apns": payload and headers, the line to the right host, what to make of the answer."""

import asyncio
import ssl
from typing import Final

from balefire import (
    AuthExpired,
    Clock,
    Misconfigured,
    Notification,
    PushError,
    RateLimited,
    TokenRejected,
    TryLater,
)
from balefire_push_apns.answers import OK, explain, read_reason
from balefire_push_apns.connection import Http2Connection
from balefire_push_apns.exchange import Answer, ConnectionLost
from balefire_push_apns.line import Line
from balefire_push_apns.payload import STORED_AT_MOST_SECONDS, build_headers, build_payload, choose_topic
from balefire_push_apns.settings import Account, AccountSource, Config
from balefire_push_apns.signing import ProviderTokens

OTHER: Final = {"production": "sandbox", "sandbox": "production"}


class Lines:
    """The lines of one account: one per host, opened when first needed."""

    def __init__(self, account: Account, config: Config, clock: Clock) -> None:
        self.account = account
        self._config, self._clock = config, clock
        self._lines: dict[str, Line] = {}
        self._tls = _tls(account)
        self.tokens: ProviderTokens | None = None
        if account.key:
            self.tokens = ProviderTokens(account.key, key_id=account.key_id, team_id=account.team_id, clock=clock)

    def to(self, environment: str) -> Line:
        address = self.account.host(environment)
        if address not in self._lines:
            host, _, port = address.rpartition(":")
            self._lines[address] = Line(
                host or port,
                int(port) if host else 443,
                tls=self._tls,
                clock=self._clock,
                connect=self._connection,
                connect_seconds=self._config.connect_seconds,
            )
        return self._lines[address]

    def close(self) -> None:
        for line in self._lines.values():
            line.close()

    def _connection(self) -> Http2Connection:
        return Http2Connection(
            first_streams=1 if self.tokens else 1000,  # a certificate has proved itself in the TLS handshake
            ping_after=self._config.ping_after_seconds,
            pong_within=self._config.pong_within_seconds,
        )


class Apns:
    """A ``PushVendor``. Concurrent sends share one connection per host and one provider token."""

    name = "apns"

    def __init__(self, config: Config, accounts: AccountSource, clock: Clock) -> None:
        self._config, self._accounts, self._clock = config, accounts, clock
        self._lines: Lines | None = None

    async def send(self, note: Notification) -> str | None:
        """Push one notification; see ``PushVendor.send``. A device that names no environment is tried in both."""
        environment = note.environment or self._config.default_environment
        environment = "sandbox" if environment == "development" else environment
        try:
            return await self._send(note, environment)
        except TokenRejected as error:
            if note.environment or "BadDeviceToken" not in error.reason or environment not in OTHER:
                raise
        return await self._send(note, OTHER[environment])

    def close(self) -> None:
        """Cut all connections."""
        if self._lines is not None:
            self._lines.close()

    async def _send(self, note: Notification, environment: str) -> str | None:
        lines = self._current_lines()
        line = lines.to(environment)
        token = lines.tokens.current() if lines.tokens else ""
        headers = build_headers(
            note,
            authority=line.host,
            topic=choose_topic(note, lines.account.topics),
            expires_at=self._clock.now_ms() // 1000 + min(note.ttl_seconds, STORED_AT_MOST_SECONDS),
            authorization=token,
        )
        answer = await self._post(line, headers, build_payload(note))
        if answer.status == OK:
            return answer.headers.get("apns-id")
        raise self._judge(answer, lines, line, token)

    async def _post(self, line: Line, headers: list[tuple[str, str]], body: bytes) -> Answer:
        try:
            async with asyncio.timeout(self._config.timeout_seconds):
                return await line.post(headers, body)
        except TimeoutError:
            line.probe()
            raise TryLater(f"{line.host} did not answer within {self._config.timeout_seconds:g} seconds") from None
        except ConnectionLost as error:
            raise TryLater(f"{line.host}: {error}") from None

    def _judge(self, answer: Answer, lines: Lines, line: Line, token: str) -> PushError:
        error = explain(answer)
        if isinstance(error, AuthExpired) and lines.tokens is not None and not lines.tokens.renew(token):
            return Misconfigured(f"{error.reason}, though it was just signed: compare this machine's clock")
        if isinstance(error, RateLimited) or read_reason(answer)[0] == "Shutdown":
            line.renew()  # after these Apple goes on refusing what comes over the same connection
        return error

    def _current_lines(self) -> Lines:
        account = self._accounts.read()
        if self._lines is None or self._lines.account != account:
            self.close()
            self._lines = Lines(account, self._config, self._clock)
        return self._lines


def _tls(account: Account) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=account.ca_file or None)
        if account.certificate_file:
            context.load_cert_chain(account.certificate_file, account.certificate_key_file or None)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(f"plugins.push-apns: cannot read ca_file or certificate_file: {error.strerror}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    return context
