"""What admission refuses, and what it says."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from syncd.errors import InvalidEvent, LimitExceeded, Refused
from syncd.limits import EVENT_NESTING_MAX, ITEMS_MAX
from syncd.model.events import EVENTS, ListInserted, PlaybackPaused, SettingsChanged
from syncd.model.validate import Format, canonical_size, check, decode_data, read_data, stream_accepts

ACCOUNT = "a:9f3c"
PLAYLIST = "p:summer-0123456789abcdef"
PLAY = "k3v9q2m4ta.1"
ITEM = "k3v9q2m4ta.1.0"
PLAYED = {"from": "queue", "id": ITEM, "track": "t1"}

GOOD: dict[str, Any] = {
    "list.inserted": {"list": "queue", "parent": None, "side": "R", "items": [{"track": "t1"}]},
    "list.moved": {"list": "queue", "parent": ITEM, "side": "L", "ids": [ITEM]},
    "list.moved_back": {"list": "queue", "item": ITEM, "slot": ITEM},
    "list.removed": {"list": "queue", "ids": [ITEM]},
    "list.restored": {"list": "queue", "ids": [ITEM]},
    "list.cleared": {"list": "queue", "seen": {"k3v9q2m4ta": 3}},
    "playback.started": {
        "device": "d1",
        "item": PLAYED,
        "context": {"album": "a1"},
        "follows": [PLAY],
        "position_ms": 0,
        "playing": True,
        "speed_permille": 1_000,
        "detached": False,
    },
    "playback.advanced": {"epoch": PLAY, "generation": 1, "follows": [PLAY], "item": PLAYED, "automatic": True},
    "playback.paused": {"epoch": PLAY},
    "playback.resumed": {"epoch": PLAY, "play": PLAY, "position_ms": 4},
    "playback.seeked": {"play": PLAY, "position_ms": 4, "playing": True},
    "playback.speed_changed": {
        "epoch": PLAY,
        "play": PLAY,
        "position_ms": 4,
        "playing": True,
        "speed_permille": 1_500,
    },
    "playback.reported": {"play": PLAY, "position_ms": 4, "buffering": False, "answers": ["0" * 21, "0" * 21]},
    "playback.mode_changed": {"shuffle": {"on": True, "seed": 42}, "repeat": "all", "sleep_at_ms": None},
    "device.volume_changed": {"device": "d1", "volume_permille": 1_000},
    "library.changed": {"set": "ratings", "ids": ["t1"], "value": 100},
    "settings.changed": {"theme": "dark", "d1/eq": [1, {"gain": -3}]},
    "progress.listened": {"episode": "e1", "position_ms": 4, "duration_ms": 9, "finished": False, "through": "0" * 21},
    "progress.marked": {"episode": "e1", "played": True},
    "history.played": {
        "play": "p1",
        "track": "t1",
        "context": None,
        "started_ms": 1,
        "listened_ms": 2,
        "skipped": False,
        "reason": "end",
    },
    "history.removed": {"play": "p1"},
    "history.cleared": {"before_ms": 5},
    "device.described": {"device": "d1", "name": "Phone", "kind": "phone", "capabilities": {"flac": True}},
    "device.revoked": {"device": "d1"},
    "playlist.described": {"name": "Summer 🎵", "public": True},
    "playlist.member_changed": {"account": "ada", "role": "viewer"},
}


FORMATS: tuple[Format, ...] = ("json", "msgpack")


def encoded(data: Any, format: Format) -> bytes:
    return msgspec.json.encode(data) if format == "json" else msgspec.msgpack.encode(data)


def read(kind: str, data: Any, *, format: Format = "json") -> Any:
    return decode_data(kind, encoded(data, format), format=format)


def judge(kind: str, data: Any, *, stream: str | None = None) -> None:
    default = PLAYLIST if kind.startswith("playlist.") else ACCOUNT
    stream = default if stream is None else stream
    for format in FORMATS:
        both_ways(kind, encoded(data, format), format, stream)
    check(kind, read(kind, data), stream=stream)


def both_ways(kind: str, raw: bytes, format: Format, stream: str) -> None:
    """What a gateway reads and judges at once is what an SDK reads and then judges, or refuses in the same words."""

    def apart() -> bytes:
        data = decode_data(kind, raw, format=format)
        check(kind, data, stream=stream)
        return msgspec.json.encode(data)

    def at_once() -> bytes:
        return msgspec.json.encode(read_data(kind, Raw(raw), format=format, stream=stream))

    if stream_accepts(kind, stream):
        assert outcome(at_once) == outcome(apart)


def outcome(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except Refused as refused:
        return type(refused), str(refused)


# --- decoding ---


@pytest.mark.parametrize("kind", EVENTS)
def test_a_good_event_of_every_kind_passes_in_both_formats(kind: str) -> None:
    judge(kind, GOOD[kind])
    assert read(kind, GOOD[kind]) == read(kind, GOOD[kind], format="msgpack")


@pytest.mark.parametrize("kind", [kind for kind in EVENTS if kind != "settings.changed"])
def test_an_unknown_field_is_named(kind: str) -> None:
    with pytest.raises(InvalidEvent, match="acount"):
        read(kind, GOOD[kind] | {"acount": "x"})


def test_an_unknown_kind_is_named() -> None:
    both_ways("holograms.shown", b"{}", "json", ACCOUNT)
    with pytest.raises(InvalidEvent, match=r"kind 'holograms\.shown' is not known here"):
        read("holograms.shown", {})
    with pytest.raises(InvalidEvent, match="holograms"):
        check("holograms.shown", {}, stream=ACCOUNT)


@pytest.mark.parametrize("kind", ["void", "projection.rebuilt"])
def test_records_that_only_a_server_writes_are_no_events(kind: str) -> None:
    with pytest.raises(InvalidEvent, match=kind):
        read(kind, {})


@pytest.mark.parametrize(
    ("kind", "change", "says"),
    [
        ("list.inserted", {"list": "inbox"}, "inbox"),
        ("list.inserted", {"items": []}, "items"),
        ("list.inserted", {"items": ["t1"]}, "items"),
        ("list.inserted", {"side": "M"}, "M"),
        ("list.inserted", {"parent": PLAY}, "parent"),
        ("list.removed", {"ids": ["k3v9q2m4ta.0.0"]}, "ids"),
        ("list.removed", {"ids": [f"{ITEM}\n"]}, "ids"),
        ("list.cleared", {"seen": {"K3V9Q2M4TA": 1}}, "seen"),
        ("playback.paused", {"epoch": "k3v9q2m4ta.1\n"}, "epoch"),
        ("playback.seeked", {"position_ms": -1}, "position_ms"),
        ("playback.seeked", {"position_ms": 2**53}, "position_ms"),
        ("playback.seeked", {"position_ms": 1.5}, "position_ms"),
        ("playback.seeked", {"position_ms": 1.0}, "position_ms"),
        ("playback.seeked", {"position_ms": 2**63}, "position_ms"),
        ("playback.seeked", {"playing": 1}, "playing"),
        ("playback.started", {"speed_permille": 0}, "speed_permille"),
        ("playback.started", {"follows": [PLAY] * 3}, "follows"),
        ("playback.advanced", {"generation": 0}, "generation"),
        ("playback.reported", {"answers": ["0" * 21]}, "answers"),
        ("playback.reported", {"answers": ["0" * 21, "0" * 20 + "A"]}, "answers"),
        ("playback.mode_changed", {"shuffle": {"on": True, "seed": 2**32}}, "seed"),
        ("device.volume_changed", {"volume_permille": 1_001}, "volume_permille"),
        ("device.volume_changed", {"device": "d" * 129}, "device"),
        ("library.changed", {"value": 101}, "value"),
        ("library.changed", {"ids": [""]}, "ids"),
        ("playlist.member_changed", {"role": "owner"}, "owner"),
    ],
)
def test_a_bad_field_is_named(kind: str, change: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidEvent, match=says):
        read(kind, GOOD[kind] | change)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(InvalidEvent, match="epoch"):
        read("playback.paused", {})


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"nul",
        b'{"epoch":"\xff"}',
        b'{"epoch":"\xed\xa0\x80"}',
        b'{"epoch":"\\ud800"}',
        b'{"epoch":1e999}',
        b'{"epoch":' + b"1" * 5_000 + b"}",
        b'{"a":' * 100_000,
        b"[" * 100_000,
    ],
)
def test_any_bytes_are_answered_as_json(raw: bytes) -> None:
    for kind in ("playback.paused", "settings.changed"):
        both_ways(kind, raw, "json", ACCOUNT)
        with pytest.raises(InvalidEvent):
            decode_data(kind, raw, format="json")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x81",
        b"\xc1",
        b"\x81\xa5epoch\xa1\xff",
        b"\x81\xa1a\xa3\xed\xa0\x80",
        b"\x81\xa1a" * 100_000,
        b"\x91" * 100_000,
        b"\xdf\xff\xff\xff\xff",
        b"\xdd\xff\xff\xff\xff",
        b"\x81\x91\x01\x02",
        b"\x81\x80\x02",
        b"\x81\xa1a\xc7\x00\xff",
        b"\x81\x01\x02",
    ],
)
def test_any_bytes_are_answered_as_messagepack(raw: bytes) -> None:
    for kind in ("playback.paused", "settings.changed"):
        both_ways(kind, raw, "msgpack", ACCOUNT)
        with pytest.raises(InvalidEvent):
            decode_data(kind, raw, format="msgpack")


def test_data_is_read_from_a_view_of_a_frame() -> None:
    raw = b'{"epoch":"k3v9q2m4ta.1"}'
    for each in (raw, memoryview(raw), msgspec.Raw(raw)):
        assert decode_data("playback.paused", each, format="json") == PlaybackPaused(PLAY)


@pytest.mark.parametrize(
    ("kind", "raw", "key"),
    [
        ("playback.paused", b'{"epoch":"k3v9q2m4ta.1","epoch":"k3v9q2m4ta.2"}', "epoch"),
        ("settings.changed", b'{"a":1,"a":2}', "a"),
        ("settings.changed", b'{"a":{"b":1,"b":1}}', "b"),
        ("settings.changed", b'{"a":1,"\\u0061":2}', "a"),
    ],
)
def test_a_key_given_twice_is_named(kind: str, raw: bytes, key: str) -> None:
    both_ways(kind, raw, "json", ACCOUNT)
    with pytest.raises(InvalidEvent, match=f"the key '{key}' twice"):
        decode_data(kind, raw, format="json")


def test_a_key_given_twice_in_messagepack_is_named() -> None:
    with pytest.raises(InvalidEvent, match="the key 'a' twice"):
        decode_data("settings.changed", b"\x82\xa1a\x01\xa1a\x02", format="msgpack")


# --- checking ---


@pytest.mark.parametrize(
    ("kind", "change", "says"),
    [
        ("list.inserted", {"side": "L"}, 'side is "L", under parent null'),
        ("list.moved", {"parent": None}, "under parent null"),
        ("list.inserted", {"items": [{"track": "t1"}, {"title": "no track"}]}, r"items\[1\]\.track is None"),
        ("list.inserted", {"items": [{"track": 7}]}, r"items\[0\]\.track is 7"),
        ("list.inserted", {"items": [{"track": ""}]}, "1 to 128 characters"),
        ("list.inserted", {"list": "sidebar", "items": [{"track": "t1"}]}, r"items\[0\]\.playlist"),
        ("list.inserted", {"list": "items"}, '"queue" or "sidebar"'),
        ("list.inserted", {"items": [{"track": "t1", "gain": 0.5}]}, "items holds 0.5"),
        ("list.removed", {"ids": [ITEM, ITEM]}, f"ids names '{ITEM}' twice"),
        ("list.restored", {"ids": [ITEM, ITEM]}, "twice"),
        ("list.moved", {"ids": [ITEM, ITEM]}, "twice"),
        ("list.moved_back", {"list": "items"}, "list is"),
        ("list.cleared", {"list": "items"}, "list is"),
        ("library.changed", {"ids": ["t1", "t1"]}, "twice"),
        ("library.changed", {"set": "tracks"}, "value is 100"),
        ("library.changed", {"set": "a\0b"}, "set holds a NUL"),
        ("library.changed", {"ids": ["a\0b"]}, "ids holds a NUL"),
        ("playback.started", {"follows": [PLAY, PLAY]}, "follows names"),
        ("playback.started", {"item": PLAYED | {"from": "radio"}}, "item.from is 'radio'"),
        ("playback.started", {"item": {"from": "queue", "track": "t1"}}, "item.id is None"),
        ("playback.started", {"item": {"from": "queue", "id": ITEM}}, "item.track is None"),
        ("playback.started", {"item": PLAYED | {"duration_ms": -1}}, "item.duration_ms is -1"),
        ("playback.started", {"item": PLAYED | {"duration_ms": True}}, "item.duration_ms is True"),
        ("playback.started", {"item": PLAYED | {"gain": 1.5}}, "item holds 1.5"),
        ("playback.started", {"device": "d\0"}, "device holds a NUL"),
        ("playback.started", {"context": {"at": 2**53}}, "context holds 9007199254740992"),
        ("playback.advanced", {"item": {}}, "item.from is None"),
        ("settings.changed", {"eq": 0.5}, "data holds 0.5"),
        ("settings.changed", {"eq": -(2**53)}, "data holds -9007199254740992"),
        ("settings.changed", {"eq": 2**63}, "data holds 9223372036854775808"),
        ("settings.changed", {"a\0b": 1}, "data holds a NUL"),
        ("settings.changed", {"eq": {"a\0b": 1}}, "data holds a NUL"),
        ("settings.changed", {"eq": ["a\0b"]}, "data holds a NUL"),
        ("history.played", {"reason": "a\0b"}, "reason holds a NUL"),
        ("history.played", {"track": "a\0b"}, "track holds a NUL"),
        ("history.played", {"play": "a\0b"}, "play holds a NUL"),
        ("history.played", {"context": 1.5}, "context holds 1.5"),
        ("history.removed", {"play": "a\0b"}, "play holds a NUL"),
        ("progress.listened", {"episode": "a\0b"}, "episode holds a NUL"),
        ("progress.marked", {"episode": "a\0b"}, "episode holds a NUL"),
        ("device.described", {"name": "a\0b"}, "name holds a NUL"),
        ("device.described", {"kind": "a\0b"}, "kind holds a NUL"),
        ("device.described", {"device": "a\0b"}, "device holds a NUL"),
        ("device.described", {"capabilities": [0.1]}, "capabilities holds 0.1"),
        ("device.volume_changed", {"device": "a\0b"}, "device holds a NUL"),
        ("device.revoked", {"device": "a\0b"}, "device holds a NUL"),
        ("playlist.described", {"name": "a\0b"}, "name holds a NUL"),
        ("playlist.described", {"description": "a\0b"}, "description holds a NUL"),
        ("playlist.described", {"image": "a\0b"}, "image holds a NUL"),
        ("playlist.member_changed", {"account": "a\0b"}, "account holds a NUL"),
    ],
)
def test_what_types_cannot_say_is_refused_with_its_value(kind: str, change: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidEvent, match=says):
        judge(kind, GOOD[kind] | change)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("list.inserted", {"list": "queue", "side": "R", "items": [{"track": "t1"}] * (ITEMS_MAX + 1)}),
        ("list.removed", {"list": "queue", "ids": [f"k3v9q2m4ta.1.{k}" for k in range(ITEMS_MAX + 1)]}),
        ("list.moved", {"list": "queue", "side": "R", "ids": [f"k3v9q2m4ta.1.{k}" for k in range(ITEMS_MAX + 1)]}),
        ("list.cleared", {"list": "queue", "seen": {f"{k:010d}": 1 for k in range(ITEMS_MAX + 1)}}),
        ("library.changed", {"set": "tracks", "ids": [f"t{k}" for k in range(ITEMS_MAX + 1)], "value": True}),
        ("settings.changed", {f"key {k}": 1 for k in range(ITEMS_MAX + 1)}),
    ],
)
def test_over_500_things_are_over_a_limit_and_500_are_not(kind: str, data: Any) -> None:
    with pytest.raises(LimitExceeded, match="501 .*at most 500"):
        judge(kind, data)
    if kind == "settings.changed":
        fewer: Any = dict(list(data.items())[:ITEMS_MAX])
    else:
        [field] = [field for field in ("items", "ids", "seen") if field in data]
        things = data[field]
        cut = things[:ITEMS_MAX] if isinstance(things, list) else dict(list(things.items())[:ITEMS_MAX])
        fewer = data | {field: cut}
    judge(kind, fewer)


def test_lists_belong_to_their_streams() -> None:
    inserted = GOOD["list.inserted"]
    judge("list.inserted", inserted | {"list": "items"}, stream=PLAYLIST)
    judge("list.inserted", inserted | {"list": "sidebar", "items": [{"playlist": "p1"}]})
    with pytest.raises(InvalidEvent, match='has "items"'):
        judge("list.inserted", inserted, stream=PLAYLIST)


def test_kinds_belong_to_their_streams() -> None:
    assert stream_accepts("list.moved", ACCOUNT)
    assert stream_accepts("list.moved", PLAYLIST)
    assert stream_accepts("playlist.described", PLAYLIST)
    assert not stream_accepts("playlist.described", ACCOUNT)
    assert stream_accepts("playback.paused", ACCOUNT)
    assert not stream_accepts("playback.paused", PLAYLIST)
    with pytest.raises(InvalidEvent, match=r"playback\.paused does not belong into stream p:"):
        judge("playback.paused", GOOD["playback.paused"], stream=PLAYLIST)


def test_ratings_are_numbers_or_taken_off() -> None:
    for value in (0, 100, False):
        judge("library.changed", GOOD["library.changed"] | {"value": value})


def test_played_items_may_carry_more_than_they_must() -> None:
    item = PLAYED | {"duration_ms": None, "title": "a title", "from": "context", "id": "any text"}
    judge("playback.started", GOOD["playback.started"] | {"item": item})


def test_free_json_may_nest_as_deep_as_a_frame_leaves_room_for() -> None:
    def nested(depth: int) -> SettingsChanged:
        value: Any = 1
        for _ in range(depth):
            value = [value]
        return {"deep": value}

    check("settings.changed", nested(EVENT_NESTING_MAX - 1), stream=ACCOUNT)
    with pytest.raises(InvalidEvent, match=f"nests deeper than {EVENT_NESTING_MAX}"):
        check("settings.changed", nested(EVENT_NESTING_MAX), stream=ACCOUNT)
    with pytest.raises(InvalidEvent, match="nests deeper"):
        check("settings.changed", nested(50 * sys.getrecursionlimit()), stream=ACCOUNT)


@pytest.mark.parametrize("value", [b"bytes", (1, 2), {1: 2}, {None: 1}, object(), {"a": {1}}])
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(InvalidEvent, match="data holds"):
        check("settings.changed", {"value": value}, stream=ACCOUNT)


@pytest.mark.parametrize("text", ["\ud800", "a\udfff"])
def test_a_lone_surrogate_is_refused_where_an_sdk_makes_one(text: str) -> None:
    """No decoder lets one through, but a program can make one, and it has no UTF-8."""
    with pytest.raises(InvalidEvent, match="lone surrogate"):
        check("settings.changed", {"value": text}, stream=ACCOUNT)
    with pytest.raises(InvalidEvent, match="lone surrogate"):
        check("settings.changed", {text: 1}, stream=ACCOUNT)
    with pytest.raises(InvalidEvent, match="lone surrogate"):
        check("list.inserted", ListInserted("queue", [{"track": text}], "R"), stream=ACCOUNT)


def test_errors_are_short_and_printable_whatever_was_sent() -> None:
    with pytest.raises(Refused) as refused:
        judge("settings.changed", {"value": "\x1b[31m\0" + "x" * 10_000})
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 200


def test_the_size_is_that_of_the_canonical_bytes() -> None:
    assert canonical_size({"b": "ü", "a": [1, True]}) == len('{"a":[1,true],"b":"ü"}'.encode())
    assert canonical_size(PlaybackPaused(PLAY)) == len('{"epoch":"k3v9q2m4ta.1"}')
