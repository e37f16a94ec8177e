"""The common case of reading: what arrived is exactly one whole message in one frame, or several such.

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
_WHOLE = (TEXT, BINARY)
_MASKED = 0x80
_MEDIUM = _MASKED | 126
"""Two bytes of length follow; below it the length stands here. Then come four bytes of mask."""


def is_pong(data: bytes) -> bool:
    """Whether `data` is one whole masked pong and nothing else."""
    if len(data) < 6 or data[0] != _PONG:
        return False
    return _MASKED <= data[1] < _MEDIUM and len(data) == 6 + data[1] - _MASKED


def payload_of(data: bytes) -> bytes | None:
    """The unmasked payload, when `data` is one final, masked data frame of less than 64 KiB and nothing else.

    None says nothing of what it is instead.
    """
    if len(data) < 6 or data[0] not in _WHOLE:
        return None
    second = data[1]
    if second == _MEDIUM:
        if len(data) == 8 + (data[2] << 8) + data[3]:
            return apply_mask(data[8:], data[4:8])
    elif _MASKED <= second < _MEDIUM and len(data) == 6 + second - _MASKED:
        return apply_mask(data[6:], data[2:6])
    return None


def payloads_of(data: bytes) -> list[bytes] | None:
    """The payloads of frames that follow each other, each as `payload_of` reads one, and all of one type.

    None when there is anything else, be it a frame that is not here as a whole.
    """
    payloads: list[bytes] = []
    start, end = 0, len(data)
    while start < end:
        if end - start < 6 or data[start] not in _WHOLE or data[start] != data[0]:
            return None
        second = data[start + 1]
        if second == _MEDIUM:
            mask = start + 4
            stop = mask + 4 + (data[start + 2] << 8) + data[start + 3]
        else:
            mask = start + 2
            stop = mask + 4 + second - _MASKED
        if second < _MASKED or second > _MEDIUM or stop > end:
            return None
        payloads.append(apply_mask(data[mask + 4 : stop], data[mask : mask + 4]))
        start = stop
    return payloads
