"""Nesting and keys given twice, in raw bytes: the quick answer and the precise one must agree."""

from __future__ import annotations

import json
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.model.raw import json_key_twice, json_nests_deeper, msgpack_key_twice, msgpack_nests_deeper
from syncd.testing.histories import free_json


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


# Text full of what a careless scanner takes for structure.
tricky = st.text(st.sampled_from('[]{}"\\:,a\u0080\u009f'), max_size=8)
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.integers(-(2**63), 2**63), tricky, st.binary(max_size=0).map(lambda _: False)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(tricky, inner, max_size=4)),
    max_leaves=20,
)


@given(values, st.integers(0, 6))
def test_json_depth_is_exact(value: Any, depth: int) -> None:
    for raw in (msgspec.json.encode(value), json.dumps(value).encode(), json.dumps(value, indent=1).encode()):
        assert json_nests_deeper(raw, depth) == (depth_of(value) > depth)


@given(values, st.integers(0, 6))
def test_msgpack_depth_is_exact(value: Any, depth: int) -> None:
    assert msgpack_nests_deeper(msgspec.msgpack.encode(value), depth) == (depth_of(value) > depth)


@given(st.binary(max_size=64), st.integers(0, 6))
def test_depth_of_any_bytes_is_answered(raw: bytes, depth: int) -> None:
    json_nests_deeper(raw, depth)
    msgpack_nests_deeper(raw, depth)


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 250_000,
        b"]" * 250_000,
        b'{"a":' * 50_000,
        b'"' + b'\\"' * 125_000,
        b'"' * 250_000,
        b"[" * 40 + b'"' + b"\\" * 250_000,
        b"[]" * 125_000,
        b"[" + b"{}," * 80_000 + b"{}]",
        b"\xdd\xff\xff\xff\xff" * 50_000,
        b"\x80" * 250_000,
        b"\x91" * 250_000,
        b"\xdb\xff\xff\xff\xff" + b"\x91" * 200_000,
    ],
)
def test_hostile_frames_cost_time_in_proportion_to_their_bytes(raw: bytes) -> None:
    began = time.thread_time()
    json_nests_deeper(raw, 32)
    msgpack_nests_deeper(raw, 32)
    assert time.thread_time() - began < 2.0, "a quarter of a megabyte takes well under a tenth of that"


def test_deep_frames_are_seen_as_deep() -> None:
    assert json_nests_deeper(b"[" * 100_000 + b"]" * 100_000, 32)
    assert json_nests_deeper(b"[" * 33 + b"]" * 33, 32)
    assert not json_nests_deeper(b"[" * 32 + b"]" * 32, 32)
    assert not json_nests_deeper(b'["' + b"[" * 100 + b'"]', 32)
    assert msgpack_nests_deeper(b"\x91" * 33, 32)
    assert not msgpack_nests_deeper(b"\x91" * 32 + b"\xc0", 32)
    assert not msgpack_nests_deeper(b"\xd9\x64" + b"\x91" * 100, 32)
    assert not msgpack_nests_deeper(b"\x92" * 1 + b"\x90" * 2, 32)
    assert not msgpack_nests_deeper(b"\xdc\x00\x64" + b"\x90" * 100, 32)


@pytest.mark.parametrize(
    "first",
    [
        b"\xc4\x03abc",  # bin 8
        b"\xc5\x00\x03abc",  # bin 16
        b"\xc6\x00\x00\x00\x03abc",  # bin 32
        b"\xc7\x03\x01abc",  # ext 8
        b"\xc8\x00\x03\x01abc",  # ext 16
        b"\xc9\x00\x00\x00\x03\x01abc",  # ext 32
        b"\xca\x91\x91\x91\x91",  # float 32
        b"\xcb" + b"\x91" * 8,  # float 64
        b"\xcc\x91",
        b"\xcd\x91\x91",
        b"\xce" + b"\x91" * 4,
        b"\xcf" + b"\x91" * 8,
        b"\xd0\x91",
        b"\xd1\x91\x91",
        b"\xd2" + b"\x91" * 4,
        b"\xd3" + b"\x91" * 8,
        b"\xd4\x01\x91",  # fixext 1 to 16
        b"\xd5\x01" + b"\x91" * 2,
        b"\xd6\x01" + b"\x91" * 4,
        b"\xd7\x01" + b"\x91" * 8,
        b"\xd8\x01" + b"\x91" * 16,
        b"\xd9\x03\x91\x91\x91",  # str 8
        b"\xda\x00\x03\x91\x91\x91",
        b"\xdb\x00\x00\x00\x03\x91\x91\x91",
        b"\xa3\x91\x91\x91",
        b"\xde\x00\x01\xa1k\xc0",  # map 16, 32
        b"\xdf\x00\x00\x00\x01\xa1k\xc0",
        b"\xdc\x00\x01\xc0",
        b"\xdd\x00\x00\x00\x01\xc0",
    ],
)
def test_the_messagepack_walk_steps_over_every_form(first: bytes) -> None:
    """What follows the form is found where it begins: here, 40 levels after it, or as many that lie flat before it."""
    deep = b"\x91" * 40 + b"\xc0"
    assert msgpack_nests_deeper(b"\x92" + first + deep, 32)
    assert not msgpack_nests_deeper(b"\xdc\x00\x30" + b"\x90" * 46 + first + b"\xc0", 32)


# --- a key twice ---


@given(free_json(leaves=12))
def test_ordinary_json_names_no_key_twice(value: Any) -> None:
    for raw in (msgspec.json.encode(value), json.dumps(value).encode(), json.dumps(value, indent=2).encode()):
        assert json_key_twice(raw) is None
    assert msgpack_key_twice(msgspec.msgpack.encode(value)) is None


@given(st.dictionaries(tricky, tricky, min_size=1, max_size=4), st.data())
def test_a_key_given_twice_is_found_in_either_format(pairs: dict[str, str], data: st.DataObject) -> None:
    doubled = [*pairs.items()]
    twice = data.draw(st.sampled_from(doubled))
    doubled.insert(data.draw(st.integers(0, len(doubled))), (twice[0], "again"))
    ascii_ = data.draw(st.booleans())

    def text(value: str) -> str:
        return json.dumps(value, ensure_ascii=ascii_)

    raw = "{" + ",".join(f"{text(key)}:{text(value)}" for key, value in doubled) + "}"
    assert json_key_twice(f'[1,{{"in":{raw}}}]'.encode()) == twice[0]
    packed = bytes([0x80 | len(doubled)]) + b"".join(
        msgspec.msgpack.encode(text_) for pair in doubled for text_ in pair
    )
    assert msgpack_key_twice(b"\x92\x01" + packed) == twice[0]


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (b'{"a":1,"a":1}', "a"),
        (b'{"a":1,"\\u0061":2}', "a"),
        (b'{"a":"\\u0022\\u0022","a":""}', "a"),  # escaped quotes must not make up for the missing ones
        (b'{"a":"\\"\\"","a":""}', "a"),
        (b'{ "a" : [ { "b" : 1 , "b" : 2 } ] }', "b"),
        (b'{"a":{"a":{"a":1}}}', None),
        (b'[{"a":1},{"a":2}]', None),
        (b'{ "a" : 1.50 , "b" : "\\u00fc" }', None),
    ],
)
def test_json_keys(raw: bytes, key: str | None) -> None:
    assert json_key_twice(raw) == key


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (b"\x82\xa1a\x01\xa1a\x02", "a"),
        (b"\x82\xa1a\x01\xd9\x01a\x02", "a"),  # the same key with a longer header
        (b"\x83\xa1a\xca\x00\x00\x00\x00\xa1b\x00\xa1b\x00", "b"),  # a float that grows when it is encoded again
        (b"\xde\x00\x02\xa1a\x01\xa1a\x02", "a"),
        (b"\x82\xa1a\xcd\x00\x01\xa1b\x02", None),  # a number wider than it needs
        (b"\xdf\x00\x00\x00\x01\xa1a\x81\xa1a\x01", None),
    ],
)
def test_messagepack_keys(raw: bytes, key: str | None) -> None:
    assert msgpack_key_twice(raw) == key
