"""One text for one value: what replicas compare byte by byte.

UTF-8 JSON, keys sorted by their UTF-8 bytes, no spaces, no floats; only `"`, `\\` and U+0000-1F are escaped, with the
short forms `\\b \\t \\n \\f \\r` and lower-case hex, as `JSON.stringify` writes them. Source: merge.md section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, cast

import msgspec

Json: TypeAlias = "None | bool | int | str | list[Json] | dict[str, Json]"
"""A value that may stand in a cell. Integers lie within +-(2^53 - 1); there are no floats."""

# "deterministic" sorts keys by code point, which is the order of their UTF-8 bytes.
_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder()


def canonical(value: Json) -> bytes:
    """The canonical bytes of a value."""
    return _encoder.encode(value)


def canonical_lines(values: Sequence[Json]) -> bytes:
    """The canonical bytes of many values by one call, a line break after each: none of them holds one."""
    return _encoder.encode_lines(values)


def from_canonical(data: bytes) -> Json:
    """The value of canonical bytes."""
    return cast(Json, _decoder.decode(data))
