"""Keys, ranks and values of every kind, exactly. Source: merge.md sections 2 and 3."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from syncd.model.canonical import canonical
from syncd.model.cells import Cell, Cells, fold
from syncd.model.events import EVENTS, Event, ListMoved
from syncd.model.lowering import LOWERINGS, lower

T = 3_612_405_760_024_576
MS = 1_763_870_000_012
WRITER = "k3v9q2m4ta"
ID = f"{WRITER}.1"
STAMP = "36ler11oo00k3v9q2m4ta"
"""The rank of design.md section 6, which is exact."""
ZEROS = "0" * 21
EARLIER = "36ler11on00k3v9q2m4ta"
ENTRY = {"track": "t1", "note": ["kept", "as", 1]}
PLAYED = {"from": "context", "id": "a1", "track": "t1", "art": None}
OTHER = "aaaaaaaaaa.7"


def n(value: int) -> str:
    """`N(n)`: 11 digits of base 32."""
    digits = ""
    for _ in range(11):
        digits = "0123456789abcdefghijklmnopqrstuv"[value % 32] + digits
        value //= 32
    return digits


def event(kind: str, data: Any, *, seq: int = 1, t: int = T) -> Event:
    return Event("a:9f3c", WRITER, seq, t, kind, msgspec.convert(data, EVENTS[kind]) if kind in EVENTS else data)


def test_the_example_of_the_wire_is_exact() -> None:
    inserted = event("list.inserted", {"list": "queue", "parent": None, "side": "R", "items": [{"track": "t1"}]})
    [(key, cell)] = lower(inserted).items()
    assert (key, cell.rank) == ("queue/run/k3v9q2m4ta.1", "36ler11oo00k3v9q2m4ta")
    assert canonical(cell.value) == (
        b'{"items":[{"track":"t1"}],"parent":null,"side":"R","t":3612405760024576,"writer":"k3v9q2m4ta"}'
    )


WRITES: list[tuple[str, Any, dict[str, tuple[str, Any]]]] = [
    (
        "list.inserted",
        {"list": "items", "parent": f"{OTHER}.0", "side": "L", "items": [ENTRY, {"track": "t2"}]},
        {
            f"items/run/{ID}": (
                STAMP,
                {"parent": f"{OTHER}.0", "side": "L", "t": T, "writer": WRITER, "items": [ENTRY, {"track": "t2"}]},
            )
        },
    ),
    (
        "list.moved",
        {"list": "queue", "ids": [f"{OTHER}.2", f"{OTHER}.0"], "parent": None, "side": "R"},
        {
            f"queue/run/{ID}": (STAMP, {"parent": None, "side": "R", "t": T, "writer": WRITER, "count": 2}),
            f"queue/at/{OTHER}.2": (STAMP, f"{ID}.0"),
            f"queue/at/{OTHER}.0": (STAMP, f"{ID}.1"),
        },
    ),
    (
        "list.moved_back",
        {"list": "sidebar", "item": f"{OTHER}.0", "slot": f"{OTHER}.3"},
        {f"sidebar/at/{OTHER}.0": (STAMP, f"{OTHER}.3")},
    ),
    (
        "list.removed",
        {"list": "queue", "ids": [f"{OTHER}.0", f"{OTHER}.1"]},
        {f"queue/on/{OTHER}.0": (STAMP, False), f"queue/on/{OTHER}.1": (STAMP, False)},
    ),
    ("list.restored", {"list": "queue", "ids": [f"{OTHER}.0"]}, {f"queue/on/{OTHER}.0": (STAMP, True)}),
    (
        "list.cleared",
        {"list": "queue", "seen": {"aaaaaaaaaa": 7, WRITER: 40}},
        {f"queue/cleared/{WRITER}": (n(40) + STAMP, T), "queue/cleared/aaaaaaaaaa": (n(7) + STAMP, T)},
    ),
    (
        "playback.started",
        {
            "device": "d1",
            "item": PLAYED,
            "context": {"album": "a"},
            "follows": [OTHER],
            "position_ms": 5,
            "playing": True,
            "speed_permille": 1_500,
        },
        {
            f"play/{ID}": (
                STAMP,
                {
                    "epoch": ID,
                    "generation": 0,
                    "follows": [OTHER],
                    "item": PLAYED,
                    "device": "d1",
                    "context": {"album": "a"},
                    "detached": False,
                },
            ),
            f"play_on/{ID}": (STAMP, True),
            f"play_speed/{ID}": (STAMP, 1_500),
            f"play_at/{ID}": (STAMP, [5, True]),
        },
    ),
    (
        "playback.started",
        {
            "device": "d1",
            "item": PLAYED,
            "follows": [],
            "position_ms": 0,
            "playing": False,
            "speed_permille": 1_000,
            "detached": True,
        },
        {
            f"play/{ID}": (
                STAMP,
                {
                    "epoch": ID,
                    "generation": 0,
                    "follows": [],
                    "item": PLAYED,
                    "device": "d1",
                    "context": None,
                    "detached": True,
                },
            ),
            f"play_off/{ID}": (STAMP, True),
            f"play_speed/{ID}": (STAMP, 1_000),
            f"play_at/{ID}": (STAMP, [0, False]),
        },
    ),
    (
        "playback.advanced",
        {"epoch": OTHER, "generation": 3, "follows": [OTHER], "item": PLAYED, "position_ms": 9},
        {
            f"play/{ID}": (
                STAMP,
                {"epoch": OTHER, "generation": 3, "follows": [OTHER], "item": PLAYED, "automatic": False},
            ),
            f"play_at/{ID}": (STAMP, [9, True]),
            f"play_on/{OTHER}": (STAMP, True),
        },
    ),
    (
        "playback.advanced",
        {"epoch": OTHER, "generation": 3, "follows": [OTHER], "item": PLAYED, "automatic": True},
        {
            f"play/{ID}": (
                STAMP,
                {"epoch": OTHER, "generation": 3, "follows": [OTHER], "item": PLAYED, "automatic": True},
            ),
            f"play_at/{ID}": (STAMP, [0, True]),
        },
    ),
    ("playback.paused", {"epoch": OTHER}, {f"play_off/{OTHER}": (STAMP, True)}),
    (
        "playback.resumed",
        {"epoch": OTHER, "play": "aaaaaaaaaa.9", "position_ms": 4},
        {f"play_on/{OTHER}": (STAMP, True), "play_at/aaaaaaaaaa.9": (STAMP, [4, True])},
    ),
    (
        "playback.seeked",
        {"play": OTHER, "position_ms": 4, "playing": False},
        {f"play_at/{OTHER}": (STAMP, [4, False])},
    ),
    (
        "playback.speed_changed",
        {"epoch": OTHER, "play": "aaaaaaaaaa.9", "position_ms": 4, "playing": True, "speed_permille": 800},
        {f"play_speed/{OTHER}": (STAMP, 800), "play_at/aaaaaaaaaa.9": (STAMP, [4, True])},
    ),
    (
        "playback.reported",
        {"play": OTHER, "position_ms": 4, "buffering": True, "answers": [EARLIER, ZEROS]},
        {f"play_report/{OTHER}": (EARLIER + ZEROS + STAMP, [4, True])},
    ),
    (
        "playback.mode_changed",
        {"shuffle": {"on": True, "seed": 42}, "repeat": "one", "sleep_at_ms": None},
        {
            "mode/shuffle": (STAMP, {"on": True, "seed": 42}),
            "mode/repeat": (STAMP, "one"),
            "mode/sleep_at_ms": (STAMP, None),
        },
    ),
    ("playback.mode_changed", {"repeat": "off"}, {"mode/repeat": (STAMP, "off")}),
    ("playback.mode_changed", {}, {}),
    (
        "device.volume_changed",
        {"device": "my phone", "volume_permille": 300},
        {"device/my%20phone/volume_permille": (STAMP, 300)},
    ),
    (
        "library.changed",
        {"set": "tracks", "ids": ["t1", "a/b"], "value": True},
        {"library/tracks/t1": (STAMP, True), "library/tracks/a%2Fb": (STAMP, True)},
    ),
    ("library.changed", {"set": "ratings", "ids": ["t1"], "value": 80}, {"library/ratings/t1": (STAMP, 80)}),
    (
        "settings.changed",
        {"theme": {"dark": True}, "d1/gapless": None},
        {"settings/theme": (STAMP, {"dark": True}), "settings/d1%2Fgapless": (STAMP, None)},
    ),
    (
        "progress.listened",
        {"episode": "ü", "position_ms": 90, "duration_ms": 100, "finished": True, "through": EARLIER},
        {
            "progress/%C3%BC/latest": (STAMP, {"position_ms": 90, "duration_ms": 100, "finished": True}),
            "progress/%C3%BC/furthest": (EARLIER + n(90), 90),
        },
    ),
    (
        "progress.listened",
        {"episode": "e1", "position_ms": 90, "through": ZEROS},
        {
            "progress/e1/latest": (STAMP, {"position_ms": 90, "duration_ms": None, "finished": False}),
            "progress/e1/furthest": (ZEROS + n(90), 90),
        },
    ),
    (
        "progress.marked",
        {"episode": "e1", "played": True},
        {"progress/e1/latest": (STAMP, {"position_ms": 0, "duration_ms": None, "finished": True})},
    ),
    (
        "progress.marked",
        {"episode": "e1", "played": False},
        {
            "progress/e1/latest": (STAMP, {"position_ms": 0, "duration_ms": None, "finished": False}),
            "progress/e1/furthest": (STAMP + n(0), 0),
        },
    ),
    (
        "history.played",
        {"play": "p1", "track": "t1", "context": "c", "started_ms": MS - 5, "listened_ms": 33, "reason": "end"},
        {
            "history/p1/what": (
                STAMP,
                {"track": "t1", "context": "c", "started_ms": MS - 5, "skipped": False, "reason": "end"},
            ),
            "history/p1/listened_ms": (n(33), 33),
        },
    ),
    (
        "history.played",
        {"play": "p1", "track": "t1", "started_ms": MS + 5, "listened_ms": 0, "skipped": True},
        {
            "history/p1/what": (
                STAMP,
                {"track": "t1", "context": None, "started_ms": MS, "skipped": True, "reason": None},
            ),
            "history/p1/listened_ms": (n(0), 0),
        },
    ),
    ("history.removed", {"play": "p1"}, {"history/p1/removed": ("1", True)}),
    ("history.cleared", {"before_ms": MS - 9}, {"history_cleared": (n(MS - 9), MS - 9)}),
    ("history.cleared", {"before_ms": MS + 9}, {"history_cleared": (n(MS), MS)}),
    (
        "device.described",
        {"device": "d1", "name": None, "capabilities": ["flac"]},
        {"device/d1/name": (STAMP, None), "device/d1/capabilities": (STAMP, ["flac"])},
    ),
    ("device.described", {"device": "d1", "kind": "car"}, {"device/d1/kind": (STAMP, "car")}),
    ("device.revoked", {"device": "d1"}, {"device/d1/revoked": ("1", True)}),
    (
        "playlist.described",
        {"name": "n", "description": None, "image": "i", "public": True, "collaborative": False, "deleted": True},
        {
            "playlist/name": (STAMP, "n"),
            "playlist/description": (STAMP, None),
            "playlist/image": (STAMP, "i"),
            "playlist/public": (STAMP, True),
            "playlist/collaborative": (STAMP, False),
            "playlist/deleted": (STAMP, True),
        },
    ),
    ("playlist.described", {}, {}),
    ("playlist.member_changed", {"account": "ada", "role": "editor"}, {"member/ada": (STAMP, "editor")}),
    ("playlist.member_changed", {"account": "ada", "role": None}, {"member/ada": (STAMP, None)}),
    ("void", {}, {}),
    ("projection.rebuilt", {"cells": 3}, {}),
    ("holograms.shown", {"of": "t1"}, {}),
]


@pytest.mark.parametrize(
    ("kind", "data", "writes"), WRITES, ids=[f"{n}-{kind}" for n, (kind, _, _) in enumerate(WRITES)]
)
def test_a_kind_writes_exactly(kind: str, data: Any, writes: dict[str, tuple[str, Any]]) -> None:
    lowered = lower(event(kind, data))
    assert lowered == {key: Cell(*cell) for key, cell in writes.items()}
    # 1 == True in Python, but not in canonical bytes.
    assert canonical(_plain(lowered)) == canonical(_plain({key: Cell(*cell) for key, cell in writes.items()}))


def _plain(cells: Cells) -> Any:
    return {key: [cell.rank, cell.value] for key, cell in cells.items()}


def test_every_kind_has_a_lowering_and_a_vector_here() -> None:
    assert LOWERINGS.keys() == EVENTS.keys()
    assert {kind for kind, _, _ in WRITES} >= EVENTS.keys()


@pytest.mark.parametrize("answers", [[STAMP, ZEROS], [ZEROS, STAMP], ["z" * 21, ZEROS]])
def test_a_report_that_answers_its_own_stamp_or_later_writes_nothing(answers: list[str]) -> None:
    assert lower(event("playback.reported", _report(answers))) == {}


def _report(answers: list[str]) -> Any:
    return {"play": OTHER, "position_ms": 4, "buffering": False, "answers": answers}


@pytest.mark.parametrize("through", [STAMP, "z" * 21])
def test_progress_through_its_own_stamp_or_later_writes_where_to_resume_alone(through: str) -> None:
    listened = event("progress.listened", {"episode": "e1", "position_ms": 9, "through": through})
    assert list(lower(listened)) == ["progress/e1/latest"]


def test_an_item_moved_twice_by_one_event_has_one_place_whatever_the_order_of_its_ids() -> None:
    """Admission refuses it; if it slips through, the two writes join like any others."""
    twice = Event("a:9f3c", WRITER, 1, T, "list.moved", ListMoved("queue", [f"{OTHER}.0"] * 11, "R"))
    by_hand: Cells = {}
    for k in range(11):
        fold(by_hand, {f"queue/at/{OTHER}.0": Cell(STAMP, f"{ID}.{k}")})
    assert lower(twice)[f"queue/at/{OTHER}.0"] == by_hand[f"queue/at/{OTHER}.0"] == Cell(STAMP, f"{ID}.9")


def test_lowering_twice_gives_equal_cells_and_leaves_the_event_alone() -> None:
    moved = event("list.moved", {"list": "queue", "ids": [f"{OTHER}.0"], "parent": None, "side": "R"})
    before = msgspec.json.encode(moved)
    assert lower(moved) == lower(moved)
    assert lower(moved) is not lower(moved)
    assert msgspec.json.encode(moved) == before
