"""The common case of reading: what arrived is exactly one whole message in one frame.

`websockets`' parser is right for every sequence of bytes, and steps through generators to be so. A client's message
nearly always arrives by itself, though, and then a few comparisons tell as much. Whatever is not that simple, and
whatever breaks a rule of RFC 6455, is left to the parser, which then also has the words for it.
"""

from __future__ import annotations

from typing import Final

from websockets.speedups import apply_mask

TEXT: Final = 0x81
"""First byte of a final text frame without extensions."""
BINARY: Final = 0x82
PING: Final = b"\x89\x00"
"""A whole ping of ours, without a payload."""
_PONG = 0x8A
_MASKED = 0x80
_SHORT_MAX = _MASKED | 125
_MEDIUM = _MASKED | 126
_MASK_BYTES = 4


def is_pong(data: bytes) -> bool:
    """Whether `data` is one whole masked pong and nothing else."""
    if len(data) < 6 or data[0] != _PONG:
        return False
    return _MASKED <= data[1] <= _SHORT_MAX and len(data) == 2 + _MASK_BYTES + data[1] - _MASKED


def payload_of(data: bytes) -> bytes | None:
    """The unmasked payload, when `data` is one final, masked data frame of less than 64 KiB and nothing else.

    None says nothing of what it is instead.
    """
    length = len(data)
    if length < 6 or (data[0] != TEXT and data[0] != BINARY):
        return None
    second = data[1]
    if _MASKED <= second <= _SHORT_MAX:
        start = 2 + _MASK_BYTES
        if length != start + second - _MASKED:
            return None
    elif second == _MEDIUM:
        start = 4 + _MASK_BYTES
        if length != start + (data[2] << 8 | data[3]):
            return None
    else:
        return None
    return apply_mask(data[start:], data[start - _MASK_BYTES : start])
