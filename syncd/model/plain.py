"""Reading the data of an event that is plain: nothing of it has to be looked for any more once it is decoded.

What may not be in data (`free_json`, `raw`) would be looked for in every text and number of every event. Nearly all
data has none of it, and shows that to a decoder that accepts nothing else: where any JSON may stand it takes flat JSON
without floats and without integers that JavaScript cannot hold. Encoding what was decoded again shows that no key was
named twice, since decoding keeps one of them; for that a plain event names each of its fields. All of that is C, and
the decode is the one that is needed anyhow. What is not plain may be good all the same: whoever gets None looks closer.
"""

from __future__ import annotations

from collections.abc import Callable
from types import UnionType
from typing import Annotated, Any, Final, TypeAlias, Union, get_args, get_origin

import msgspec
from msgspec import UNSET, Meta
from msgspec.structs import FieldInfo, fields

from syncd.limits import SAFE_INTEGER_MAX
from syncd.model.events import EVENTS

_Integer = Annotated[int, Meta(ge=-SAFE_INTEGER_MAX, le=SAFE_INTEGER_MAX)]
_Value: TypeAlias = None | bool | _Integer | str
# A type cannot name itself here, so each level is spelled out.
_Inner: TypeAlias = _Value | list[_Value] | dict[str, _Value]
_Flat: TypeAlias = _Value | list[_Inner] | dict[str, _Inner]


def _plain_event(type_: Any) -> Any:
    """The type of an event's data that is plain; what it decodes is an instance of `type_`, too."""
    if get_origin(type_) is not None:  # settings.changed, which is no struct
        return _plain(type_)
    return msgspec.defstruct(
        type_.__name__, [_plain_field(field) for field in fields(type_)], bases=(type_,), frozen=True,
        forbid_unknown_fields=True, gc=False,
    )  # fmt: skip


def _plain_field(field: FieldInfo) -> tuple[str, Any] | tuple[str, Any, Any]:
    """Without its default: it must be named. What is `UNSET` by default is left out by the encoder, too."""
    plain = _plain(field.type)
    return (field.name, plain, UNSET) if field.default is UNSET else (field.name, plain)


def _plain(type_: Any) -> Any:
    """A type with flat JSON wherever any may stand."""
    if type_ is Any:
        return _Flat
    origin, inner = get_origin(type_), get_args(type_)
    if origin is Annotated:
        return Annotated[(_plain(inner[0]), *inner[1:])]
    if origin in (Union, UnionType):
        return Union[tuple(map(_plain, inner))]  # noqa: UP007  # of types that are made here
    if origin in (list, dict):
        return origin[tuple(map(_plain, inner))]
    return type_


_NOT_DECODED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_TYPES: Final = {kind: _plain_event(type_) for kind, type_ in EVENTS.items()}
_decode_json: dict[str, Callable[[bytes], Any]] = {
    kind: msgspec.json.Decoder(type_).decode for kind, type_ in _TYPES.items()
}
_decode_msgpack: dict[str, Callable[[bytes], Any]] = {
    kind: msgspec.msgpack.Decoder(type_).decode for kind, type_ in _TYPES.items()
}
_encode_json = msgspec.json.Encoder().encode
_encode_msgpack = msgspec.msgpack.Encoder().encode


def read_plain_json(kind: str, data: bytes) -> Any | None:
    """The data of an event, if it is plain and has no escapes in its texts.

    Nothing gets longer by being decoded and encoded again: spaces, escapes and a key's first value only go. So bytes of
    the same number hold each key once; where spaces went, the quotes are counted, of which no text can hold one here.
    """
    decode = _decode_json.get(kind)
    if decode is None or data.find(b"\\") >= 0:  # a NUL can stand in JSON in no other way, nor can a quote in a text
        return None
    try:
        value = decode(data)
    except _NOT_DECODED:
        return None
    again = _encode_json(value)
    return value if len(data) == len(again) or data.count(b'"') == again.count(b'"') else None


def read_plain_msgpack(kind: str, data: bytes) -> Any | None:
    """The same of MessagePack. It gets shorter, too, where something was not written in its shortest form."""
    decode = _decode_msgpack.get(kind)
    if decode is None:
        return None
    try:
        value = decode(data)
    except _NOT_DECODED:
        return None
    if data.find(b"\0") >= 0 and _encode_json(value).find(b"\\u0000") >= 0:  # the first is mostly part of a number
        return None
    return value if len(data) == len(_encode_msgpack(value)) else None
