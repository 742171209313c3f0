"""The lean WebSocket protocol: whatever way bytes arrive, the same messages come out, and nothing grows."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balefire_gateway_websocket import websocket
from balefire_gateway_websocket.websocket import MAX_QUEUED_BYTES, Flusher, WebSocket

LIMIT = 1024


class Wire(asyncio.Transport):
    """The network edge: records what the protocol does to its transport."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.is_closed = False
        self.reads = True
        self.is_aborted = False

    def write(self, data: bytes | bytearray | memoryview[int]) -> None:
        self.written += data

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = self.is_aborted = True

    def is_closing(self) -> bool:
        return self.is_closed

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True


class Listener:
    """The upper half: records messages."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, bytes]] = []
        self.losses = 0

    def received(self, opcode: int, payload: bytes) -> None:
        self.messages.append((opcode, payload))

    def caught_up(self) -> bytes:
        return b"RESYNC"

    def lost(self) -> None:
        self.losses += 1


class Setup:
    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.wire = Wire()
        self.socket = WebSocket(self.wire, Flusher(self.loop), LIMIT)
        self.listener = Listener()
        self.socket.attach(self.listener)

    def turn(self) -> None:
        """One turn of the event loop."""
        self.loop.call_soon(self.loop.stop)
        self.loop.run_forever()


@pytest.fixture
def setup():  # type: ignore[no-untyped-def]  # a generator fixture of the class above
    made = Setup()
    yield made
    made.loop.close()


def frame(
    payload: bytes, *, opcode: int = 1, final: bool = True, mask: bytes = b"\x11\x22\x33\x44", bits: int = 0
) -> bytes:
    """A client frame as RFC 6455 describes it, masked byte by byte."""
    first = (0x80 if final else 0) | bits | opcode
    size = len(payload)
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 65_536:
        head = bytes((first, 0xFE)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, 0xFF)) + size.to_bytes(8, "big")
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


@given(
    payloads=st.lists(st.binary(max_size=400), min_size=1, max_size=8),
    mask=st.binary(min_size=4, max_size=4),
    cuts=st.lists(st.integers(0, 4000), max_size=12),
)
def test_messages_survive_any_cutting_of_the_stream(payloads: list[bytes], mask: bytes, cuts: list[int]) -> None:
    made = Setup()
    stream = b"".join(frame(payload, opcode=2, mask=mask) for payload in payloads)

    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    for start, stop in itertools.pairwise(edges):
        made.socket.data_received(stream[start:stop])

    assert made.listener.messages == [(2, payload) for payload in payloads]
    made.loop.close()


@given(pieces=st.lists(st.binary(max_size=100), min_size=2, max_size=6))
def test_fragments_are_put_together_around_control_frames(pieces: list[bytes]) -> None:
    made = Setup()

    for index, piece in enumerate(pieces):
        is_last = index == len(pieces) - 1
        made.socket.data_received(frame(piece, opcode=1 if index == 0 else 0, final=is_last))
        made.socket.data_received(frame(b"still there?", opcode=9))

    made.socket.data_received(frame(b"a whole one", opcode=2))
    assert made.listener.messages == [(1, b"".join(pieces)), (2, b"a whole one")]
    made.turn()
    assert made.wire.written == (b"\x8a\x0cstill there?") * len(pieces)
    made.loop.close()


@given(noise=st.binary(max_size=3000))
def test_noise_never_raises_and_is_never_kept_without_bound(noise: bytes) -> None:
    made = Setup()

    for start in range(0, len(noise), 7):
        made.socket.data_received(noise[start : start + 7])

    kept = made.socket._tail
    assert kept is None or len(kept) <= LIMIT + 14
    assert all(len(payload) <= LIMIT for _, payload in made.listener.messages)
    made.loop.close()


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b"\x81\x05hello" + bytes(8), 1002),
        (frame(b"x", bits=0x40), 1002),
        (frame(b"x", bits=0x20), 1002),
        (frame(b"x", bits=0x10), 1002),
        (frame(b"x", opcode=3), 1002),
        (frame(b"x" * 126, opcode=9), 1002),
        (frame(b"x", opcode=9, final=False), 1002),
        (frame(b"x", opcode=0), 1002),
        (frame(b"a", final=False) + frame(b"b"), 1002),
        (frame(b"x", opcode=11), 1002),
        (frame(b"x" * (LIMIT + 1)), 1009),
        (frame(b"x" * 900, final=False) + frame(b"x" * 900, opcode=0), 1009),
        (b"\x82\xff" + (2**40).to_bytes(8, "big") + b"mask", 1009),
    ],
    ids=[
        "unmasked",
        "bit 1",
        "bit 2",
        "bit 3",
        "data opcode",
        "long ping",
        "cut ping",
        "orphan",
        "nested",
        "opcode",
        "large",
        "sum",
        "huge",
    ],
)
def test_a_broken_frame_closes_with_its_code(setup: Setup, bad: bytes, code: int) -> None:
    setup.socket.data_received(bad)
    setup.socket.data_received(frame(b"anything more"))

    assert not setup.listener.messages
    assert setup.wire.written[0] == 0x88
    assert int.from_bytes(setup.wire.written[2:4], "big") == code


def test_a_close_frame_is_answered_with_its_code(setup: Setup) -> None:
    setup.socket.data_received(frame((1000).to_bytes(2, "big") + b"bye", opcode=8))

    assert bytes(setup.wire.written) == b"\x88\x02" + (1000).to_bytes(2, "big")
    assert setup.wire.is_closed


def test_what_is_written_in_one_turn_leaves_in_one_piece(setup: Setup) -> None:
    for piece in (b"one", b"two", b"three"):
        setup.socket.write(piece)
    assert not setup.wire.written

    setup.turn()

    assert bytes(setup.wire.written) == b"onetwothree"


def test_a_peer_that_does_not_read_is_bounded_and_then_told_to_synchronise(setup: Setup) -> None:
    setup.socket.pause_writing()
    piece = b"x" * 10_000

    for _ in range(2 * MAX_QUEUED_BYTES // len(piece)):
        setup.socket.write(piece)

    assert setup.socket.is_behind
    assert not setup.wire.reads
    assert sum(map(len, setup.socket._out)) == 0
    setup.socket.resume_writing()
    setup.turn()
    assert bytes(setup.wire.written) == b"RESYNC"
    assert setup.wire.reads


def test_a_peer_that_pauses_briefly_misses_nothing(setup: Setup) -> None:
    setup.socket.pause_writing()
    setup.socket.write(b"early")
    setup.turn()
    assert not setup.wire.written

    setup.socket.resume_writing()
    setup.socket.write(b"late")
    setup.turn()

    assert bytes(setup.wire.written) == b"earlylate"


def test_losing_the_connection_is_told_once(setup: Setup) -> None:
    setup.socket.connection_lost(None)
    setup.socket.connection_lost(None)

    assert setup.listener.losses == 1


def test_a_close_from_our_side_waits_for_the_answer(setup: Setup) -> None:
    setup.socket.close(4401, "token_expired")
    assert not setup.wire.is_closed

    setup.socket.data_received(frame(b"crossed on the way") + frame((4401).to_bytes(2, "big"), opcode=8))

    assert setup.wire.is_closed
    assert not setup.listener.messages


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", None),
        (b"\x03", 1002),
        *((number.to_bytes(2, "big"), 1002) for number in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)),
        *((number.to_bytes(2, "big"), number) for number in (1000, 1001, 1003, 1007, 1014, 3000, 4999)),
        ((1000).to_bytes(2, "big") + "再见".encode(), 1000),
        ((1000).to_bytes(2, "big") + b"\xff", 1007),
    ],
)
def test_a_close_frame_is_checked_before_it_is_answered(setup: Setup, payload: bytes, code: int | None) -> None:
    setup.socket.data_received(frame(payload, opcode=8))

    assert setup.wire.written[0] == 0x88
    assert setup.wire.written[1] > 0 if code else setup.wire.written == b"\x88\x00"
    assert code is None or int.from_bytes(setup.wire.written[2:4], "big") == code


def test_one_turn_that_brings_too_much_for_a_peer_that_stalls_is_bounded(setup: Setup) -> None:
    piece = b"x" * 100_000
    take = setup.wire.write

    def stall(data: bytes | bytearray | memoryview[int]) -> None:
        take(data)
        setup.socket.pause_writing()

    setup.wire.write = stall  # type: ignore[method-assign]  # a network that takes one write, then no more

    for _ in range(50):
        setup.socket.write(piece)

    assert len(setup.wire.written) + sum(map(len, setup.socket._out)) <= 2 * MAX_QUEUED_BYTES
    assert setup.socket.is_behind


def test_one_turn_that_brings_much_for_a_peer_that_reads_is_handed_over_whole(setup: Setup) -> None:
    pieces = [bytes((65 + number,)) * 100_000 for number in range(26)]

    for piece in pieces:
        setup.socket.write(piece)
    setup.turn()

    assert bytes(setup.wire.written) == b"".join(pieces)


def test_a_piece_too_large_to_queue_is_replaced_by_a_resync(setup: Setup) -> None:
    setup.socket.write(b"before")
    setup.socket.write(b"x" * (MAX_QUEUED_BYTES + 1))
    setup.socket.write(b"after")
    setup.turn()

    assert bytes(setup.wire.written) == b"beforeRESYNCafter"
    assert setup.wire.reads


def test_a_peer_that_never_reads_what_was_written_before_the_close_is_cut_off(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "CLOSE_SECONDS", 0.0)
    monkeypatch.setattr(websocket, "ABORT_SECONDS", 0.0)
    setup.socket.close(1012, "draining")
    setup.turn()
    setup.turn()

    assert setup.wire.is_aborted


def test_falling_behind_on_a_transport_that_is_closing_is_no_error(setup: Setup) -> None:
    setup.socket.pause_writing()
    setup.wire.is_closed = True

    setup.socket.write(b"x" * (MAX_QUEUED_BYTES + 1))

    assert setup.wire.reads
