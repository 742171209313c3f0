"""One request and its answer, and the two ways to end without one."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec
from jh2.hpack import NeverIndexedHeaderTuple

Headers = Sequence[tuple[str, str]]

UNIQUE: Final = frozenset({":path", "apns-id", "apns-collapse-id"})


class Answer(msgspec.Struct, frozen=True):
    status: int
    headers: dict[str, str]
    body: bytes


class NotProcessed(Exception):
    """The server says that it did not look at this request: it may be sent again at once, elsewhere."""


class ConnectionLost(Exception):
    """The connection ended before the answer: the server may have seen the request or not."""


class Exchange:
    """One request on its way."""

    __slots__ = ("answer", "answer_headers", "headers", "received", "status", "stream", "unsent")

    def __init__(self, headers: Headers, body: bytes, answer: asyncio.Future[Answer]) -> None:
        self.headers = headers
        self.unsent = body
        self.answer = answer
        self.stream = 0  # none yet: it waits in line
        self.status = 0
        self.answer_headers: dict[str, str] = {}
        self.received = b""

    def indexed_headers(self) -> Headers:
        """Its headers for HPACK: what differs every time would only push the others out of the table."""
        return [NeverIndexedHeaderTuple(*header) if header[0] in UNIQUE else header for header in self.headers]
