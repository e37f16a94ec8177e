"""What views show of few cells: defaults, order, forms. What they show of histories is in tests/scenarios."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from syncd.model.cells import Cell, Cells, fold
from syncd.model.events import EVENTS, Event
from syncd.model.lowering import lower
from syncd.model.stamp import NO_STAMP, pack, stamp
from syncd.model.views.access import access_of, role_of
from syncd.model.views.devices import DeviceView, devices_view
from syncd.model.views.history import HistoryEntry, history_view
from syncd.model.views.library import library_view
from syncd.model.views.modes import ModesView, ShuffleMode, modes_view
from syncd.model.views.playback import playback_view
from syncd.model.views.playlist import PlaylistView, playlist_view
from syncd.model.views.plays import Plays
from syncd.model.views.progress import ProgressView, progress_view, through
from syncd.model.views.settings import settings_view
from syncd.model.views.sounding import commands

START = 1_763_870_000_000
WRITER = "k3v9q2m4ta"


def cells_of(*said: tuple[str, Any]) -> Cells:
    """The cells of events 1 s apart, the first at `START`."""
    cells: Cells = {}
    for n, (kind, data) in enumerate(said):
        fold(
            cells, lower(Event("s", WRITER, n + 1, pack(START + 1_000 * n), kind, msgspec.convert(data, EVENTS[kind])))
        )
    return cells


def start(**changes: Any) -> tuple[str, Any]:
    data = {
        "device": "d1",
        "item": {"from": "context", "id": "c1", "track": "t1"},
        "follows": [],
        "position_ms": 0,
        "playing": True,
        "speed_permille": 1_000,
    }
    return "playback.started", data | changes


def test_an_empty_account_shows_nothing() -> None:
    assert library_view({}) == {}
    assert settings_view({}) == {}
    assert progress_view({}) == {}
    assert history_view({}) == []
    assert devices_view({}) == []
    assert playback_view({}, START) is None
    assert modes_view({}) == ModesView(ShuffleMode(False, 0), "off", None)
    assert playlist_view({}) == PlaylistView(None, None, None, False, False, False, {})


def test_playback_has_the_form_of_the_wire() -> None:
    view = playback_view(cells_of(start(position_ms=5)), START + 10)
    encoded = msgspec.json.decode(msgspec.json.encode(view))
    wire = ("device", "play", "epoch", "generation", "item", "position_ms", "as_of_ms", "playing", "speed_permille")
    assert {name: encoded[name] for name in wire} == {
        "device": "d1",
        "play": f"{WRITER}.1",
        "epoch": f"{WRITER}.1",
        "generation": 0,
        "item": {"id": "c1", "track": "t1", "from": "context"},
        "position_ms": 15,
        "as_of_ms": START + 10,
        "playing": True,
        "speed_permille": 1_000,
    }


def test_a_clock_behind_the_commands_shows_the_position_of_the_command() -> None:
    view = playback_view(cells_of(start(position_ms=5)), START - 60_000)
    assert view is not None
    assert view.position_ms == 5


def test_answers_are_the_ranks_that_stand() -> None:
    cells = cells_of(start(), ("playback.paused", {"epoch": f"{WRITER}.1"}))
    head = Plays(cells).head()
    assert head is not None
    assert commands(cells, head, "d1").answers == [stamp(pack(START), WRITER), stamp(pack(START + 1_000), WRITER)]
    for key in (f"play_at/{head.id}", f"play_on/{head.id}", f"play_off/{head.id}"):
        del cells[key]
    assert commands(cells, head, "d1").answers == [NO_STAMP, NO_STAMP]


def test_a_chain_with_a_loop_made_by_a_faulty_client_ends() -> None:
    cells = cells_of(start(follows=[f"{WRITER}.2"]), start(follows=[f"{WRITER}.1", f"{WRITER}.9"]))
    plays = Plays(cells)
    assert {play.id for play in plays.chain(plays.head())} == {f"{WRITER}.1", f"{WRITER}.2"}


def test_a_chain_of_20_000_plays_is_followed_without_recursion() -> None:
    cells: Cells = {}
    for n in range(1, 20_001):
        data = start(follows=[f"{WRITER}.{n - 1}"] if n > 1 else [])[1]
        fold(cells, lower(Event("s", WRITER, n, pack(START + n), "playback.started", _typed_start(data))))
    plays = Plays(cells)
    assert sum(1 for _ in plays.chain(plays.head())) == 20_000


def _typed_start(data: Any) -> Any:
    return msgspec.convert(data, EVENTS["playback.started"])


def test_the_library_is_in_the_order_in_which_things_were_added_and_without_what_was_taken_out() -> None:
    cells = cells_of(
        ("library.changed", {"set": "tracks", "ids": ["z", "b/ü"], "value": True}),
        ("library.changed", {"set": "tracks", "ids": ["a"], "value": True}),
        ("library.changed", {"set": "tracks", "ids": ["z"], "value": False}),
        ("library.changed", {"set": "ratings", "ids": ["a"], "value": 0}),
    )
    view = library_view(cells)
    assert list(view["tracks"]) == ["b/ü", "a"]
    assert view["ratings"] == {"a": 0}


def test_settings_are_sorted_and_their_keys_are_as_chosen() -> None:
    cells = cells_of(("settings.changed", {"b": 1, "d1/a b": None, "ü": []}))
    assert list(settings_view(cells).items()) == [("b", 1), ("d1/a b", None), ("ü", [])]


def test_modes_show_what_was_chosen() -> None:
    cells = cells_of(
        ("playback.mode_changed", {"shuffle": {"on": True, "seed": 9}, "repeat": "one", "sleep_at_ms": START}),
        ("playback.mode_changed", {"repeat": "all"}),
    )
    assert modes_view(cells) == ModesView(ShuffleMode(True, 9), "all", START)


def test_progress_of_a_furthest_that_came_alone() -> None:
    assert progress_view({"progress/e1/furthest": Cell(NO_STAMP + "0" * 11, 9)}) == {"e1": ProgressView(0, False, 9)}


def test_through_names_the_listen_through_that_stands() -> None:
    assert through({}, "e/1") == NO_STAMP
    marked = cells_of(("progress.marked", {"episode": "e/1", "played": False}))
    assert through(marked, "e/1") == stamp(pack(START), WRITER)


def test_history_is_latest_first_and_waits_for_what_it_was() -> None:
    played = {"track": "t", "started_ms": 1, "listened_ms": 7}
    cells = cells_of(*(("history.played", {"play": play} | played) for play in ("a", "c/ü", "b")))
    del cells["history/b/what"]
    assert history_view(cells) == [HistoryEntry("c/ü", "t", 1, 7), HistoryEntry("a", "t", 1, 7)]
    del cells["history/a/listened_ms"]
    assert history_view(cells)[1].listened_ms == 0


def test_history_cleared_at_a_ms_hides_what_was_reported_in_it() -> None:
    played = {"track": "t", "started_ms": 1, "listened_ms": 7}
    cells = cells_of(("history.played", {"play": "a"} | played), ("history.played", {"play": "b"} | played))
    cells["history_cleared"] = Cell("x", START)
    assert [entry.play for entry in history_view(cells)] == ["b"]


def test_devices_are_sorted_and_show_what_they_said() -> None:
    cells = cells_of(
        ("device.described", {"device": "z", "name": "Zed"}),
        ("device.volume_changed", {"device": "a b", "volume_permille": 5}),
        ("device.revoked", {"device": "z"}),
    )
    assert devices_view(cells) == [
        DeviceView("a b", None, None, None, 5, False),
        DeviceView("z", "Zed", None, None, None, True),
    ]


ROLES = cells_of(
    ("playlist.member_changed", {"account": "ed/1", "role": "editor"}),
    ("playlist.member_changed", {"account": "vi", "role": "viewer"}),
    ("playlist.member_changed", {"account": "gone", "role": "viewer"}),
    ("playlist.member_changed", {"account": "gone", "role": None}),
    ("playlist.member_changed", {"account": "own", "role": "viewer"}),
)


def test_roles() -> None:
    assert [role_of(ROLES, account, "own") for account in ("own", "ed/1", "vi", "gone", "any")] == [
        "owner",
        "editor",
        "viewer",
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("public", "collaborative", "account", "may"),
    [
        (False, False, "own", "read list playlist"),
        (False, False, "ed/1", "read list"),
        (False, False, "vi", "read"),
        (False, False, "any", ""),
        (True, False, "vi", "read"),
        (True, False, "any", "read"),
        (True, False, "gone", "read"),
        (False, True, "ed/1", "read list"),
        (False, True, "vi", "read list"),
        (False, True, "any", ""),
        (False, True, "gone", ""),
        (True, True, "vi", "read list"),
        (True, True, "any", "read list"),
        (True, True, "own", "read list playlist"),
    ],
)
def test_who_may_do_what(public: bool, collaborative: bool, account: str, may: str) -> None:
    flags = {"playlist/public": Cell("1", public), "playlist/collaborative": Cell("1", collaborative)}
    access = access_of(ROLES | flags, account, "own")
    given = {
        "read": access.may_subscribe(),
        "list": access.may_write("list.inserted"),
        "playlist": access.may_write("playlist.described"),
    }
    assert " ".join(what for what, allowed in given.items() if allowed) == may
