"""Both encodings mean the same: whatever a client sends is understood alike, or refused alike."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from balefire_gateway_websocket.client_session import DECODING_FAILED
from balefire_gateway_websocket.encodings import JSON, MSGPACK, Encoding
from balefire_gateway_websocket.frames import ClientFrame, Frame

KINDS: dict[str, type[Frame]] = {str(kind.__struct_config__.tag): kind for kind in get_args(ClientFrame)}
KEYS = sorted({field.encode_name for kind in KINDS.values() for field in msgspec.structs.fields(kind)})
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=70)
    | st.sampled_from(["private/bob", "group/team", "7", "x" * 64, "x" * 65]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=8,
)
FITTING = st.fixed_dictionaries(
    {},
    optional={
        "id": st.text(min_size=1, max_size=20),
        "in": st.just("private/bob"),
        "to": st.just("group/team"),
        "fields": st.dictionaries(st.text(max_size=9), VALUES, max_size=3),
        "cursors": st.dictionaries(st.just("group/team"), st.integers(0, 9), max_size=1),
        "users": st.lists(st.just("bob"), max_size=3),
        "message": st.just("7"),
        "limit": st.integers(1, 200),
    },
)


def outcome(encoding: Encoding, raw: bytes) -> object:
    try:
        return encoding.decode(raw)
    except DECODING_FAILED:
        return "refused"


@given(
    kind=st.sampled_from(sorted(KINDS)), fitting=FITTING, odd=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=2)
)
def test_a_frame_means_the_same_in_both_encodings(kind: str, fitting: dict[str, Any], odd: dict[str, Any]) -> None:
    frame = {**fitting, **odd, "t": kind}

    in_json = outcome(JSON, msgspec.json.encode(frame))

    assert in_json == outcome(MSGPACK, msgspec.msgpack.encode(frame))
    assert in_json == "refused" or type(in_json) is KINDS[kind]


@pytest.mark.parametrize("encoding", [JSON, MSGPACK], ids=["json", "msgpack"])
@given(noise=st.binary(max_size=300))
def test_no_bytes_do_worse_than_a_refusal(encoding: Encoding, noise: bytes) -> None:
    outcome(encoding, noise)
