"""Old events, newer events, and events that are not what they say."""

from __future__ import annotations

import msgspec
import pytest

from syncd.errors import Undecodable, UpcastFailed
from syncd.model.canonical import Json
from syncd.model.events import PlaybackPaused
from syncd.model.upcast import SCHEMA_VERSION, event_data, upcast


def renamed(kind: str, data: Json) -> tuple[str, Json]:
    """A step of a schema that never was: `volume` became `volume_permille`, in thousandths."""
    assert isinstance(data, dict)
    volume = data["volume"]
    assert isinstance(volume, int)
    return kind, {"volume_permille": volume * 10}


def moved(kind: str, data: Json) -> tuple[str, Json]:
    return f"device.{kind}", data


def test_each_version_is_lifted_step_by_step() -> None:
    steps = (renamed, moved)
    assert upcast(1, "volume", {"volume": 7}, upcasters=steps) == ("device.volume", {"volume_permille": 70})
    assert upcast(2, "volume", {"volume_permille": 7}, upcasters=steps) == ("device.volume", {"volume_permille": 7})
    assert upcast(3, "device.volume", {}, upcasters=steps) == ("device.volume", {})


def test_data_that_cannot_be_lifted_is_poison() -> None:
    with pytest.raises(UpcastFailed, match="volume of schema version 1 cannot be lifted to 2"):
        upcast(1, "volume", {}, upcasters=(renamed,))


@pytest.mark.parametrize("version", [0, -1, SCHEMA_VERSION + 1, 99])
def test_a_version_that_is_not_known_names_both(version: int) -> None:
    with pytest.raises(UpcastFailed, match=f"schema version {version} .*reads 1 to {SCHEMA_VERSION}"):
        upcast(version, "playback.paused", {})
    with pytest.raises(UpcastFailed, match=f"schema version {version} "):
        event_data(version, "playback.paused", b"{}")


def test_a_known_kind_is_read_as_its_struct() -> None:
    raw = b'{"epoch":"k3v9q2m4ta.1"}'
    assert event_data(SCHEMA_VERSION, "playback.paused", raw) == ("playback.paused", PlaybackPaused("k3v9q2m4ta.1"))
    assert event_data(SCHEMA_VERSION, "playback.paused", msgspec.Raw(raw))[1] == PlaybackPaused("k3v9q2m4ta.1")


def test_an_unknown_kind_is_plain_json() -> None:
    assert event_data(SCHEMA_VERSION, "holograms.shown", b'{"of":[1]}') == ("holograms.shown", {"of": [1]})
    assert event_data(SCHEMA_VERSION, "void", b"null") == ("void", None)


@pytest.mark.parametrize("raw", [b"", b"{", b"{}", b'{"epoch":1}', b'{"epoch":"\xff"}', b"[" * 100_000])
def test_what_is_not_what_it_says_is_poison(raw: bytes) -> None:
    with pytest.raises(Undecodable, match=r"playback\.paused, schema version 1"):
        event_data(SCHEMA_VERSION, "playback.paused", raw)


def test_bytes_of_an_unknown_kind_that_are_no_json_are_poison() -> None:
    with pytest.raises(Undecodable):
        event_data(SCHEMA_VERSION, "holograms.shown", b"[" * 100_000)
