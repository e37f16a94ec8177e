"""Whether an event's data is plain: flat JSON of which nothing has to be looked for any more.

What may not be in data (`free_json`, `raw`) would be looked for in every text and number of every event. Nearly all
data has none of it, and shows that to a decoder that accepts nothing else: no floats, no integer that JavaScript cannot
hold, no deep nesting. Encoding what was decoded again shows that no key was named twice, since decoding keeps one of
them. All of that is C. No says nothing: whoever gets it looks closer.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from syncd.limits import SAFE_INTEGER_MAX

_Integer = Annotated[int, Meta(ge=-SAFE_INTEGER_MAX, le=SAFE_INTEGER_MAX)]
_Value: TypeAlias = None | bool | _Integer | str
# A type cannot name itself here, so each level is spelled out: what an item holds, an item, the items, the data.
_Held: TypeAlias = _Value | list[_Value] | dict[str, _Value]
_Item: TypeAlias = _Value | list[_Held] | dict[str, _Held]
_Data: TypeAlias = dict[str, _Value | list[_Item] | dict[str, _Item]]

_NOT_DECODED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode_json = msgspec.json.Decoder(_Data).decode
_encode_json = msgspec.json.Encoder().encode
_decode_msgpack = msgspec.msgpack.Decoder(_Data).decode
_encode_msgpack = msgspec.msgpack.Encoder().encode


def is_plain_json(data: bytes) -> bool:
    """Whether this is a flat object of null, flags, safe integers and texts without escapes, each key once.

    Nothing gets longer by being decoded and encoded again: spaces, escapes and a key's first value only go. So bytes of
    the same number hold each key once; where spaces went, the quotes are counted, of which no text can hold one here.
    """
    if data.find(b"\\") >= 0:  # a NUL can stand in JSON in no other way, nor can a quote in a text
        return False
    try:
        again = _encode_json(_decode_json(data))
    except _NOT_DECODED:
        return False
    return len(data) == len(again) or data.count(b'"') == again.count(b'"')


def is_plain_msgpack(data: bytes) -> bool:
    """The same of MessagePack in its shortest form: what equals the encoding of a value names no key twice."""
    try:
        value = _decode_msgpack(data)
    except _NOT_DECODED:
        return False
    if data.find(b"\0") >= 0 and _encode_json(value).find(b"\\u0000") >= 0:  # the first is mostly part of a number
        return False
    return data == _encode_msgpack(value)
