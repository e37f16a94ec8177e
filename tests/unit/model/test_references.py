"""What an event cannot do without."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from syncd.model.events import EVENTS
from syncd.model.references import references

A, B, C = "aaaaaaaaaa.1", "bbbbbbbbbb.22", "cccccccccc.333"


@pytest.mark.parametrize(
    ("kind", "data", "named"),
    [
        ("list.inserted", {"list": "queue", "side": "R", "items": [{}]}, set()),
        ("list.inserted", {"list": "queue", "side": "L", "parent": f"{A}.4", "items": [{}]}, {A}),
        ("list.moved", {"list": "queue", "side": "L", "parent": f"{A}.4", "ids": [f"{B}.0", f"{C}.1"]}, {A, B, C}),
        ("list.moved", {"list": "queue", "side": "R", "ids": [f"{B}.0", f"{B}.1"]}, {B}),
        ("list.moved_back", {"list": "queue", "item": f"{A}.0", "slot": f"{B}.0"}, {A, B}),
        ("list.removed", {"list": "queue", "ids": [f"{A}.0"]}, {A}),
        ("list.restored", {"list": "queue", "ids": [f"{A}.0"]}, {A}),
        ("list.cleared", {"list": "queue", "seen": {"aaaaaaaaaa": 1}}, set()),
        (
            "playback.started",
            {
                "device": "d",
                "item": {"from": "queue", "id": f"{C}.0", "track": "t"},
                "follows": [A, B],
                "position_ms": 0,
                "playing": True,
                "speed_permille": 1,
            },
            {A, B, C},
        ),
        (
            "playback.advanced",
            {"epoch": A, "generation": 1, "follows": [B], "item": {"from": "context", "id": f"{C}.0"}},
            {A, B},
        ),
        (
            "playback.advanced",
            {"epoch": A, "generation": 1, "follows": [A], "item": {"from": "queue", "id": "no item id"}},
            {A},
        ),
        ("playback.paused", {"epoch": A}, {A}),
        ("playback.resumed", {"epoch": A, "play": B, "position_ms": 0}, {A, B}),
        ("playback.seeked", {"play": B, "position_ms": 0, "playing": True}, {B}),
        (
            "playback.speed_changed",
            {"epoch": A, "play": B, "position_ms": 0, "playing": True, "speed_permille": 1},
            {A, B},
        ),
        ("playback.reported", {"play": B, "position_ms": 0, "buffering": True, "answers": ["0" * 21] * 2}, {B}),
        ("history.played", {"play": A, "track": "t", "started_ms": 0, "listened_ms": 0}, set()),
        ("settings.changed", {"a": A}, set()),
    ],
)
def test_the_events_named(kind: str, data: Any, named: set[str]) -> None:
    assert references(kind, msgspec.convert(data, EVENTS[kind])) == named


def test_kinds_that_name_nothing_name_nothing() -> None:
    assert references("holograms.shown", {"play": A}) == frozenset()
