"""Plain data is data in which nobody would find anything; everything else is left to whoever looks closer."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import InvalidEvent
from syncd.model.events import EVENTS, HistoryPlayed, ListInserted, PlaybackModeChanged, PlaybackStarted
from syncd.model.free_json import check_json
from syncd.model.plain import read_plain_json, read_plain_msgpack
from syncd.model.raw import json_key_twice, msgpack_key_twice

SETTINGS = "settings.changed"
TEXTS = st.text(alphabet=st.sampled_from('abä🎵 "\\/\0\n\x7f\u2028'), min_size=1, max_size=6)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) - 1, 2**53 + 1) | FINITE | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
ITEM = {"track": "t1", "title": "Für Elise 🎵", "gain": -3, "artists": ["a", {"id": "b"}]}
PLAYED = {"from": "queue", "id": "k3v9q2m4ta.1.0", "track": "t1", "duration_ms": None}
ORDINARY: dict[str, Any] = {
    "list.inserted": ListInserted("queue", [ITEM, ITEM], "R"),
    "settings.changed": {"theme": "dark", "d1/eq": [1, {"gain": -3}], "crossfade": True},
    "history.played": HistoryPlayed("p1", "t1", 1_763_870_000_001, 5, context={"album": "a1", "discs": [1, 2]}),
    "playback.started": PlaybackStarted("d1", PLAYED, ["k3v9q2m4ta.1"], 0, True, 1_000, context=["radio"]),
    "playback.mode_changed": PlaybackModeChanged(repeat="all", sleep_at_ms=None),
}


def is_clean(value: Any) -> bool:
    try:
        check_json(value, "data", depth=1)
    except InvalidEvent:
        return False
    return True


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_in_plain_data_there_is_nothing_to_find(data: dict[str, Any]) -> None:
    of_json = read_plain_json(SETTINGS, msgspec.json.encode(data))
    of_msgpack = read_plain_msgpack(SETTINGS, msgspec.msgpack.encode(data))
    assert of_json is None or (of_json == data and is_clean(data))
    assert of_msgpack is None or (of_msgpack == data and is_clean(data))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["1", '"a"', '{"a":1}', "[1, 2]"])), max_size=4))
def test_plain_data_names_no_key_twice(pairs: list[tuple[str, str]]) -> None:
    inner = ",".join(f'"{key}":{value}' for key, value in pairs)
    for raw in (f'{{"in":{{{inner}}}}}'.encode(), f'{{ "in" : {{{inner}}} }}'.encode()):
        assert (read_plain_json(SETTINGS, raw) is not None) == (json_key_twice(raw) is None)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 300)), min_size=1, max_size=4))
def test_plain_messagepack_names_no_key_twice(pairs: list[tuple[str, int]]) -> None:
    raw = bytes([0x80 + len(pairs)]) + b"".join(map(msgspec.msgpack.encode, (each for pair in pairs for each in pair)))
    assert (read_plain_msgpack(SETTINGS, raw) is not None) == (msgpack_key_twice(raw) is None)


MEMBERS = ['"list":"queue"', '"parent":null', '"side":"R"', '"items":[{"track":"t"}]']
MORE = [*MEMBERS, '"side":"L"', '"items":[{"track":"t","track":"u"}]', '"items":[{"track":"t","parent":null}]']


@given(st.lists(st.sampled_from(MORE), max_size=6))
def test_a_field_given_twice_does_not_make_up_for_one_that_is_left_out(members: list[str]) -> None:
    """Both change the number of bytes, and of quotes; `"parent":null` in an item looks like the field itself."""
    raw = f"{{{','.join(members)}}}".encode()
    if read_plain_json("list.inserted", raw) is not None:
        assert json_key_twice(raw) is None
        assert set(msgspec.json.decode(raw)) == {"list", "parent", "side", "items"}


@pytest.mark.parametrize("kind", ORDINARY)
def test_ordinary_data_is_plain_and_of_its_kind(kind: str) -> None:
    data = ORDINARY[kind]
    as_json = msgspec.json.encode(data)
    for read in (
        read_plain_json(kind, as_json),
        read_plain_json(kind, msgspec.json.format(as_json, indent=2)),
        read_plain_msgpack(kind, msgspec.msgpack.encode(data)),
    ):
        assert msgspec.json.encode(read) == as_json
        assert isinstance(read, dict if kind == SETTINGS else EVENTS[kind])


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
        b'{"a":[[[1]]]}',
    ],
)
def test_what_wants_a_closer_look_is_not_plain(raw: bytes) -> None:
    assert read_plain_json(SETTINGS, raw) is None


@pytest.mark.parametrize(
    "raw", [b"", b"\xc1", b"\x81\xa1a\xa1\0", b"\x81\xa1a\xc4\x01x", b"\x81\x01\x01", b"\x81\xa1a\xcb" + b"?" * 8]
)
def test_what_wants_a_closer_look_is_not_plain_in_messagepack(raw: bytes) -> None:
    assert read_plain_msgpack(SETTINGS, raw) is None


def test_of_a_kind_that_is_not_known_nothing_is_plain() -> None:
    assert read_plain_json("holograms.shown", b"{}") is None
    assert read_plain_msgpack("holograms.shown", b"\x80") is None
