"""Deliveries that come before ``welcome``."""

from balefire_gateway_websocket.websocket import MAX_QUEUED_BYTES


class Early:
    """Keeps them up to a bound; beyond it all are discarded, and the client has to synchronise."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.is_whole = True
        self._size = 0

    def write(self, frames: bytes) -> None:
        """Keep whole frames until the client may have them."""
        self._size += len(frames)
        self.is_whole = self._size <= MAX_QUEUED_BYTES
        if self.is_whole:
            self.frames.append(frames)
        else:
            self.frames.clear()
