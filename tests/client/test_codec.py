"""Decoding what a server sends: known frames, unknown frames, and bytes that are neither."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from balefire.client import ChatMessage, ProtocolBroken
from balefire.client.codec import Codec, Encoding
from balefire.client.frames import Hole, Mark, SetTyping
from balefire.client.link import socket_url

BOTH: list[Encoding] = ["json", "msgpack"]
MESSAGE = {"t": "message", "message": "7", "in": "group/a", "seq": 1, "from": "bob", "id": "x", "at": 5, "type": "text"}


def encoded(encoding: Encoding, frame: object) -> bytes:
    return msgspec.json.encode(frame) if encoding == "json" else msgspec.msgpack.encode(frame)


@pytest.mark.parametrize("encoding", BOTH)
def test_unknown_frames_and_unknown_keys_are_ignored(encoding: Encoding) -> None:
    codec = Codec(encoding)

    assert codec.decode(encoded(encoding, {"t": "invented later", "x": 1})) is None
    frame = codec.decode(encoded(encoding, {**MESSAGE, "invented": {"later": True}}))
    assert isinstance(frame, ChatMessage)
    assert (frame.sender, frame.conversation, frame.text) == ("bob", "group/a", "")


@pytest.mark.parametrize("encoding", BOTH)
def test_a_known_frame_with_wrong_contents_is_an_error(encoding: Encoding) -> None:
    with pytest.raises(ProtocolBroken, match="seq"):
        Codec(encoding).decode(encoded(encoding, {**MESSAGE, "seq": "one"}))


@given(raw=st.binary(max_size=200) | st.text(max_size=200), encoding=st.sampled_from(BOTH))
def test_no_bytes_do_worse_than_an_error(raw: bytes | str, encoding: Encoding) -> None:
    with contextlib.suppress(ProtocolBroken):
        Codec(encoding).decode(raw)


@pytest.mark.parametrize("encoding", BOTH)
def test_what_is_sent_uses_the_protocols_words(encoding: Encoding) -> None:
    codec = Codec(encoding)
    decode = msgspec.json.decode if encoding == "json" else msgspec.msgpack.decode

    assert decode(codec.encode(SetTyping(conversation="group/a", on=False))) == {
        "t": "typing",
        "id": "",
        "in": "group/a",
        "on": False,
    }
    assert decode(codec.encode(Mark(id="1", conversation="group/a", read=3))) == {
        "t": "mark",
        "id": "1",
        "in": "group/a",
        "read": 3,
    }
    assert isinstance(codec.decode(encoded(encoding, {"t": "hole", "in": "group/a", "seq": 2})), Hole)


@pytest.mark.parametrize(
    ("given_url", "expected"),
    [
        ("http://127.0.0.1:8450", "ws://127.0.0.1:8450/v1/socket"),
        ("https://chat.example/", "wss://chat.example/v1/socket"),
        ("ws://chat.example/elsewhere", "ws://chat.example/elsewhere"),
    ],
)
def test_the_sockets_address_follows_from_the_servers(given_url: str, expected: str) -> None:
    assert socket_url(given_url) == expected


def test_an_address_without_a_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="must start with http://"):
        socket_url("chat.example:8450")
