"""The laws of the model.

Numbers are those of merge.md section 4; 6 to 8 are with the lists, 14 is with the shared vectors.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from syncd.model.canonical import canonical, from_canonical
from syncd.model.cells import Cell, Cells, digest, fold, join, merge
from syncd.model.events import Event
from syncd.model.free_json import check_json
from syncd.model.ids import key_part
from syncd.model.lowering import lower
from syncd.model.restamp import Pending, Reconnect, restamp
from syncd.model.stamp import ms
from syncd.model.validate import check, decode_data
from syncd.model.views.access import access_of
from syncd.model.views.devices import devices_view
from syncd.model.views.history import history_view
from syncd.model.views.library import library_view
from syncd.model.views.lists import list_view
from syncd.model.views.modes import modes_view
from syncd.model.views.playback import playback_view
from syncd.model.views.playlist import playlist_view
from syncd.model.views.plays import Plays, consumed
from syncd.model.views.progress import progress_view
from syncd.model.views.settings import settings_view
from syncd.testing.histories import (
    ACCOUNT_KINDS,
    PLAYLIST,
    PLAYLIST_KINDS,
    SPAN_MS,
    START_MS,
    colliding_cells,
    events,
    histories,
    said,
    sessions,
    states,
    times,
    writers,
)

NOW_MS = START_MS + SPAN_MS


def folded(history: Sequence[Event]) -> Cells:
    cells: Cells = {}
    for event in history:
        fold(cells, lower(event))
    return cells


def all_views(cells: Cells) -> list[Any]:
    """Every view there is, as plain data."""
    return [
        msgspec.to_builtins(view)
        for view in (
            playback_view(cells, NOW_MS),
            playback_view(cells, NOW_MS, device="t1"),
            list_view(cells, "queue", consumed=consumed(cells)),
            list_view(cells, "items"),
            list(library_view(cells).items()),
            list(settings_view(cells).items()),
            list(progress_view(cells).items()),
            history_view(cells),
            devices_view(cells),
            modes_view(cells),
            playlist_view(cells),
            access_of(cells, "t1", "t2"),
        )
    ]


# --- 1: the join ---


@given(colliding_cells(), colliding_cells(), colliding_cells())
def test_join_is_commutative_associative_and_idempotent(a: Cell, b: Cell, c: Cell) -> None:
    assert join(a, b) == join(b, a)
    assert join(join(a, b), c) == join(a, join(b, c))
    assert join(a, a) == a


@given(states(), states(), states())
def test_merge_is_commutative_associative_and_idempotent(a: Cells, b: Cells, c: Cells) -> None:
    assert merge(a, b) == merge(b, a)
    assert merge(merge(a, b), c) == merge(a, merge(b, c))
    assert merge(a, a) == a


# --- 2, 3: order, repeats, roads ---


@given(st.lists(events(), max_size=20), st.randoms(use_true_random=False))
def test_any_order_with_repeats_gives_equal_cells_and_views(history: list[Event], rng: random.Random) -> None:
    """Also of events that claim one id or one stamp, as faulty writers and double admissions make them."""
    shuffled = [*history, *rng.choices(history, k=len(history) // 2)] if history else []
    rng.shuffle(shuffled)
    cells, other = folded(history), folded(shuffled)
    assert canonical(_plain(cells)) == canonical(_plain(other))
    assert digest(cells) == digest(other)
    assert all_views(cells) == all_views(other)


@given(histories(), st.data())
def test_merging_two_replicas_equals_folding_what_either_saw(history: list[Event], data: st.DataObject) -> None:
    in_a = data.draw(st.lists(st.booleans(), min_size=len(history), max_size=len(history)))
    in_b = data.draw(st.lists(st.booleans(), min_size=len(history), max_size=len(history)))
    a = [event for event, here in zip(history, in_a, strict=True) if here]
    b = [event for event, here in zip(history, in_b, strict=True) if here]
    either = [event for event, *here in zip(history, in_a, in_b, strict=True) if any(here)]
    assert merge(folded(a), folded(b)) == folded(either)


@given(histories())
def test_what_fold_returns_is_what_changed(history: list[Event]) -> None:
    cells: Cells = {}
    device: Cells = {}
    for event in history:
        before = dict(cells)
        changed = fold(cells, lower(event))
        assert changed == {key: cell for key, cell in cells.items() if before.get(key) != cell}
        device.update(changed)
    assert device == cells


# --- 4: admitted twice ---


@given(st.lists(events(), max_size=12), events(), times, st.integers(0, 12))
def test_of_one_event_admitted_twice_the_later_counts_alone(
    others: list[Event], event: Event, t: int, place: int
) -> None:
    early, late = sorted([event, msgspec.structs.replace(event, t=t)], key=lambda each: each.t)
    once = folded([*others, late])
    assert folded([early, *others[:place], late, *others[place:]]) == once
    assert folded([late, *others[:place], early, *others[place:]]) == once


# --- 5: what a client shows ---


@given(histories(), histories())
def test_the_overlay_of_pending_events_equals_folding_them_too(confirmed: list[Event], pending: list[Event]) -> None:
    base = folded(confirmed)
    kept = dict(base)
    assert merge(base, folded(pending)) == folded([*confirmed, *pending])
    assert base == kept, "dropping the overlay must bring the confirmed state back"


# --- 9, 10, 11: playback ---


@given(sessions(), st.lists(st.integers(0, 3 * SPAN_MS), min_size=2, max_size=5).map(sorted))
def test_a_position_is_never_negative_and_never_goes_back_while_on(history: list[Event], at: list[int]) -> None:
    cells = folded(history)
    views = [playback_view(cells, START_MS + each) for each in at]
    for earlier, later in zip(views, views[1:], strict=False):
        if earlier is not None and later is not None:
            assert earlier.position_ms >= 0
            if earlier.playing and later.playing:
                assert later.position_ms >= earlier.position_ms


@given(sessions())
def test_at_most_one_device_is_live(history: list[Event]) -> None:
    cells = folded(history)
    devices = {event.data.device for event in history if event.kind == "playback.started"}
    views = {device: playback_view(cells, NOW_MS, device=device) for device in devices}
    live = {
        device for device, view in views.items() if view is not None and not view.detached and view.device == device
    }
    assert len(live) <= 1


@given(sessions())
def test_nothing_is_consumed_off_the_chain(history: list[Event]) -> None:
    """A plain fixed point stands for the chain; taking away what is not on it changes nothing."""
    cells = folded(history)
    plays = {key.removeprefix("play/"): cell.value for key, cell in cells.items() if key.startswith("play/")}
    head = Plays(cells).head()
    chain: set[str] = set() if head is None else {head.id}
    while True:
        more = chain | {followed for id_ in chain & plays.keys() for followed in _follows(plays[id_])}
        if more == chain:
            break
        chain = more
    keep = chain | (set() if head is None else {head.epoch})
    on_chain = {key: cell for key, cell in cells.items() if not key.startswith("play/") or key[5:] in keep}
    heard = {_play(plays, id_).get("id") for id_ in chain & plays.keys() if _play(plays, id_)["from"] == "queue"}
    assert consumed(cells) == heard
    if head is not None and Plays(on_chain).head() == head:
        assert consumed(on_chain) == heard


def _follows(play: Any) -> list[str]:
    return list(play["follows"])


def _play(plays: dict[str, Any], id_: str) -> dict[str, Any]:
    item: dict[str, Any] = plays[id_]["item"]
    return item


# --- 12: restamping ---


@st.composite
def _made_offline(draw: st.DrawFn) -> list[Pending]:
    """What one writer has pending: its own times rise, its wall clock does as it likes, the first few may be sent."""
    drawn = draw(st.lists(st.tuples(times, times, st.integers(0, SPAN_MS), said()), min_size=1, max_size=8))
    sent = draw(st.integers(0, len(drawn)))
    own = sorted(t for t, *_ in drawn)
    return [
        Pending(
            stream="a:9f3c",
            seq=n + 1,
            t=own[n] + n,
            kind=kind,
            data=data,
            sent=n < sent,
            seen_t=seen_t,
            wall_ms=START_MS + draw(st.integers(-SPAN_MS, SPAN_MS)),
            monotonic_ms=monotonic_ms,
            boot=draw(st.sampled_from(["one", "two"])),
        )
        for n, (_, seen_t, monotonic_ms, (kind, data)) in enumerate(drawn)
    ]


@given(_made_offline(), writers, times, st.integers(-SPAN_MS, SPAN_MS))
def test_restamping_keeps_a_writers_order(pending: list[Pending], writer: str, sent_t: int, offset_ms: int) -> None:
    now = Reconnect(server_now_ms=NOW_MS, offset_ms=offset_ms, monotonic_ms=SPAN_MS, boot="one", sent_t=sent_t)
    restamped = restamp(pending, now, writer=writer)
    assert [(each.seq, each.kind) for each in restamped] == [(each.seq, each.kind) for each in pending]
    before_ever = max([sent_t] + [each.t for each in pending if each.sent])
    last_t = before_ever
    for old, new in zip(pending, restamped, strict=True):
        if old.sent:
            assert new == old
        else:
            assert new.t > last_t
            assert new.t > new.seen_t
            last_t = new.t
            # Nothing is put into the future, but behind what it must follow.
            behind = [t + len(pending) for t in [before_ever] + [each.seen_t for each in pending]]
            assert ms(new.t) <= max(NOW_MS, ms(max(behind)))


# --- 13: round trips, totality ---


@given(said())
def test_data_survives_json_and_messagepack(what: tuple[str, Any]) -> None:
    kind, data = what
    check(kind, data, stream="a:9f3c")
    event = Event("a:9f3c", "k3v9q2m4ta", 1, 1, kind, data)
    for raw, format_ in [(msgspec.json.encode(data), "json"), (msgspec.msgpack.encode(data), "msgpack")]:
        again = decode_data(kind, raw, format=format_)  # type: ignore[arg-type]  # a literal, out of a list
        assert again == data
        assert lower(msgspec.structs.replace(event, data=again)) == lower(event)


@given(said(kinds=PLAYLIST_KINDS, stream=PLAYLIST))
def test_data_of_playlists_survives_json_and_messagepack(what: tuple[str, Any]) -> None:
    kind, data = what
    check(kind, data, stream=PLAYLIST)
    assert decode_data(kind, msgspec.json.encode(data), format="json") == data
    assert decode_data(kind, msgspec.msgpack.encode(data), format="msgpack") == data


@given(histories())
def test_cells_survive_a_snapshot_in_either_format(history: list[Event]) -> None:
    cells = folded(history)
    by_json: Any = from_canonical(canonical(_plain(cells)))
    by_msgpack: Any = msgspec.msgpack.decode(msgspec.msgpack.encode(_plain(cells)))
    for snapshot in (by_json, by_msgpack):
        again = {key: Cell(*each) for key, each in snapshot.items()}
        assert again == cells
        assert digest(again) == digest(cells)


@given(histories(), st.data())
def test_views_are_total_where_records_are_missing(history: list[Event], data: st.DataObject) -> None:
    cells = folded(history)
    kept = data.draw(st.lists(st.booleans(), min_size=len(cells), max_size=len(cells)))
    all_views({key: cell for (key, cell), here in zip(cells.items(), kept, strict=True) if here})


@given(histories(kinds=(*PLAYLIST_KINDS, *ACCOUNT_KINDS)))
def test_cells_hold_only_what_every_replica_can_hold(history: list[Event]) -> None:
    for key, cell_ in folded(history).items():
        assert all(part == key_part(part) or "%" in part for part in key.split("/"))
        assert key.isascii()
        assert cell_.rank.isascii()
        assert cell_.rank.isalnum()
        check_json(cell_.value, key, depth=1)


def _plain(cells: Cells) -> Any:
    return {key: [cell.rank, cell.value] for key, cell in cells.items()}
