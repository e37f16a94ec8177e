"""Events in words."""

from __future__ import annotations

import msgspec
import pytest

from syncd.model.events import EVENTS, VOID
from syncd.operations.schemas.samples.events import SAMPLES
from syncd.operations.told import clock, told


def test_every_kind_of_event_has_words_of_its_own() -> None:
    for sample in SAMPLES:
        if sample.kind in EVENTS:
            assert not told(sample.kind, sample.event().data, {}).startswith(f"{sample.kind}:"), sample


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        (
            "list.inserted",
            {"list": "queue", "side": "R", "items": [{"track": f"t{n}"} for n in range(5)]},
            "put 5 items into the queue: t0, t1, t2 and 2 more",
        ),
        ("list.removed", {"list": "items", "ids": ["aaaaaaaaaa.1.0"]}, "took 1 item out of the list: aaaaaaaaaa.1.0"),
        ("library.changed", {"set": "tracks", "ids": ["t1"], "value": False}, "took t1 out of tracks"),
        ("library.changed", {"set": "ratings", "ids": ["t1"], "value": 80}, "gave t1 80 in ratings"),
        ("playback.mode_changed", {"repeat": "one", "sleep_at_ms": None}, "set repeat one, no sleep timer"),
        ("playlist.member_changed", {"account": "bob", "role": None}, "took account bob off"),
        ("device.volume_changed", {"device": "d", "volume_permille": 305}, "set the volume of d to 30.5 %"),
        ("device.volume_changed", {"device": "k", "volume_permille": 1000}, "set the volume of kitchen to 100 %"),
        (
            "playback.started",
            {
                "device": "k",
                "follows": [],
                "item": {"track": "t1"},
                "playing": True,
                "position_ms": 65_000,
                "speed_permille": 1000,
            },
            "started t1 at 1:05 on kitchen",
        ),
        ("settings.changed", {"theme": "dark"}, 'set theme = "dark"'),
    ],
)
def test_an_event_says_what_it_did(kind: str, data: object, words: str) -> None:
    assert told(kind, msgspec.convert(data, EVENTS[kind]), {"k": "kitchen"}) == words


def test_what_is_no_event_of_a_listener_is_told_too() -> None:
    assert told(VOID, {"reason": "limit", "message": "too large"}, {}) == "was refused: limit too large"
    assert told("made.up", {"a": 1}, {}) == 'made.up: {"a":1}'


def test_positions_read_as_on_a_player() -> None:
    assert [clock(ms) for ms in (0, 65_999, 3_605_000)] == ["0:00", "1:05", "1:00:05"]
