"""Reading one whole frame must be what the library's parser would have read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from syncd.gateway.whole_frame import BINARY, PING, TEXT, is_pong, payload_of, payloads_of
from syncd.limits import FRAME_BYTES_MAX

MESSAGES = st.binary(max_size=300) | st.sampled_from([125, 126, 127, 65_535, 65_536]).map(bytes)


def parsed(data: bytes) -> list[Frame]:
    """What the library reads, as a server whose handshake is over."""
    protocol = ServerProtocol(state=State.OPEN, max_size=FRAME_BYTES_MAX)
    protocol.receive_data(data)
    return [event for event in protocol.events_received() if isinstance(event, Frame)]


@given(MESSAGES, st.sampled_from([Opcode.TEXT, Opcode.BINARY]))
def test_a_whole_frame_is_read_as_the_library_reads_it(message: bytes, opcode: Opcode) -> None:
    data = Frame(opcode, message).serialize(mask=True)
    payload = payload_of(data)
    assert payload is None if len(message) > 65_535 else payload == message
    (frame,) = parsed(data)
    assert bytes(frame.data) == message
    assert data[0] == (TEXT if opcode is Opcode.TEXT else BINARY)


@given(MESSAGES, st.integers(1, 20), st.binary(min_size=1, max_size=20))
def test_part_of_a_frame_or_more_than_one_is_left_to_the_library(message: bytes, cut: int, more: bytes) -> None:
    data = Frame(Opcode.TEXT, message).serialize(mask=True)
    assert payload_of(data[:-cut]) is None
    assert payload_of(data + more) is None


@given(st.lists(MESSAGES, min_size=1, max_size=4), st.sampled_from([Opcode.TEXT, Opcode.BINARY]))
def test_several_frames_in_a_row_are_read_as_the_library_reads_them(messages: list[bytes], opcode: Opcode) -> None:
    data = b"".join(Frame(opcode, message).serialize(mask=True) for message in messages)
    is_long = any(len(message) > 65_535 for message in messages)
    assert payloads_of(data) == (None if is_long else messages)


@given(st.lists(MESSAGES, min_size=1, max_size=3), st.integers(1, 20), st.binary(min_size=1, max_size=20))
def test_a_row_that_ends_in_part_of_a_frame_is_left_to_the_library(
    messages: list[bytes], cut: int, more: bytes
) -> None:
    data = b"".join(Frame(Opcode.TEXT, message).serialize(mask=True) for message in messages)
    last = len(Frame(Opcode.TEXT, messages[-1]).serialize(mask=True))
    if cut < last:
        assert payloads_of(data[:-cut]) is None
    if payloads_of(data + more) is not None:
        assert [bytes(frame.data) for frame in parsed(data + more)] == payloads_of(data + more)


@pytest.mark.parametrize("opcode", [Opcode.BINARY, Opcode.CONT, Opcode.PING, Opcode.CLOSE])
def test_a_row_of_frames_that_differ_is_left_to_the_library(opcode: Opcode) -> None:
    text = Frame(Opcode.TEXT, b"{}").serialize(mask=True)
    other = Frame(opcode, b"{}").serialize(mask=True)
    assert payloads_of(text + text) == [b"{}"] * 2
    assert payloads_of(text + other) is None
    assert payloads_of(text + Frame(Opcode.TEXT, b"{}").serialize(mask=False)) is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(Frame(Opcode.TEXT, b"{}", fin=False).serialize(mask=True), id="a fragment"),
        pytest.param(Frame(Opcode.CONT, b"{}").serialize(mask=True), id="a continuation"),
        pytest.param(Frame(Opcode.PING, b"{}").serialize(mask=True), id="a ping"),
        pytest.param(Frame(Opcode.CLOSE, b"").serialize(mask=True), id="a close"),
        pytest.param(b"\xc1" + Frame(Opcode.TEXT, b"{}").serialize(mask=True)[1:], id="compressed"),
        pytest.param(Frame(Opcode.TEXT, b"{}").serialize(mask=False), id="unmasked"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_is_no_plain_message_is_left_to_the_library(data: bytes) -> None:
    assert payload_of(data) is None


@given(st.binary(max_size=40))
def test_bytes_are_read_as_the_library_reads_them_or_not_at_all(data: bytes) -> None:
    payload = payload_of(data)
    if payload is not None:
        (frame,) = parsed(data)
        assert bytes(frame.data) == payload


@given(st.binary(max_size=125), st.integers(1, 6), st.binary(min_size=1, max_size=3))
def test_a_whole_pong_is_known_and_nothing_else_is_one(payload: bytes, cut: int, more: bytes) -> None:
    data = Frame(Opcode.PONG, payload).serialize(mask=True)
    assert is_pong(data)
    assert not is_pong(data[:-cut])
    assert not is_pong(data + more)
    for opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.CLOSE):
        assert not is_pong(Frame(opcode, payload).serialize(mask=True))
    assert not is_pong(Frame(Opcode.PONG, payload).serialize(mask=False)), "clients mask; the library says so"


def test_our_ping_is_what_the_library_would_send() -> None:
    protocol = ServerProtocol(state=State.OPEN)
    protocol.send_ping(b"")
    assert protocol.data_to_send() == [PING]
