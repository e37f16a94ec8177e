"""Hypothesis strategies for everything the model is made of: names, times, free JSON, events, histories, cells.

Pools of names and times are small on purpose: a law about joining is only tested where writes meet in one cell.

    @given(histories())
    def test_any_order_gives_equal_cells(history): …

Strategies of whatever a type allows are in `syncd.testing.strategies`; here is what admission lets through.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec import UNSET
from msgspec.structs import replace

from syncd.limits import SAFE_INTEGER_MAX
from syncd.model import events as ev
from syncd.model.canonical import Json
from syncd.model.cells import Cell, Cells, fold
from syncd.model.events import EVENTS, Event
from syncd.model.ids import event_id
from syncd.model.lowering import lower
from syncd.model.stamp import COUNTER_BITS, NO_STAMP, pack, stamp

START_MS = 1_763_870_000_000
"""Times lie within `SPAN_MS` after it."""
SPAN_MS = 60_000
ACCOUNT = "a:9f3c"
PLAYLIST = "p:summer-0123456789abcdef"

# --- names, times, values ---

writers = st.sampled_from(["aaaaaaaaaa", "k3v9q2m4ta", "zzzzzzzzzz"])
seqs = st.integers(1, 8)
event_ids = st.builds(lambda writer, seq: f"{writer}.{seq}", writers, seqs)
item_ids = st.builds(lambda event, k: f"{event}.{k}", event_ids, st.integers(0, 3))
times = st.builds(pack, st.integers(START_MS, START_MS + SPAN_MS), st.integers(0, 2**COUNTER_BITS - 1))
ranks = st.one_of(st.just(NO_STAMP), st.builds(stamp, times, writers))

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
"""What every replica can hold: no NUL, no lone surrogate."""
ids = st.one_of(
    st.sampled_from(["t1", "t2", "a/b", "ü 🎵", "100%"]),
    st.text(st.sampled_from(string.ascii_letters + "._:~-/% ü"), min_size=1, max_size=8),
)
safe_integers = st.integers(-SAFE_INTEGER_MAX, SAFE_INTEGER_MAX)
positions_ms = st.one_of(st.integers(0, 2 * SPAN_MS), st.integers(0, SAFE_INTEGER_MAX))


def free_json(*, leaves: int = 6) -> SearchStrategy[Json]:
    """JSON that an event may carry as given."""
    leaf = st.one_of(st.none(), st.booleans(), safe_integers, texts)
    return st.recursive(leaf, _containers, max_leaves=leaves)


def _containers(inner: SearchStrategy[Json]) -> SearchStrategy[Json]:
    return st.one_of(st.lists(inner), st.dictionaries(texts, inner))


def _given_or_not(strategy: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.one_of(st.just(UNSET), strategy)


# --- events ---

_parents = st.one_of(st.tuples(st.none(), st.just("R")), st.tuples(item_ids, st.sampled_from("LR")))
_unique_items = st.lists(item_ids, min_size=1, max_size=4, unique=True)
_entries = st.fixed_dictionaries({"track": ids, "playlist": ids}, optional={"note": free_json(leaves=3)})
_played = st.one_of(
    st.fixed_dictionaries(
        {"from": st.just("context"), "id": ids, "track": ids},
        optional={"duration_ms": st.one_of(st.none(), positions_ms), "art": free_json(leaves=3)},
    ),
    st.fixed_dictionaries({"from": st.just("queue"), "id": item_ids, "track": ids, "duration_ms": positions_ms}),
)
_ratings = st.builds(ev.LibraryChanged, set=st.just("ratings"), ids=st.just(["t1"]), value=st.integers(0, 100))


def _lists_of(stream: str) -> SearchStrategy[str]:
    return st.just("items") if stream.startswith("p:") else st.sampled_from(["queue", "sidebar"])


_DATA: dict[str, Callable[[str], SearchStrategy[Any]]] = {
    "list.inserted": lambda stream: st.builds(
        lambda name, place, items: ev.ListInserted(name, items, place[1], place[0]),
        _lists_of(stream),
        _parents,
        st.lists(_entries, min_size=1, max_size=4),
    ),
    "list.moved": lambda stream: st.builds(
        lambda name, place, moved: ev.ListMoved(name, moved, place[1], place[0]),
        _lists_of(stream),
        _parents,
        _unique_items,
    ),
    "list.moved_back": lambda stream: st.builds(ev.ListMovedBack, _lists_of(stream), item_ids, item_ids),
    "list.removed": lambda stream: st.builds(ev.ListRemoved, _lists_of(stream), _unique_items),
    "list.restored": lambda stream: st.builds(ev.ListRestored, _lists_of(stream), _unique_items),
    "list.cleared": lambda stream: st.builds(
        ev.ListCleared, _lists_of(stream), st.dictionaries(writers, st.integers(0, 8))
    ),
    "playback.started": lambda _: st.builds(
        ev.PlaybackStarted,
        device=ids,
        item=_played,
        follows=st.lists(event_ids, max_size=2, unique=True),
        position_ms=positions_ms,
        playing=st.booleans(),
        speed_permille=st.integers(1, 100_000),
        context=free_json(),
        detached=st.booleans(),
    ),
    "playback.advanced": lambda _: st.builds(
        ev.PlaybackAdvanced,
        epoch=event_ids,
        generation=st.integers(1, 4),
        follows=st.lists(event_ids, min_size=1, max_size=1),
        item=_played,
        position_ms=st.one_of(st.none(), positions_ms),
        automatic=st.booleans(),
    ),
    "playback.paused": lambda _: st.builds(ev.PlaybackPaused, event_ids),
    "playback.resumed": lambda _: st.builds(ev.PlaybackResumed, event_ids, event_ids, positions_ms),
    "playback.seeked": lambda _: st.builds(ev.PlaybackSeeked, event_ids, positions_ms, st.booleans()),
    "playback.speed_changed": lambda _: st.builds(
        ev.PlaybackSpeedChanged, event_ids, event_ids, positions_ms, st.booleans(), st.integers(1, 100_000)
    ),
    "playback.reported": lambda _: st.builds(
        ev.PlaybackReported, event_ids, positions_ms, st.booleans(), st.lists(ranks, min_size=2, max_size=2)
    ),
    "playback.mode_changed": lambda _: st.builds(
        ev.PlaybackModeChanged,
        shuffle=_given_or_not(st.builds(ev.Shuffle, st.booleans(), st.integers(0, 2**32 - 1))),
        repeat=_given_or_not(st.sampled_from(["off", "one", "all"])),
        sleep_at_ms=_given_or_not(st.one_of(st.none(), st.integers(START_MS, START_MS + 2 * SPAN_MS))),
    ),
    "device.volume_changed": lambda _: st.builds(ev.DeviceVolumeChanged, ids, st.integers(0, 1_000)),
    "library.changed": lambda _: st.one_of(
        _ratings,
        st.builds(ev.LibraryChanged, ids, st.lists(ids, min_size=1, max_size=4, unique=True), st.booleans()),
    ),
    "settings.changed": lambda _: st.dictionaries(ids, free_json(), min_size=1, max_size=4),
    "progress.listened": lambda _: st.builds(
        ev.ProgressListened, ids, positions_ms, ranks, st.one_of(st.none(), positions_ms), st.booleans()
    ),
    "progress.marked": lambda _: st.builds(ev.ProgressMarked, ids, st.booleans()),
    "history.played": lambda _: st.builds(
        ev.HistoryPlayed,
        play=ids,
        track=ids,
        started_ms=st.integers(0, START_MS + 2 * SPAN_MS),
        listened_ms=positions_ms,
        context=free_json(),
        skipped=st.booleans(),
        reason=st.one_of(st.none(), texts),
    ),
    "history.removed": lambda _: st.builds(ev.HistoryRemoved, ids),
    "history.cleared": lambda _: st.builds(ev.HistoryCleared, st.integers(0, START_MS + 2 * SPAN_MS)),
    "device.described": lambda _: st.builds(
        ev.DeviceDescribed,
        device=ids,
        name=_given_or_not(st.one_of(st.none(), texts)),
        kind=_given_or_not(st.one_of(st.none(), texts)),
        capabilities=_given_or_not(free_json()),
    ),
    "device.revoked": lambda _: st.builds(ev.DeviceRevoked, ids),
    "playlist.described": lambda _: st.builds(
        ev.PlaylistDescribed,
        name=_given_or_not(st.one_of(st.none(), texts)),
        description=_given_or_not(st.one_of(st.none(), texts)),
        image=_given_or_not(st.one_of(st.none(), texts)),
        public=_given_or_not(st.booleans()),
        collaborative=_given_or_not(st.booleans()),
        deleted=_given_or_not(st.booleans()),
    ),
    "playlist.member_changed": lambda _: st.builds(
        ev.PlaylistMemberChanged, ids, st.sampled_from(["editor", "viewer", None])
    ),
}
assert _DATA.keys() == EVENTS.keys(), "every kind has a strategy"

PLAYBACK_KINDS = tuple(kind for kind in EVENTS if kind.startswith("playback."))
ACCOUNT_KINDS = tuple(kind for kind in EVENTS if not kind.startswith("playlist."))
PLAYLIST_KINDS = tuple(kind for kind in EVENTS if kind.startswith(("list.", "playlist.")))

Said: TypeAlias = tuple[str, Any]
"""A kind and its data."""


# A strategy made anew for every example is validated anew, which takes longer than drawing; hence the caches.


@cache
def event_data(kind: str, *, stream: str = ACCOUNT) -> SearchStrategy[Any]:
    """Data of one kind that admission accepts into the stream."""
    return _DATA[kind](stream)


@cache
def said(*, kinds: tuple[str, ...] = ACCOUNT_KINDS, stream: str = ACCOUNT) -> SearchStrategy[Said]:
    """A kind with data of it."""
    return st.one_of(*(st.tuples(st.just(kind), event_data(kind, stream=stream)) for kind in kinds))


@cache
def events(*, kinds: tuple[str, ...] = ACCOUNT_KINDS, stream: str = ACCOUNT) -> SearchStrategy[Event]:
    """Any one event; two of them may well claim one id or one stamp, as faulty writers do."""
    return st.builds(
        lambda writer, seq, t, what: Event(stream, writer, seq, t, *what),
        writers,
        seqs,
        times,
        said(kinds=kinds, stream=stream),
    )


@st.composite
def histories(
    draw: st.DrawFn, *, kinds: tuple[str, ...] = ACCOUNT_KINDS, stream: str = ACCOUNT, max_size: int = 24
) -> list[Event]:
    """What a gateway admitted into one stream, in that order: per writer, seqs from 1 and strictly rising times."""
    return _admitted(draw(st.lists(_deeds(kinds, stream), min_size=1, max_size=max_size)), stream)


@st.composite
def sessions(draw: st.DrawFn, *, max_size: int = 16) -> list[Event]:
    """Like `histories`, of playback alone, begun by a start, and events name plays that are there."""
    often = ("playback.started", "playback.advanced", "playback.advanced", "playback.reported", "playback.reported")
    kinds = (*often, *PLAYBACK_KINDS)
    begin = draw(_deeds(("playback.started",), ACCOUNT))
    drawn = [begin, *draw(st.lists(_deeds(kinds, ACCOUNT), min_size=4, max_size=max_size))]
    cells: Cells = {}
    plays: list[str] = []
    epochs: list[str] = []
    session = []
    for event in _admitted(drawn, ACCOUNT, aware=draw(st.booleans())):
        named: dict[str, Any] = {}
        if hasattr(event.data, "epoch"):
            named["epoch"] = draw(st.sampled_from(epochs))
        if hasattr(event.data, "play"):
            named["play"] = draw(st.sampled_from(plays))
        if hasattr(event.data, "follows"):
            named["follows"] = [draw(st.sampled_from(plays)) for _ in event.data.follows if plays]
        if hasattr(event.data, "answers"):
            named["answers"] = _standing_ranks(cells, named["play"])
        event = replace(event, data=replace(event.data, **named))
        if event.kind in ("playback.started", "playback.advanced"):
            plays.append(event_id(event.writer, event.seq))
        if event.kind == "playback.started":
            epochs.append(plays[-1])
        fold(cells, lower(event))
        session.append(event)
    return session


_Deed: TypeAlias = tuple[str, int, Said]
"""Who, how many ms after the event before it, and what."""


@cache
def _deeds(kinds: tuple[str, ...], stream: str) -> SearchStrategy[_Deed]:
    return st.tuples(writers, st.integers(1, 4_000), said(kinds=kinds, stream=stream))


def _admitted(deeds: Sequence[_Deed], stream: str, *, aware: bool = False) -> list[Event]:
    """The deeds as events. `aware` writers have seen each other's events; others keep their own time alone."""
    last: dict[str, tuple[int, int]] = {}
    latest_t = pack(START_MS)
    history = []
    for writer, apart_ms, (kind, data) in deeds:
        seq, t = last.get(writer, (0, pack(START_MS)))
        t = max(t, latest_t if aware else 0) + pack(apart_ms)
        latest_t = max(latest_t, t)
        last[writer] = seq + 1, t
        history.append(Event(stream, writer, seq + 1, t, kind, data))
    return history


def _standing_ranks(cells: Cells, play: str) -> list[str]:
    """What a renderer that has seen everything answers."""
    value: Any = cells[f"play/{play}"].value
    toggles = [cells.get(f"play_{way}/{value['epoch']}") for way in ("on", "off")]
    return [cells[f"play_at/{play}"].rank, max([NO_STAMP, *(each.rank for each in toggles if each is not None)])]


# --- cells ---


def colliding_cells() -> SearchStrategy[Cell]:
    """Cells that often share a rank and differ in value, as only a faulty writer makes them."""
    return st.builds(Cell, st.sampled_from(["1", NO_STAMP, "00000000002aaaaaaaaaa"]), free_json(leaves=3))


def states() -> SearchStrategy[Cells]:
    """A few cells under few keys, so that two states meet in some."""
    return st.dictionaries(st.sampled_from(["k1", "k2", "k3", "k/4"]), colliding_cells(), max_size=4)
