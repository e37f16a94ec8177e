"""Faults of lists: their order, what shows, where edits land, and how all that is kept up to date."""

from __future__ import annotations

from mutant import Mutant

_SCENARIOS = ("scenarios/test_lists.py",)
_LAWS = ("property/test_list_laws.py",)
_ALONE = ("property/test_one_replica.py",)

MUTANTS = [
    # --- what a list is ---
    Mutant(
        name="siblings on the left side ascend",
        file="order/tree.py",
        old='pieces += reversed(run.children.get((k, "L"), ()))',
        new='pieces += run.children.get((k, "L"), ())',
        why="of two who press play next, the earlier comes first",
        tests=_SCENARIOS,
    ),
    Mutant(
        name="siblings on the right side descend",
        file="order/tree.py",
        old='pieces += run.children.get((k, "R"), ())',
        new='pieces += reversed(run.children.get((k, "R"), ()))',
        why="of two who add to the end, the later comes first",
        tests=_SCENARIOS,
    ),
    Mutant(
        name="siblings are sorted by writer alone",
        file="order/tree.py",
        old='self.key: SortKey = (fields["t"], writer, int(seq))',
        new="self.key: SortKey = (0, writer, int(seq))",
        why="whose device was linked first decides who stands first",
        tests=_SCENARIOS,
    ),
    Mutant(
        name="an entry moved to a slot that is missing vanishes",
        file="views/lists.py",
        old="index_of.get(at.get(entry.id, entry.id), index_of.get(entry.id))",
        new="index_of.get(at.get(entry.id, entry.id))",
        why="a track disappears until the one it was moved behind has arrived",
        tests=_SCENARIOS,
    ),
    Mutant(
        name="a move brings a removed entry back",
        file="lowering/lists.py",
        old="            writes[key] = cell\n",
        new='            writes[key] = cell\n            writes[f"{data.list}/on/{item}"] = Cell(rank, True)\n',
        why="what one removed comes back because another was tidying up",
        tests=_SCENARIOS,
    ),
    Mutant(
        name="the undo of a move puts the entry where it was first inserted",
        file="lowering/lists.py",
        old="Cell(rank, data.slot)",
        new="Cell(rank, data.item)",
        why="undo does not bring back what was there",
        tests=_SCENARIOS,
    ),
    # --- what shows ---
    Mutant(
        name="a restoration does not undo a clear",
        file="views/visibility.py",
        old="return on is not None and stamp_t(on.rank) > clear.t",
        new="return False",
        why="a queue cleared by accident is lost",
        tests=_SCENARIOS,
    ),
    Mutant(
        name="any restoration, however old, undoes a clear",
        file="views/visibility.py",
        old="return on is not None and stamp_t(on.rank) > clear.t",
        new="return on is not None",
        why="entries that were once restored can never be cleared again",
        tests=_SCENARIOS,
    ),
    Mutant(
        name="a clear hides by time instead of by what it has seen",
        file="lowering/lists.py",
        old="Cell(digits(seq) + rank, t)",
        new="Cell(digits(t) + rank, t)",
        why="what is added after a clear never shows",
        tests=_SCENARIOS,
    ),
    Mutant(
        name="what a clear has seen depends on the order of cells",
        file="views/lists.py",
        old="largest[writer] = max(int(seq), largest.get(writer, 0))",
        new="largest[writer] = int(seq)",
        why="a clear leaves some entries that the listener saw",
        tests=_SCENARIOS,
    ),
    # --- where edits land ---
    Mutant(
        name="edits are anchored on entries instead of slots",
        file="views/live_list.py",
        old='            raise NotFound(f"{item} is not in {self.name}")\n        return slot\n',
        new='            raise NotFound(f"{item} is not in {self.name}")\n        return item\n',
        why="what is put behind a moved track lands where that track once was",
        tests=_SCENARIOS,
    ),
    Mutant(
        name="tombstones do not count when adding to the end",
        file="views/live_list.py",
        old="        return self._order.place_at_end()\n",
        new="        last = self.items()[-1:]\n        return self.place(self.slot_of(last[0].id) if last else None)\n",
        why="an undone removal comes back behind what was added since",
        tests=_SCENARIOS,
    ),
    Mutant(
        name="an insertion always hangs on the right of its left neighbour",
        file="order/place.py",
        old="        if self._tree.is_open_end(left):\n",
        new="        if True:\n",
        why="what is put into the middle of an album lands elsewhere as soon as anybody else does the same",
        tests=_SCENARIOS,
    ),
    Mutant(
        name="an index counts the entries that are being moved away",
        file="edits.py",
        old="        if gap <= left:\n",
        new="        if False:\n",
        why="a track dragged downwards lands too high",
        tests=_ALONE,
    ),
    # --- how it is kept up to date ---
    Mutant(
        name="a late run is put next to its parent, whoever stands there",
        file="order/place.py",
        old='insert_after(run.parent if lower is None else edge_slot(lower, "R"), slots)',
        new="insert_after(run.parent, slots)",
        why="a device that was online shows another order than one that has just connected",
        tests=_LAWS,
    ),
    Mutant(
        name="the edge of a subtree is sought along its first children",
        file="order/tree.py",
        old="        run = outer[-1]\n",
        new="        run = outer[0]\n",
        why="a device that was online shows another order than one that has just connected",
        tests=_LAWS,
    ),
    Mutant(
        name="a run that is admitted twice keeps its place whatever its time",
        file="order/tree.py",
        old="            return False\n        known.key = run.key\n",
        new="            pass\n        known.key = run.key\n",
        why="a device that was online shows another order than one that has just connected",
        tests=_LAWS,
    ),
    Mutant(
        name="an entry does not go to its place when that arrives after the move",
        file="views/live_list.py",
        old="                    touched.update(dict.fromkeys(self._drawn.get(slot, ())))\n",
        new="",
        why="a moved track stays where it was on devices that heard of the move too early",
        tests=_LAWS,
    ),
    Mutant(
        name="what a block remembers does not shift when slots come in",
        file="order/blocks.py",
        old="            block.entries[i:i] = [None] * len(slots)\n",
        new="            pass\n",
        why="entries show in the places of their neighbours until the device is restarted",
        tests=_LAWS,
    ),
    Mutant(
        name="two entries in one slot show as one",
        file="views/shown.py",
        old="            if self._crowds:\n",
        new="            if False:\n",
        why="a faulty client makes an entry vanish on devices that were online",
        tests=_LAWS,
    ),
]
