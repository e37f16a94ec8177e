"""What decoders let pass in raw bytes: nesting that makes them fail by recursion, and a key given twice.

Both are asked of every frame or event, so each question first has a cheap answer that is right for ordinary input, made
of a few passes in C, and a precise one only behind it. Nothing here recurses. Source: hazards.md, "Measured".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import msgspec

# --- nesting ---

# A JSON string, or what an unfinished one leaves: matching to the end of the input keeps the pattern linear.
_JSON_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_ONLY_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_SQUARE = b"["[0]
_AS_SQUARE = bytes.maketrans(b"{}", b"[]")

_MSGPACK_CONTAINERS = bytes([*range(0x80, 0xA0), *range(0xDC, 0xE0)])
_NOT_MSGPACK_CONTAINERS = bytes(byte for byte in range(256) if byte not in _MSGPACK_CONTAINERS)


def json_nests_deeper(data: bytes, depth: int) -> bool:
    """Whether arrays and objects nest deeper than `depth`; also true where brackets do not pair up.

    Few brackets answer at once. Else strings are taken out, and the innermost pairs removed `depth` times: what is
    left then is deeper.
    """
    # A count looks at one byte after the other; whether there is any is asked of sixteen at once.
    if data.count(b"{") + (data.count(b"[") if _SQUARE in data else 0) <= depth:
        return False
    brackets = _JSON_STRING.sub(b"", data).translate(_AS_SQUARE, delete=_ONLY_BRACKETS)
    for _ in range(depth):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def msgpack_nests_deeper(data: bytes, depth: int) -> bool:
    """Whether arrays and maps nest deeper than `depth`. What is no MessagePack is left to the decoder."""
    if len(data.translate(None, delete=_NOT_MSGPACK_CONTAINERS)) <= depth:
        return False
    return _walk_msgpack(data, depth_max=depth).too_deep


# --- a key twice ---

_json_decoder = msgspec.json.Decoder()
_json_encoder = msgspec.json.Encoder()
_msgpack_decoder = msgspec.msgpack.Decoder()
_msgpack_encoder = msgspec.msgpack.Encoder()


def json_key_twice(data: bytes) -> str | None:
    """A key that some object of this JSON names twice, or None. `data` is known to decode.

    Without a backslash no string holds a quote, so the quotes count the strings; decoding drops a key given twice, and
    its strings are then missing from what is encoded again.
    """
    again = _json_encoder.encode(_json_decoder.decode(data))
    if data == again or (data.find(b"\\") < 0 and data.count(b'"') == again.count(b'"')):
        return None
    try:
        json.loads(data, object_pairs_hook=_refuse_twice)
    except _KeyTwice as twice:
        return twice.key
    return None


def msgpack_key_twice(data: bytes) -> str | None:
    """A key that some map of this MessagePack names twice, or None. `data` is known to decode.

    Bytes that equal the encoding of a value hold no key twice, since the value holds none.
    """
    if data == _msgpack_encoder.encode(_msgpack_decoder.decode(data)):
        return None
    return _walk_msgpack(data, depth_max=None).key_twice


class _KeyTwice(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _refuse_twice(pairs: Iterable[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise _KeyTwice(key)
        seen.add(key)


# --- MessagePack, element by element ---

# First byte -> bytes of the length field that follows it, for strings, binaries and extensions.
_LENGTH_BYTES = {0xD9: 1, 0xDA: 2, 0xDB: 4, 0xC4: 1, 0xC5: 2, 0xC6: 4, 0xC7: 1, 0xC8: 2, 0xC9: 4}
_EXTENSIONS = frozenset({0xC7, 0xC8, 0xC9})
# First byte -> bytes of payload after it, for numbers and fixed extensions (whose type takes one of them).
_NUMBERS = dict(zip(range(0xCA, 0xD4), (4, 8, 1, 2, 4, 8, 1, 2, 4, 8), strict=True))
_FIXED_EXTENSIONS = dict(zip(range(0xD4, 0xD9), (2, 3, 5, 9, 17), strict=True))
_PAYLOAD_BYTES = _NUMBERS | _FIXED_EXTENSIONS
# First byte -> (bytes of the count that follows it, elements for each of the count).
_COUNT_BYTES = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}


class _Walk:
    """What a walk over MessagePack found."""

    __slots__ = ("key_twice", "too_deep")

    def __init__(self) -> None:
        self.key_twice: str | None = None
        self.too_deep = False


class _Container:
    """An open array or map: elements still to come, and for a map the keys it has had."""

    __slots__ = ("keys", "left")

    def __init__(self, left: int, keys: set[bytes] | None) -> None:
        self.left = left
        self.keys = keys


def _walk_msgpack(data: bytes, *, depth_max: int | None) -> _Walk:
    """Visit every element in order, with a stack of open containers; ends early at the first finding.

    A truncated tail ends the walk: the decoder says so better. Every element takes at least one byte, so a header that
    claims billions of elements costs nothing.
    """
    found = _Walk()
    stack: list[_Container] = []
    at, end = 0, len(data)
    while at < end:
        start, first = at, data[at]
        at += 1
        payload, opened = at, None
        if first <= 0x7F or first >= 0xE0 or 0xC0 <= first <= 0xC3:
            pass
        elif first <= 0x8F:
            opened = _Container(2 * (first & 0x0F), set())
        elif first <= 0x9F:
            opened = _Container(first & 0x0F, None)
        elif first <= 0xBF:
            at += first & 0x1F
        elif first in _LENGTH_BYTES:
            payload += _LENGTH_BYTES[first]
            at = payload + int.from_bytes(data[at:payload], "big") + (first in _EXTENSIONS)
        elif first in _PAYLOAD_BYTES:
            at += _PAYLOAD_BYTES[first]
        else:
            width, per_count = _COUNT_BYTES[first]
            at += width
            count = int.from_bytes(data[payload:at], "big")
            opened = _Container(count * per_count, set() if per_count == 2 else None)

        if stack and stack[-1].keys is not None and stack[-1].left % 2 == 0:
            # A string may be written with a longer header than it needs: its text alone is the key.
            is_text = 0xA0 <= first <= 0xBF or 0xD9 <= first <= 0xDB
            key = data[payload:at] if is_text else data[start:at]
            if key in stack[-1].keys:
                found.key_twice = key.decode(errors="replace")
                return found
            stack[-1].keys.add(key)

        if stack:
            stack[-1].left -= 1
        if opened is not None:
            stack.append(opened)
            if depth_max is not None and len(stack) > depth_max:
                found.too_deep = True
                return found
        while stack and stack[-1].left == 0:
            stack.pop()
    return found
