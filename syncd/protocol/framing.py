"""The websocket frame around a message from a server (RFC 6455 section 5.2): final, unmasked.

Framed once, the same bytes go to every subscriber; that is what keeps fan-out cheap.
"""

from __future__ import annotations

_TEXT = 0x81
_BINARY = 0x82
_HEADERS = {
    True: [bytes((_TEXT, length)) for length in range(126)],
    False: [bytes((_BINARY, length)) for length in range(126)],
}


def frame(payload: bytes, *, text: bool) -> bytes:
    """The payload as one whole frame."""
    length = len(payload)
    if length < 126:
        return _HEADERS[text][length] + payload
    first = _TEXT if text else _BINARY
    if length < 65536:
        return bytes((first, 126, length >> 8, length & 255)) + payload
    return bytes((first, 127)) + length.to_bytes(8, "big") + payload
