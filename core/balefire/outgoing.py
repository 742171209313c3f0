"""Outgoing HTTP calls that cannot be turned inwards.

Addresses that users supply must not reach this machine or its neighbours. The check stands where the connection is
made: the name is resolved once, the addresses are looked at, and the connection goes to an address that passed, so
neither a second look-up (rebinding), nor a redirect, nor an odd spelling (decimal, hexadecimal, mapped) gets around it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING, Any, Final

import httpcore
import httpx

if TYPE_CHECKING:
    import ssl

Network = IPv4Network | IPv6Network

MOST_BYTES: Final = 10 * 1024 * 1024
"""Largest answer that is read."""

_SPECIAL: Final = tuple(
    ipaddress.ip_network(network) for network in ("192.0.0.0/24", "192.88.99.0/24", "fec0::/10", "3fff::/20")
)
"""Not for the public although the standard library takes them for it: relays, site-local, documentation."""

_NAT64 = IPv6Network("64:ff9b::/96")


def is_outside(address: str, allow: Iterable[Network] = ()) -> bool:
    """Whether an address may be called: it is public unicast, or in a network that the operator allows.

    :param address: an IPv4 or IPv6 address, with or without a zone. IPv4 inside IPv6 is judged as IPv4.
    """
    ip = _unwrap(ipaddress.ip_address(address.partition("%")[0]))
    if any(ip in network for network in allow):
        return True
    if any(ip in network for network in _SPECIAL):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def make_client(
    allow: Sequence[Network] = (),
    *,
    allow_private: bool = False,
    timeout_seconds: float = 15.0,
    max_bytes: int = MOST_BYTES,
) -> httpx.AsyncClient:
    """A client for outgoing calls; close it when done.

    It follows no redirects, ignores proxy variables, and raises ``httpx.ConnectError`` for an address it may not call,
    ``httpx.TimeoutException`` when a whole call takes longer than ``timeout_seconds``, and ``httpx.ReadError`` for an
    answer that is larger than ``max_bytes`` or compressed (a small compressed answer can be a very large one).

    :param allow: private networks that may be called all the same.
    :param allow_private: call anything; for addresses that come from the operator, not from users.
    """
    for noisy in ("httpx", "httpcore"):  # they log every address and header, and those hold tokens and secrets
        logging.getLogger(noisy).setLevel(logging.WARNING)
    anywhere = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
    return _PatientClient(
        transport=_GuardedTransport(anywhere if allow_private else tuple(allow), max_bytes),
        timeout=timeout_seconds,
        follow_redirects=False,
        trust_env=False,
        headers={"Accept-Encoding": "identity", "User-Agent": "balefire"},
    )


def _unwrap(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address leads to, if it does (mapped, 6to4, NAT64)."""
    if isinstance(ip, IPv6Address):
        if ip in _NAT64:
            return IPv4Address(int(ip) & 0xFFFF_FFFF)
        return ip.ipv4_mapped or ip.sixtofour or ip
    return ip


class _PatientClient(httpx.AsyncClient):
    """httpx's time limits are per step, so a server that drips bytes could hold a call for ever; here it cannot."""

    async def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        seconds = request.extensions.get("timeout", {}).get("read") or self.timeout.read
        try:
            async with asyncio.timeout(seconds) as limit:
                return await super().send(request, stream=stream, **options)
        except TimeoutError:
            if not limit.expired():
                raise
            raise httpx.ReadTimeout(f"the call took longer than {seconds:g} seconds", request=request) from None


class _GuardedTransport(httpx.AsyncHTTPTransport):
    def __init__(self, allow: Sequence[Network], max_bytes: int) -> None:
        super().__init__(verify=_certificates(), trust_env=False)
        # httpx has no parameter for the network backend, so the pool it made (and has not used) is replaced
        self._pool = httpcore.AsyncConnectionPool(ssl_context=_certificates(), network_backend=_GuardedNetwork(allow))
        self._max_bytes = max_bytes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise httpx.ReadError("the answer is compressed although that was declined", request=request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Capped(response.stream, self._max_bytes, request)
        return response


class _Capped(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, max_bytes: int, request: httpx.Request) -> None:
        self._stream, self._left, self._limit, self._request = stream, max_bytes, max_bytes, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._left -= len(chunk)
            if self._left < 0:
                raise httpx.ReadError(f"the answer is larger than {self._limit} bytes", request=self._request)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


class _GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Resolves, checks, and connects to what it checked."""

    def __init__(self, allow: Sequence[Network]) -> None:
        self._allow = allow
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = [found for found in await _resolve(host, port, timeout) if is_outside(found, self._allow)]
        if not addresses:
            raise httpcore.ConnectError(f"{host}: private and local addresses are not called; see [outgoing] allow")
        for address in addresses[:-1]:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore.ConnectError:
                continue
        return await self._network.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("sockets of this machine are not called")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _resolve(host: str, port: int, seconds: float | None) -> list[str]:
    try:
        async with asyncio.timeout(seconds):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise httpcore.ConnectTimeout(f"{host}: the name was not resolved in time") from None
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host}: {error}") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@cache
def _certificates() -> ssl.SSLContext:
    """Reading the certificates of all authorities takes tens of milliseconds: once is enough."""
    return httpx.create_ssl_context(trust_env=False)
