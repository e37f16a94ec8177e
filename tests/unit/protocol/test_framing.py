"""Our frames, as `websockets` reads them."""

from __future__ import annotations

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from syncd.protocol.framing import frame

SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 262_144, 2**20]


@pytest.mark.parametrize("text", [True, False], ids=["text", "binary"])
@pytest.mark.parametrize("size", SIZES)
def test_a_client_reads_one_whole_frame(size: int, *, text: bool) -> None:
    client = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN, max_size=2**21)
    client.receive_data(frame(b"x" * size, text=text))
    (received,) = client.events_received()
    assert isinstance(received, Frame)
    assert received.opcode is (Opcode.TEXT if text else Opcode.BINARY)
    assert received.fin
    assert bytes(received.data) == b"x" * size


@pytest.mark.parametrize("size", SIZES)
def test_frames_are_those_that_the_library_would_send(size: int) -> None:
    payload = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert frame(payload, text=False) == Frame(Opcode.BINARY, payload).serialize(mask=False)


def test_frames_follow_each_other_without_anything_between() -> None:
    client = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN)
    client.receive_data(b"".join(frame(b"x" * size, text=True) for size in SIZES[:5]))
    assert [len(event.data) for event in client.events_received() if isinstance(event, Frame)] == SIZES[:5]
