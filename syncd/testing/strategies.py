"""Hypothesis strategies made from our types: any message, any event's data, any free JSON.

    @given(instances(Delta))
    def test_…(delta: Delta) -> None: …

Whatever a type allows is drawn, so a field that is added is drawn as well.
"""

from __future__ import annotations

from collections.abc import Callable
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, structs
from msgspec import json as msgspec_json
from msgspec.structs import fields

from syncd.limits import SAFE_INTEGER_MAX
from syncd.protocol.messages import Ack, AckItem

T = TypeVar("T")

_CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0")

texts = st.text(_CHARACTERS, max_size=12)
"""Short text that everything here can hold: no NUL, no lone surrogates."""

safe_integers = st.integers(-SAFE_INTEGER_MAX, SAFE_INTEGER_MAX)

free_json: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | safe_integers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
"""JSON as an event may carry it."""


def instances(type_: type[T], *, encode: Callable[[object], bytes] = msgspec_json.encode) -> SearchStrategy[T]:
    """Whatever a struct allows; each field with a default is drawn, or left to it.

    Args:
        encode: of the wire format that raw fields are to hold.
    """
    return _of(type_, encode)


def _of(type_: Any, encode: Callable[[object], bytes]) -> SearchStrategy[Any]:
    origin, arguments = get_origin(type_), get_args(type_)
    if origin is Annotated:
        return _bounded(arguments[0], [each for each in arguments[1:] if isinstance(each, Meta)], encode)
    if origin in (Union, UnionType):
        return st.one_of([_of(each, encode) for each in arguments])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is list:
        return st.lists(_of(arguments[0], encode), max_size=3)
    if origin is tuple:
        return st.tuples(*(_of(each, encode) for each in arguments))
    if origin is dict:
        return st.dictionaries(_of(arguments[0], encode), _of(arguments[1], encode), max_size=3)
    if type_ is Ack:
        # In its own fields or in `acks`: what `Ack` itself checks, as its types cannot say it.
        single = _of(AckItem, encode).map(lambda item: Ack(**structs.asdict(item)))
        return single | st.lists(_of(AckItem, encode), max_size=3).map(lambda items: Ack(acks=items))
    if isinstance(type_, type) and issubclass(type_, Struct):
        return _struct(type_, encode)
    return _PLAIN[type_] if type_ is not Raw else free_json.map(lambda value: Raw(encode(value)))


_PLAIN: dict[Any, SearchStrategy[Any]] = {
    Any: free_json,
    NoneType: st.none(),
    UnsetType: st.just(UNSET),
    bool: st.booleans(),
    int: safe_integers,
    str: texts,
}


def _struct(type_: type[Struct], encode: Callable[[object], bytes]) -> SearchStrategy[Any]:
    required = {field.name: _of(field.type, encode) for field in fields(type_) if field.required}
    optional = {field.name: _of(field.type, encode) for field in fields(type_) if not field.required}
    return st.fixed_dictionaries(required, optional=optional).map(lambda given: type_(**given))


def _bounded(type_: Any, metas: list[Meta], encode: Callable[[object], bytes]) -> SearchStrategy[Any]:
    """What a type with `Meta` allows; bounds that are not given are left to the plain strategies."""
    said = {
        name: value
        for meta in metas
        for name in ("ge", "le", "min_length", "max_length", "pattern")
        if (value := getattr(meta, name)) is not None
    }
    origin, arguments = get_origin(type_), get_args(type_)
    if type_ is int:
        return st.integers(said.get("ge", -SAFE_INTEGER_MAX), said.get("le", SAFE_INTEGER_MAX))
    smallest = said.get("min_length", 0)
    largest = min(said.get("max_length", smallest + 12), smallest + 12)
    if origin is list:
        return st.lists(_of(arguments[0], encode), min_size=smallest, max_size=largest)
    if origin is dict:
        return st.dictionaries(
            _of(arguments[0], encode), _of(arguments[1], encode), min_size=smallest, max_size=largest
        )
    assert type_ is str, f"no strategy for {type_} with {said}"
    if "pattern" in said:
        matching = st.from_regex(said["pattern"])
        return matching.filter(lambda text: smallest <= len(text) <= said.get("max_length", len(text)))
    return st.text(_CHARACTERS, min_size=smallest, max_size=largest)
