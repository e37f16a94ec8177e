"""The order of one list, kept up to date run by run, and where the next run has to hang.

The plain way reads the whole tree again at every change, so that 2,000 "play next" in a row, or 10,000 tracks added
one by one, cost the square of that. A new run needs no such walk: it stands next to its lower sibling, or next to its
parent when it has none, and what already hangs on it stands with it. What changes more than that (a run that is gone, a
time that reorders siblings) is rare and reads the tree again, and so does a batch that is large beside the list.

Law 8: after any sequence of changes, in any order, this equals a full walk. Source: merge.md section 3.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from syncd.errors import NotFound
from syncd.model.events import Side
from syncd.model.ids import EventId, ItemId
from syncd.model.order.blocks import Blocks
from syncd.model.order.tree import Run, Tree, edge_slot, walk

REBUILD_SHARE = 8
"""A batch of more than one new run for this many known ones reads the tree again: a walk takes about an eighth of the
time of putting its runs in one by one, and a list that is loaded in batches stays linear."""


class Place(NamedTuple):
    """Where a new run hangs: on one side of a slot, or (None, "R") in a list that never had one."""

    parent: ItemId | None
    side: Side


class ListOrder:
    """All visible slots of one list, those of removed items included."""

    def __init__(self) -> None:
        self._tree = Tree()
        self._slots = Blocks()

    @property
    def slots(self) -> Blocks:
        """The slots in order. Read them; only `apply` inserts."""
        return self._slots

    @property
    def run_ids(self) -> Iterable[EventId]:
        """All runs that were taken in, visible or not."""
        return self._tree.runs.keys()

    def apply(self, runs: Mapping[EventId, Run | None]) -> list[ItemId] | None:
        """Take in runs that are new or changed; None stands for one that is gone, as after a refused event.

        Returns:
            The slots that became visible, or None when the tree was read again, and any slot may have come or gone.
        """
        known = self._tree.runs
        new = [run for run_id, run in runs.items() if run is not None and run_id not in known]
        changed = [(known[run_id], run) for run_id, run in runs.items() if run_id in known]
        if not all(run is not None and run.hangs_like(old) and self._tree.restamp(run) for old, run in changed):
            self._tree = Tree(run for run in {**known, **runs}.values() if run is not None)
        elif len(new) * REBUILD_SHARE <= len(known):
            return [slot for run in new for slot in self._enter(run)]
        else:
            for run in new:
                self._tree.add(run)
        self._slots = Blocks(self._tree.order())
        return None

    def place(self, left: ItemId | None) -> Place:
        """Where to hang a run so that it stands right after a slot; None stands for the start of the list.

        Tombstones count: the neighbour on the right is a slot, whether or not its item is still there.

        Raises:
            NotFound: the slot is not visible.
        """
        if left is None:
            return Place(self._slots.at(0), "L") if len(self._slots) else Place(None, "R")
        if left not in self._slots:
            raise NotFound(f"slot {left} is not in this list")
        if self._tree.is_open_end(left):
            return Place(left, "R")
        right = self._slots.after(left)
        assert right is not None, "what hangs on the right side of a slot, or ends its run, stands after it"
        return Place(right, "L")

    def place_at_end(self) -> Place:
        """Where to hang a run that is added to the end: after the last slot, dead or not."""
        return self.place(self._slots.at(len(self._slots) - 1) if len(self._slots) else None)

    def _enter(self, run: Run) -> list[ItemId]:
        """Hang a new run, and put it and all that waited for it among the slots if its parent is visible."""
        self._tree.add(run)
        if run.side != "R" if run.parent is None else run.parent not in self._slots:
            return []
        slots = walk([run])
        lower = self._tree.lower_sibling(run)
        if run.side == "R":
            self._slots.insert_after(run.parent if lower is None else edge_slot(lower, "R"), slots)
        else:
            assert run.parent is not None, "a run under null has side R"
            self._slots.insert_before(run.parent if lower is None else edge_slot(lower, "L"), slots)
        return slots
