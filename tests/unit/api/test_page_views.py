"""The page shows what every replica shows: its modules against the shared vectors, and against our own views."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple
from page_modules import PageModules, page_modules, rows

from syncd.limits import SAFE_INTEGER_MAX
from syncd.model import stamp as stamps
from syncd.model.canonical import canonical
from syncd.model.cells import Cell, Cells, fold, join
from syncd.model.events import EVENTS, Event
from syncd.model.ids import EventId, key_part
from syncd.model.lowering import lower
from syncd.model.order.place import ListOrder
from syncd.model.order.tree import run_of
from syncd.model.shuffle import shuffled
from syncd.model.validate import check, decode_data
from syncd.model.views.devices import devices_view
from syncd.model.views.library import library_view
from syncd.model.views.lists import list_view, sidebar_view
from syncd.model.views.playback import playback_view
from syncd.model.views.plays import consumed
from syncd.model.views.settings import settings_view
from syncd.testing.histories import (
    PLAYLIST,
    PLAYLIST_KINDS,
    SPAN_MS,
    START_MS,
    colliding_cells,
    events,
    free_json,
    histories,
    sessions,
    texts,
    times,
    writers,
)

VECTORS = Path(__file__).resolve().parents[3] / "schemas" / "vectors"
LOWERED_BY_THE_PAGE = {
    "list.inserted",
    "list.removed",
    "playback.started",
    "playback.advanced",
    "playback.paused",
    "playback.resumed",
}


@pytest.fixture(scope="module")
def page() -> Iterator[PageModules]:
    try:
        with page_modules() as modules:
            yield modules
    except FileNotFoundError as error:
        pytest.skip(str(error))


def vectors(name: str) -> list[Any]:
    """The cases of one file of shared vectors, each under its own name."""
    cases = json.loads((VECTORS / f"{name}.json").read_text())["cases"]
    return [pytest.param(case["input"], case["expected"], id=case["name"]) for case in cases]


def folded(events: list[Event]) -> Cells:
    cells: Cells = {}
    for event in events:
        fold(cells, lower(event))
    return cells


def folded_vector(events: list[dict[str, Any]]) -> Cells:
    return folded([Event(**{**event, "data": typed(event["kind"], event["data"])}) for event in events])


def typed(kind: str, data: object) -> object:
    return msgspec.convert(data, EVENTS[kind]) if kind in EVENTS else data


# --- shared vectors ---


@pytest.mark.parametrize(("given", "expected"), vectors("canonical"))
def test_canonical_text_is_that_of_the_vectors(page: PageModules, given: Any, expected: Any) -> None:
    assert page.ask("canonical", value=given).encode().hex() == expected["utf8"]


@pytest.mark.parametrize(("given", "expected"), vectors("join"))
def test_joins_are_those_of_the_vectors(page: PageModules, given: Any, expected: Any) -> None:
    assert page.ask("join", a=given["a"], b=given["b"]) == expected
    assert page.ask("join", a=given["b"], b=given["a"]) == expected


@pytest.mark.parametrize(("given", "expected"), vectors("stamps"))
def test_stamps_and_clocks_are_those_of_the_vectors(page: PageModules, given: Any, expected: Any) -> None:
    if given["op"] == "stamp":
        assert page.ask("stamp", t=given["t"], writer=given["writer"])[0] == expected
    elif given["op"] == "ms":
        assert page.ask("stamp", t=given["t"], writer="")[1] == expected
    elif given["op"] == "clock":
        assert page.ask("clock", readings=given["readings"]) == expected
    elif given["op"] == "key_part":
        assert page.ask("keyPart", text=given["text"]) == [expected, given["text"]]


def emitted_by_the_page(event: dict[str, Any]) -> bool:
    """Whether the page could have made it: it never starts detached, advances by itself, or begins in the middle."""
    data = event["data"]
    advances_into = event["kind"] == "playback.advanced" and data.get("position_ms")
    return event["kind"] in LOWERED_BY_THE_PAGE and not data.keys() & {"detached", "automatic"} and not advances_into


@pytest.mark.parametrize(
    ("given", "expected"), [case for case in vectors("lowering") if emitted_by_the_page(case.values[0])]
)
def test_own_events_are_lowered_as_the_vectors_say(page: PageModules, given: Any, expected: Any) -> None:
    event = {**given, "data": {"parent": None, **given["data"]}}
    written = page.ask("lower", event=event, writer=given["writer"])
    assert {key: [rank, value] for key, rank, value in written} == expected


@pytest.mark.parametrize(("given", "expected"), vectors("shuffle"))
def test_shuffled_order_is_that_of_the_vectors(page: PageModules, given: Any, expected: Any) -> None:
    assert page.ask("shuffle", **given) == expected


@pytest.mark.parametrize(("given", "expected"), [*vectors("views_lists"), *vectors("views_playback")])
def test_lists_and_playback_are_those_of_the_vectors(page: PageModules, given: Any, expected: Any) -> None:
    cells = rows(folded_vector(given["events"]))
    for asked, view in zip(given["views"], expected["views"], strict=True):
        if asked.get("device") is not None:
            continue  # What a device shows of a session that it began offline; the page begins none.
        gone = page.ask("playback", rows=cells, nowMs=0)["consumed"]
        if asked["view"] in ("items", "queue"):
            assert page.ask("list", rows=cells, list=asked["view"], consumed=gone)["items"] == view
        elif asked["view"] == "slots":
            assert page.ask("list", rows=cells, list=asked["list"], consumed=[])["slots"] == view
        elif asked["view"] == "place_at_end":
            assert page.ask("list", rows=cells, list=asked["list"], consumed=[])["atEnd"] == view
        elif asked["view"] == "place_after":
            assert page.ask("placeAfterItem", rows=cells, list=asked["list"], item=asked["left"]) == view
        elif asked["view"] == "playback":
            assert_same_playback(page.ask("playback", rows=cells, nowMs=asked["at_ms"])["playback"], view)


def assert_same_playback(shown: dict[str, Any] | None, view: dict[str, Any] | None) -> None:
    if view is None or shown is None:
        assert shown is view is None
        return
    assert {field: shown["item"][field] for field in ("id", "track", "from")} == view["item"]
    names = {"position_ms": "positionMs", "duration_ms": "durationMs", "speed_permille": "speedPermille"}
    for field in ("device", "play", "epoch", "generation", "playing", "buffering", "stale", *names):
        assert shown[names.get(field, field)] == view[field], field


# --- our own views, on whatever may happen ---


@given(cells_=st.lists(colliding_cells(), min_size=2, max_size=2))
def test_any_two_writes_are_joined_alike(page: PageModules, cells_: list[Cell]) -> None:
    a, b = cells_
    assert page.ask("join", a=list(astuple(a)), b=list(astuple(b))) == list(astuple(join(a, b)))


@given(value=free_json())
def test_any_value_has_the_same_canonical_text(page: PageModules, value: Any) -> None:
    assert page.ask("canonical", value=value).encode() == canonical(value)


@given(a=texts, b=texts)
def test_texts_are_compared_by_code_point(page: PageModules, a: str, b: str) -> None:
    assert page.ask("compare", a=a, b=b) == (a.encode() > b.encode()) - (a.encode() < b.encode())
    assert page.ask("keyPart", text=a) == [key_part(a), a]


@given(t=st.integers(0, SAFE_INTEGER_MAX) | times, writer=writers)
def test_any_time_has_the_same_stamp(page: PageModules, t: int, writer: str) -> None:
    assert page.ask("stamp", t=t, writer=writer) == [stamps.stamp(t, writer), stamps.ms(t), t]


@given(history=histories() | sessions(), later_ms=st.integers(0, 4 * SPAN_MS))
def test_any_account_is_shown_as_we_show_it(page: PageModules, history: list[Event], later_ms: int) -> None:
    cells = folded(history)
    now_ms = START_MS + later_ms
    shown = page.ask("playback", rows=rows(cells), nowMs=now_ms)
    gone = consumed(cells)
    assert shown["consumed"] == sorted(gone)
    view = playback_view(cells, now_ms)
    assert_same_playback(shown["playback"], None if view is None else msgspec.to_builtins(view))
    queue = page.ask("list", rows=rows(cells), list="queue", consumed=shown["consumed"])
    assert queue["items"] == [{"id": e.id, "item": e.item} for e in list_view(cells, "queue", consumed=gone)]
    account = page.ask("account", rows=rows(cells))
    assert account["playlists"] == sidebar_view(cells)
    assert dict(account["library"]) == {set_: len(things) for set_, things in library_view(cells).items()}
    assert account["settings"] == [list(pair) for pair in settings_view(cells).items()]
    assert account["devices"] == [
        {"device": d.device, "name": d.name, "kind": d.kind, "revoked": d.revoked} for d in devices_view(cells)
    ]


faulty_playlists = st.lists(events(kinds=PLAYLIST_KINDS, stream=PLAYLIST), max_size=12)
"""Events of writers that use one id or one time twice."""


@given(history=histories(kinds=PLAYLIST_KINDS, stream=PLAYLIST) | faulty_playlists)
def test_any_playlist_is_shown_as_we_show_it(page: PageModules, history: list[Event]) -> None:
    cells = folded(history)
    prefix = "items/run/"
    runs = {EventId(key[len(prefix) :]): cell.value for key, cell in cells.items() if key.startswith(prefix)}
    order = ListOrder()
    order.apply({id_: run_of(id_, value) for id_, value in runs.items()})
    shown = page.ask("list", rows=rows(cells), list="items", consumed=[])
    assert shown["items"] == [{"id": entry.id, "item": entry.item} for entry in list_view(cells, "items")]
    assert shown["slots"] == list(order.slots)
    assert shown["atEnd"] == order.place_at_end()._asdict()
    for slot in (None, *order.slots):
        place = page.ask("placeAfterSlot", rows=rows(cells), list="items", slot=slot)
        assert place == order.place(slot)._asdict()


def test_runs_of_one_time_by_one_writer_stand_by_seq(page: PageModules) -> None:
    t = stamps.pack(START_MS)
    rank = stamps.stamp(t, "pagewriter")
    run = {"parent": None, "side": "R", "t": t, "writer": "pagewriter", "items": [{"track": "t"}]}
    cells = [[f"items/run/pagewriter.{seq}", rank, run] for seq in (10, 9)]
    slots = page.ask("list", rows=cells, list="items", consumed=[])["slots"]
    assert slots == ["pagewriter.9.0", "pagewriter.10.0"]


@given(history=histories() | sessions(), seq=st.integers(100, 200))
def test_every_control_is_admitted_and_lowered_as_the_server_does(
    page: PageModules, history: list[Event], seq: int
) -> None:
    cells = folded(history)
    controls = page.ask("controls", rows=rows(cells), nowMs=START_MS + SPAN_MS, device="d1", track="Blue in Green")
    for control in controls:
        kind = control["kind"]
        assert kind in LOWERED_BY_THE_PAGE
        data = decode_data(kind, msgspec.Raw(msgspec.json.encode(control["data"])), format="json")
        check(kind, data, stream="a:9f3c")
        t = stamps.pack(START_MS + SPAN_MS)
        written = page.ask("lower", event={"seq": seq, "t": t, **control}, writer="pagewriter")
        event = Event("a:9f3c", "pagewriter", seq, t, kind, data)
        assert {key: Cell(rank, value) for key, rank, value in written} == lower(event)


@given(history=histories(kinds=tuple(EVENTS)))
def test_every_event_has_a_sentence(page: PageModules, history: list[Event]) -> None:
    for event in history:
        sentence = page.ask("sentence", kind=event.kind, cells=rows(lower(event)))
        assert sentence
        assert "undefined" not in sentence
        assert "NaN" not in sentence


@pytest.mark.parametrize(
    ("kind", "cells", "sentence"),
    [
        (
            "list.inserted",
            [["queue/run/w.1", "r", {"items": [{"track": "t"}, {"track": "u"}]}]],
            "added 2 tracks to the queue",
        ),
        ("list.inserted", [["queue/run/w.1", "r", {"items": [{"track": "t"}]}]], "added a track to the queue"),
        ("list.removed", [["items/on/w.1.0", "r", False]], "removed a track from a playlist"),
        (
            "playback.started",
            [["play/w.1", "r", {"item": {"track": "So What"}, "device": "d1"}]],
            "started So What on <d1>",
        ),
        ("playback.paused", [["play_off/w.1", "r", True]], "paused"),
        ("moon.landed", [], "did moon.landed"),
    ],
)
def test_what_happened_reads_like_this(page: PageModules, kind: str, cells: Any, sentence: str) -> None:
    assert page.ask("sentence", kind=kind, cells=cells) == sentence


def played(*events: tuple[str, dict[str, Any]]) -> Cells:
    """An account's cells after these, one a second, by one writer: its first event is `pagewriter.1`."""
    made = []
    for seq, (kind, data) in enumerate(events, start=1):
        made.append(Event("a:9f3c", "pagewriter", seq, stamps.pack(START_MS + seq * 1_000), kind, typed(kind, data)))
    return folded(made)


def begun(context: object, place: int, follows: tuple[str, ...] = ()) -> tuple[str, dict[str, Any]]:
    item = {"from": "context", "id": str(place), "track": f"t{place}"}
    started = {"device": "d1", "item": item, "follows": list(follows), "position_ms": 0, "playing": True}
    return "playback.started", {**started, "speed_permille": 1_000, "context": context}


TRACKS = {"tracks": ["t0", "t1", "t2"]}


@pytest.mark.parametrize(
    ("events", "following"),
    [
        ([begun(TRACKS, 0)], {"id": "1", "track": "t1"}),
        ([begun(TRACKS, 2)], None),
        ([begun(TRACKS, 2), ("playback.mode_changed", {"repeat": "all"})], {"id": "0", "track": "t0"}),
        ([begun({"moon": 1}, 0)], None),
        ([begun(None, 0)], None),
    ],
)
def test_next_goes_on_in_the_context(page: PageModules, events: Any, following: Any) -> None:
    assert page.ask("nextInContext", rows=rows(played(*events)), playlists={}) == following


def test_a_pause_after_a_seek_in_silence_counts_nothing(page: PageModules) -> None:
    sought = {"play": "pagewriter.1", "position_ms": 90_000, "playing": False}
    cells = played(begun(TRACKS, 0), ("playback.seeked", sought), ("playback.paused", {"epoch": "pagewriter.1"}))
    shown = page.ask("playback", rows=rows(cells), nowMs=START_MS + SPAN_MS)["playback"]
    assert (shown["positionMs"], shown["playing"]) == (90_000, False)


SHUFFLED = ("playback.mode_changed", {"shuffle": {"on": True, "seed": 42}})


def test_a_shuffled_round_begins_where_the_epoch_or_the_shuffle_began(page: PageModules) -> None:
    context = {"tracks": [f"t{k}" for k in range(5)]}
    order = shuffled(map(str, range(5)), 42)
    first, second, third, *_, last = (int(id_) for id_ in order)

    def following(*events: tuple[str, dict[str, Any]]) -> Any:
        item = page.ask("nextInContext", rows=rows(played(*events)), playlists={})
        return None if item is None else int(item["id"])

    def on_to(place: int, *, epoch: int, after: int, generation: int) -> tuple[str, dict[str, Any]]:
        item = {"from": "context", "id": str(place), "track": f"t{place}"}
        named = {"epoch": f"pagewriter.{epoch}", "follows": [f"pagewriter.{after}"]}
        return "playback.advanced", {**named, "generation": generation, "item": item}

    # Begun at the second: the round ends with the first.
    assert following(SHUFFLED, begun(context, last), on_to(first, epoch=2, after=2, generation=1)) == second
    assert following(SHUFFLED, begun(context, second), on_to(first, epoch=2, after=2, generation=1)) is None
    # Set while the second sounded: what was heard before it in this epoch comes again, as last.
    before = [begun(context, first), on_to(second, epoch=1, after=1, generation=1)]
    assert following(*before, SHUFFLED, on_to(last, epoch=1, after=2, generation=2)) == first
    # A new epoch begins a round of its own, wherever the one before it began.
    jumped = [SHUFFLED, begun(context, third), begun(context, last, follows=("pagewriter.2",))]
    assert following(*jumped, on_to(second, epoch=3, after=3, generation=1)) == third


def test_a_queue_entry_leaves_the_place_in_the_context(page: PageModules) -> None:
    from_queue = {"from": "queue", "id": "pagewriter.9.0", "track": "q"}
    advanced = {"epoch": "pagewriter.1", "generation": 1, "follows": ["pagewriter.1"], "item": from_queue}
    cells = played(begun(TRACKS, 0), ("playback.advanced", advanced))
    assert page.ask("nextInContext", rows=rows(cells), playlists={}) == {"id": "1", "track": "t1"}


def test_a_playlist_goes_on_in_the_order_of_its_own_stream(page: PageModules) -> None:
    inserted = {"list": "items", "parent": None, "side": "R", "items": [{"track": "a"}, {"track": "b"}]}
    playlist = rows(played(("list.inserted", inserted)))
    item = {"from": "context", "id": "pagewriter.1.0", "track": "a"}
    start = begun({"playlist": "summer-0123456789"}, 0)[1] | {"item": item}
    cells = rows(played(("playback.started", start)))
    following = {"id": "pagewriter.1.1", "track": "b"}
    assert page.ask("nextInContext", rows=cells, playlists={"p:summer-0123456789": playlist}) == following
    assert page.ask("nextInContext", rows=cells, playlists={}) is None, "nobody follows that playlist here"


@given(seed=st.integers(0, 2**32 - 1))
def test_a_shuffled_context_plays_each_track_once(page: PageModules, seed: int) -> None:
    context = {"tracks": [f"t{k}" for k in range(5)]}
    events = [("playback.mode_changed", {"shuffle": {"on": True, "seed": seed}}), begun(context, 3)]
    expected = shuffled(map(str, range(5)), seed, current="3")
    heard = ["3"]
    while (item := page.ask("nextInContext", rows=rows(played(*events)), playlists={})) is not None:
        heard.append(item["id"])
        last = f"pagewriter.{len(events)}"
        item = {"from": "context", **item}
        advanced = {"epoch": "pagewriter.2", "generation": len(heard) - 1, "follows": [last], "item": item}
        events.append(("playback.advanced", advanced))
    assert heard == expected


def test_the_servers_clock_is_that_of_the_shortest_round_trip(page: PageModules) -> None:
    assert page.ask("serverClock", samples=[], at=5) is None
    # Sent at 100, answered at 300 with 10_200: the midpoint says +10_000; a slow, lopsided one does not spoil it.
    samples = [[100, 300, 10_200], [400, 900, 10_890]]
    assert page.ask("serverClock", samples=samples, at=1_000) == 11_000
    # Five good ones later the first is forgotten: the clocks may have drifted.
    samples += [[1_000 + i, 1_200 + i, 11_107 + i] for i in range(5)]
    assert page.ask("serverClock", samples=samples, at=2_000) == 12_007
