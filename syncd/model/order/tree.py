"""The tree that orders a list, and the walk that reads it.

One event puts a *run* of slots into a list and names the slot it hangs on: side L stands before that slot, side R
after it. Siblings on one side are sorted by (t, writer, seq): R ascending, L descending. Slots never move and never go
away, so two replicas with the same runs read the same order, whatever came first.

A run whose parent is missing is invisible, with all that hangs on it; so are a run under null with side L and a run on
a slot that its parent does not have. Runs that hang on each other in a circle, which only a faulty writer could make,
are never reached from the root, so every walk ends. Nothing here recurses: chains of 10,000 happen.

Source: merge.md section 3.1; Weidner and Kleppmann, "The Art of the Fugue", arXiv 2305.00583.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import NotRequired, TypedDict, cast

from syncd.model.canonical import Json
from syncd.model.events import Side
from syncd.model.ids import EventId, ItemId

SortKey = tuple[int, str, int]
"""(t, writer, seq): what sorts siblings. No two runs share one."""


class RunFields(TypedDict):
    """The value of a cell `<list>/run/<id>`: an insertion brings `items`, a move a `count` of slots."""

    parent: ItemId | None
    side: Side
    t: int
    writer: str
    items: NotRequired[list[dict[str, Json]]]
    count: NotRequired[int]


class Run:
    """The slots of one event, and where they hang.

    `parent` is the slot it hangs on, None for the root. `children` are the runs that hang on each of its own slots, by
    (index of the slot, side), ascending.
    """

    __slots__ = ("children", "id", "key", "parent", "side", "slots")

    def __init__(self, run_id: EventId, fields: RunFields) -> None:
        self.id = run_id
        writer, _, seq = run_id.partition(".")
        self.key: SortKey = (fields["t"], writer, int(seq))
        self.parent = fields["parent"]
        self.side = fields["side"]
        count = fields["count"] if "count" in fields else len(fields["items"])
        self.slots = cast(list[ItemId], [f"{run_id}.{k}" for k in range(count)])
        self.children: dict[tuple[int, Side], list[Run]] = {}

    def hangs_like(self, other: Run) -> bool:
        """Whether both stand on the same side of the same slot and are equally long: all but the time is the same."""
        return self.parent == other.parent and self.side == other.side and len(self.slots) == len(other.slots)


def run_of(run_id: EventId, value: Json) -> Run:
    """The run that the value of a cell `<list>/run/<id>` describes."""
    return Run(run_id, cast(RunFields, value))


def split_slot(slot: ItemId) -> tuple[EventId, int]:
    """The run of a slot, and the slot's index in it."""
    run_id, _, k = slot.rpartition(".")
    return EventId(run_id), int(k)


class Tree:
    """Runs, each hung on its parent as soon as that is known."""

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self.runs: dict[EventId, Run] = {}
        self._root: dict[Side, list[Run]] = {"L": [], "R": []}
        self._orphans: dict[EventId, list[Run]] = {}
        for run in runs:
            run.children = {}
            self.add(run)

    def add(self, run: Run) -> None:
        """Hang a run whose id is new, and on it the runs that waited for it."""
        self.runs[run.id] = run
        siblings = self._siblings(run)
        if siblings is None:
            assert run.parent is not None, "the root is never missing"
            self._orphans.setdefault(split_slot(run.parent)[0], []).append(run)
        else:
            siblings.insert(_rank(siblings, run), run)
        for orphan in self._orphans.pop(run.id, ()):
            siblings = self._siblings(orphan)
            assert siblings is not None, "its parent has just come"
            siblings.insert(_rank(siblings, orphan), orphan)

    def restamp(self, run: Run) -> bool:
        """Give a known run the time of this one, as when an event was admitted twice.

        Returns:
            Whether the order stays as it is. If not, nothing was done.
        """
        known = self.runs[run.id]
        siblings = self._siblings(known) or [known]
        i = _rank(siblings, known)
        if (i > 0 and siblings[i - 1].key > run.key) or (i + 1 < len(siblings) and siblings[i + 1].key < run.key):
            return False
        known.key = run.key
        return True

    def lower_sibling(self, run: Run) -> Run | None:
        """The sibling just below: it is shown before the run on side R, after it on side L."""
        siblings = self._siblings(run) or [run]
        i = _rank(siblings, run)
        return siblings[i - 1] if i > 0 else None

    def is_open_end(self, slot: ItemId) -> bool:
        """Whether a run may hang on the right side of a slot: it ends its own run, and nothing hangs there yet."""
        run_id, k = split_slot(slot)
        run = self.runs[run_id]
        return k == len(run.slots) - 1 and not run.children.get((k, "R"))

    def order(self) -> list[ItemId]:
        """All visible slots in order. Linear in slots and runs."""
        return walk(self._root["R"])

    def _siblings(self, run: Run) -> list[Run] | None:
        """The runs on the same side of the same slot, ascending; None while the parent is missing."""
        if run.parent is None:
            return self._root[run.side]
        parent_id, k = split_slot(run.parent)
        parent = self.runs.get(parent_id)
        return None if parent is None else parent.children.setdefault((k, run.side), [])


def walk(runs: Iterable[Run]) -> list[ItemId]:
    """The slots of some runs and of all that hangs on them, in order."""
    slots: list[ItemId] = []
    ahead: list[Run | list[ItemId]] = list(runs)
    ahead.reverse()
    while ahead:
        piece = ahead.pop()
        if isinstance(piece, list):
            slots += piece
        elif not piece.children:
            slots += piece.slots
        else:
            ahead += reversed(_pieces(piece))
    return slots


def edge_slot(run: Run, side: Side) -> ItemId:
    """The outermost slot, on one side, of all that hangs on a run. Goes along that side's chain."""
    while True:
        k = 0 if side == "L" else len(run.slots) - 1
        outer = run.children.get((k, side))
        if not outer:
            return run.slots[k]
        run = outer[-1]


def _pieces(run: Run) -> list[Run | list[ItemId]]:
    """A run cut at the slots that have children, those children in between, all as they are shown."""
    pieces: list[Run | list[ItemId]] = []
    done = 0
    for k in sorted({k for k, _ in run.children if k < len(run.slots)}):
        pieces.append(run.slots[done:k])
        pieces += reversed(run.children.get((k, "L"), ()))
        pieces.append([run.slots[k]])
        pieces += run.children.get((k, "R"), ())
        done = k + 1
    pieces.append(run.slots[done:])
    return pieces


def _sort_key(run: Run) -> SortKey:
    return run.key


def _rank(siblings: list[Run], run: Run) -> int:
    return bisect_left(siblings, run.key, key=_sort_key)
