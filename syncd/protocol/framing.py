"""The websocket frame around a message from a server (RFC 6455 section 5.2): final, unmasked.

Framed once, the same bytes go to every subscriber; that is what keeps fan-out cheap.
"""

from __future__ import annotations

_TEXT = 0x81
_BINARY = 0x82
COMMON_BYTES = 1_024
"""Payloads below this have their headers made in advance; most messages do. About 100 KB."""


def _header(first: int, length: int) -> bytes:
    if length < 126:
        return bytes((first, length))
    if length < 65536:
        return bytes((first, 126)) + length.to_bytes(2, "big")
    return bytes((first, 127)) + length.to_bytes(8, "big")


HEADERS = {text: [_header(first, length) for length in range(COMMON_BYTES)]
           for text, first in ((True, _TEXT), (False, _BINARY))}  # fmt: skip
"""By whether it is text, then by length."""


def frame(payload: bytes, *, text: bool) -> bytes:
    """The payload as one whole frame."""
    length = len(payload)
    if length < COMMON_BYTES:
        return HEADERS[text][length] + payload
    return _header(_TEXT if text else _BINARY, length) + payload


def payload_of(framed: bytes) -> bytes:
    """The payload of what `frame` made."""
    length = framed[1]
    return framed[2:] if length < 126 else framed[4:] if length == 126 else framed[10:]
