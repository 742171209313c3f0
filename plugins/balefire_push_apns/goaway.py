"""Takes GOAWAY frames out of a byte stream before the HTTP/2 state machine sees them.

The state machine of h2 and jh2 closes itself at GOAWAY and drops what it had to send, although RFC 9113 (6.8) lets
the streams up to ``last_stream_id`` run to their end. So these frames are read here.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

FRAME_HEADER_BYTES: Final = 9
GOAWAY: Final = 7
MAX_FRAME_BYTES: Final = 16_384  # what our settings allow the server


class GoAway(msgspec.Struct, frozen=True):
    last_stream_id: int
    error_code: int
    debug: bytes


class GoAwayFilter:
    """Feed it what arrives; it gives back the same bytes, cut at frame borders, and the GOAWAYs in their places."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[tuple[bytes, GoAway | None]]:
        """Whole frames for the state machine, and the GOAWAY that followed them, if one did."""
        buffer = self._buffer + data
        start = position = 0
        while len(buffer) - position >= FRAME_HEADER_BYTES:
            length = int.from_bytes(buffer[position : position + 3])
            if length > MAX_FRAME_BYTES:
                position = len(buffer)  # let the state machine complain
                break
            end = position + FRAME_HEADER_BYTES + length
            if len(buffer) < end:
                break
            if buffer[position + 3] == GOAWAY:
                yield buffer[start:position], _read(buffer[position + FRAME_HEADER_BYTES : end])
                start = end
            position = end
        self._buffer = buffer[position:]
        if position > start:
            yield buffer[start:position], None


def _read(payload: bytes) -> GoAway:
    return GoAway(int.from_bytes(payload[:4]) & 0x7FFF_FFFF, int.from_bytes(payload[4:8]), payload[8:])
