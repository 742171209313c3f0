"""Where a request comes from, also behind reverse proxies."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web


def caller_address(request: web.Request, trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    """The connection's other end; where that is a trusted proxy, whom it forwards for, and so on.

    Read from the end: what stands before the last untrusted address in ``X-Forwarded-For`` is that caller's invention.
    """
    address = request.remote or ""
    hops = ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")
    while hops and (at := _parse(address)) is not None and any(at in network for network in trusted):
        hop = hops.pop().strip()
        if _parse(hop) is None:
            break
        address = hop
    return address


def address_block(address: str) -> str:
    """What one caller has to themselves: an IPv4 address, or 64 bits of IPv6 addresses."""
    at = _parse(address)
    return str(IPv6Network((at, 64), strict=False)) if isinstance(at, IPv6Address) else address


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        at = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return at.ipv4_mapped or at if isinstance(at, IPv6Address) else at
