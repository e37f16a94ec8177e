"""Loro, a list CRDT by others, as the oracle of ours. Source: merge.md section 3.1.

With siblings ordered by writer on both sides, insertions and deletions give an equal order after every step. We order
siblings by time first (R ascending, L descending), Loro by peer (both ascending); so these runs give each insertion a
time that stands for its writer. With moves, where Loro's tree is another, multisets and winners are compared: who moved
an entry last. There time is Lamport's, counted as Loro counts it.

400 runs of each, whatever the profile; the seed is the test's parameter.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import cast

import pytest
from loro import ExportMode, LoroDoc, LoroList, LoroMovableList

from syncd.model import edits
from syncd.model.events import ListInserted, ListRemoved
from syncd.model.ids import ItemId
from syncd.testing.list_replica import ListReplica

RUNS = 400
STEPS = 40
TIME_MAX = 2**40
REMOVED_AT = 1
"""Removals only ever write false here, so their time decides nothing."""


class Twin:
    """One replica in both libraries. `lamport` is the time of its next operation."""

    def __init__(self, peer: int) -> None:
        self.peer = peer
        self.ours = ListReplica(f"{peer:010d}")
        self.doc = LoroDoc()  # type: ignore[no-untyped-call]  # its stub leaves the constructor untyped
        self.doc.peer_id = peer
        self.lamport = 0

    def sync(self, other: Twin) -> None:
        self.ours.sync(other.ours)
        self.doc.import_(other.doc.export(ExportMode.Updates(self.doc.oplog_vv)))
        self.lamport = max(self.lamport, other.lamport)

    def new_tracks(self, rng: random.Random) -> list[str]:
        return [f"{self.peer}.{self.ours.seq_next}.{k}" for k in range(rng.randint(1, 3))]


def tracks_of(loro: LoroList | LoroMovableList) -> list[str]:
    return cast(list[str], loro.get_deep_value())


# --- insert and delete: equal order after every step ---


@pytest.mark.parametrize("seed", range(RUNS))
def test_insertions_and_deletions_stand_as_in_loro(seed: int) -> None:
    rng = random.Random(seed)
    twins = [Twin(peer) for peer in range(1, rng.randint(3, 5))]
    for step in range(STEPS):
        twin = rng.choice(twins)
        length = len(twin.ours.view)
        loro = twin.doc.get_list("list")
        choice = rng.random()
        if choice < 0.5:
            index, tracks = rng.randint(0, length), twin.new_tracks(rng)
            data = insertion_at(twin, index, tracks)
            twin.ours.emit(data, t=twin.peer if data.side == "R" else TIME_MAX - twin.peer)
            for k, track in enumerate(tracks):
                loro.insert(index + k, track)
        elif choice < 0.75 and length:
            index = rng.randrange(length)
            count = rng.randint(1, min(3, length - index))
            twin.ours.emit(edits.remove(twin.ours.view, twin.ours.shown()[index : index + count]), t=REMOVED_AT)
            loro.delete(index, count)
        else:
            twin.sync(rng.choice(twins))
        twin.doc.commit()
        assert twin.ours.tracks() == tracks_of(loro), f"step {step}"
    exchange(twins)
    for twin in twins:
        assert twin.ours.tracks() == tracks_of(twin.doc.get_list("list"))


def insertion_at(twin: Twin, index: int, tracks: Sequence[str]) -> ListInserted:
    """After the neighbour on the left that shows, also at the end: so Loro takes an index, while our own "add to the
    end" is behind the last slot."""
    left = twin.ours.shown()[index - 1] if index else None
    return edits.insert_after(twin.ours.view, left, [{"track": track} for track in tracks])


def exchange(twins: Sequence[Twin]) -> None:
    for twin in twins:
        for other in twins:
            twin.sync(other)


# --- moves: equal multisets and winners ---


@pytest.mark.parametrize("seed", range(RUNS))
def test_moves_leave_one_of_each_and_the_winners_of_loro(seed: int) -> None:
    rng = random.Random(seed)
    twins = [Twin(peer) for peer in range(1, rng.randint(3, 5))]
    for _ in range(STEPS):
        twin = rng.choice(twins)
        view = twin.ours.view
        shown = view.items()
        loro = twin.doc.get_movable_list("list")
        choice = rng.random()
        if choice < 0.3 or len(shown) < 2:
            tracks = twin.new_tracks(rng)
            twin.ours.emit(insertion_at(twin, rng.randint(0, len(shown)), tracks), t=twin.lamport)
            for track in tracks:
                loro.insert(rng.randint(0, len(loro)), track)
            twin.lamport += len(tracks)
        elif choice < 0.65:
            entry = rng.choice(shown)
            twin.ours.emit(edits.move_to(view, [entry.id], rng.randrange(len(shown))), t=twin.lamport)
            from_ = tracks_of(loro).index(str(entry.item["track"]))
            to = rng.choice([index for index in range(len(loro)) if index != from_])  # a move to where it is, is none
            loro.mov(from_, to)
            twin.lamport += 1
        elif choice < 0.75:
            entry = rng.choice(shown)
            twin.ours.emit(edits.remove(view, [entry.id]), t=twin.lamport)
            loro.delete(tracks_of(loro).index(str(entry.item["track"])), 1)
            twin.lamport += 1
        else:
            twin.sync(rng.choice(twins))
        twin.doc.commit()
        assert_same_entries_and_winners(twin)
    exchange(twins)
    for twin in twins:
        assert_same_entries_and_winners(twin)


def assert_same_entries_and_winners(twin: Twin) -> None:
    """Loro lets a concurrent move bring a removed entry back and we do not; all else is there once in both."""
    loro = twin.doc.get_movable_list("list")
    movers = {track: loro.get_last_mover_at(index) for index, track in enumerate(tracks_of(loro))}
    assert len(movers) == len(loro)
    events = twin.ours.events.values()
    removed = {item for event in events if isinstance(event.data, ListRemoved) for item in event.data.ids}
    entries = {entry.item["track"]: entry.id for entry in twin.ours.view.items()}
    assert len(entries) == len(twin.ours.view)
    ours = {track: last_mover(twin, item) for track, item in entries.items()}
    assert ours == {track: mover for track, mover in movers.items() if id_of(track) not in removed}


def last_mover(twin: Twin, item: ItemId) -> int:
    at = twin.ours.cells.get(f"items/at/{item}")
    return int(item.partition(".")[0] if at is None else at.rank[11:])


def id_of(track: str) -> ItemId:
    """Tracks are named by who inserted them, in which event of theirs, and where in it."""
    peer, seq, k = track.split(".")
    return ItemId(f"{int(peer):010d}.{seq}.{k}")
