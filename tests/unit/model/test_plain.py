"""Plain data is data in which nobody would find anything."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import InvalidEvent
from syncd.model.free_json import check_json
from syncd.model.plain import is_plain_json, is_plain_msgpack
from syncd.model.raw import json_key_twice, msgpack_key_twice

TEXTS = st.text(alphabet=st.sampled_from('abä🎵 "\\/\0\n\x7f\u2028'), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) - 1, 2**53 + 1) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
ORDINARY: list[dict[str, Any]] = [
    {"list": "queue", "parent": None, "side": "R", "items": [{"track": "t1", "title": "Für Elise 🎵", "gain": -3}]},
    {"theme": "dark", "d1/eq": [1, {"gain": -3}], "crossfade": True},
    {"play": "p1", "track": "t1", "context": {"album": "a1", "discs": [1, 2]}, "started_ms": 1_763_870_000_001},
    {"list": "queue", "ids": ["k3v9q2m4ta.1.0", "k3v9q2m4ta.1.1"]},
]


def is_clean(value: Any) -> bool:
    try:
        check_json(value, "data", depth=1)
    except InvalidEvent:
        return False
    return True


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_in_plain_data_there_is_nothing_to_find(data: dict[str, Any]) -> None:
    as_json, as_msgpack = msgspec.json.encode(data), msgspec.msgpack.encode(data)
    assert is_clean(msgspec.json.decode(as_json)) or not is_plain_json(as_json)
    assert is_clean(data) or not is_plain_msgpack(as_msgpack)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["1", '"a"', '{"a":1}', "[1, 2]"])), max_size=4))
def test_plain_data_names_no_key_twice(pairs: list[tuple[str, str]]) -> None:
    inner = ",".join(f'"{key}":{value}' for key, value in pairs)
    for raw in (f"{{{inner}}}", f'{{"in":{{{inner}}}}}', f'{{ "in" : [{{{inner}}}] }}'):
        assert is_plain_json(raw.encode()) == (json_key_twice(raw.encode()) is None)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 300)), max_size=4))
def test_plain_messagepack_names_no_key_twice(pairs: list[tuple[str, int]]) -> None:
    raw = bytes([0x80 + len(pairs)]) + b"".join(map(msgspec.msgpack.encode, (each for pair in pairs for each in pair)))
    assert msgpack_key_twice(raw) is None or not is_plain_msgpack(raw)


@pytest.mark.parametrize("data", ORDINARY)
def test_ordinary_data_is_plain(data: dict[str, Any]) -> None:
    assert is_plain_json(msgspec.json.encode(data))
    assert is_plain_json(msgspec.json.format(msgspec.json.encode(data), indent=2))
    assert is_plain_msgpack(msgspec.msgpack.encode(data))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"7",
        b'{"a":0.5}',
        b'{"a":1e3}',
        b'{"a":9007199254740992}',
        b'{"a":-9007199254740992}',
        b'{"a":"\\u0000"}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":' * 100_000,
        b'{"a":[[[[1]]]]}',
    ],
)
def test_what_wants_a_closer_look_is_not_plain(raw: bytes) -> None:
    assert not is_plain_json(raw)


@pytest.mark.parametrize(
    "raw", [b"", b"\xc1", b"\x81\xa1a\xa1\0", b"\x81\xa1a\xc4\x01x", b"\x81\x01\x01", b"\x81\xa1a\xcb" + b"?" * 8]
)
def test_what_wants_a_closer_look_is_not_plain_in_messagepack(raw: bytes) -> None:
    assert not is_plain_msgpack(raw)
