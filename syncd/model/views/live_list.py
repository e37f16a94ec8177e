"""A list that stays up to date while cells change.

The plain way, `list_view` after every change, looks at every entry each time. Here a change touches only what it names:
the slots of a new run enter a block of the order, an entry changes its seat, and the blocks concerned forget what they
showed. A clear looks at every entry, and so does the rare change that reorders what was there.

Law 8: after every change, in any order of cells, this equals `list_view`. Source: merge.md section 3.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import cast

from syncd.errors import NotFound
from syncd.model.cells import Cell
from syncd.model.events import ListName
from syncd.model.ids import EventId, ItemId, WriterId, item_id
from syncd.model.order.blocks import ItemView
from syncd.model.order.place import ListOrder, Place
from syncd.model.order.tree import Run, run_of
from syncd.model.views.lists import inserted_items, seen_in
from syncd.model.views.shown import Shown
from syncd.model.views.visibility import Visibility


class ListView:
    """One list of one stream: what shows, where each entry sits, and where a new one would have to hang."""

    def __init__(self, name: ListName, cells: Mapping[str, Cell] | None = None) -> None:
        """An empty list, or the list that these cells of a stream hold."""
        self.name = name
        self._order = ListOrder()
        self._visibility = Visibility()
        self._entries: dict[ItemId, ItemView] = {}
        self._at: dict[ItemId, ItemId] = {}
        self._drawn: dict[ItemId, set[ItemId]] = {}
        """Slot -> the entries whose `at` names it, whether or not it is in the order yet."""
        self._seat: dict[ItemId, ItemId] = {}
        """Entry -> the slot it sits at, shown or not; none while its run waits for a parent."""
        self._shown = Shown(self._order)
        if cells:
            self.apply(cells)

    # --- what changes it ---

    def apply(self, changed: Mapping[str, Cell | None]) -> bool:
        """Take in cells as they stand after the join; None stands for a cell that is gone, as after a refused event.

        Returns:
            Whether any of them belongs to this list.
        """
        runs: dict[EventId, Run | None] = {}
        touched: dict[ItemId, None] = {}
        mine = everyone = False
        for key, cell in changed.items():
            of_list, _, rest = key.partition("/")
            if of_list != self.name:
                continue
            mine = True
            part, _, name = rest.partition("/")
            if part == "run":
                runs[EventId(name)] = self._take_run(EventId(name), cell, touched)
            elif part == "at":
                self._draw(ItemId(name), None if cell is None else cast(ItemId, cell.value))
                touched[ItemId(name)] = None
            elif part == "on":
                self._visibility.set_on(ItemId(name), cell)
                touched[ItemId(name)] = None
            elif part == "cleared":
                self._visibility.set_cleared(WriterId(name), cell)
                everyone = True
        if runs:
            entered = self._order.apply(runs)
            if entered is None:
                everyone = True
            else:
                for slot in entered:
                    touched[slot] = None
                    touched.update(dict.fromkeys(self._drawn.get(slot, ())))
        if everyone:
            self._seat_everyone()
        else:
            self._seat_again(touched)
        return mine

    def consume(self, consumed: AbstractSet[ItemId]) -> None:
        """Of the queue: the entries that were played (syncd.model.views.playback). Replaces the set given before."""
        difference = consumed ^ self._visibility.consumed
        self._visibility.consumed = consumed
        self._seat_again(difference)

    # --- what shows ---

    def __len__(self) -> int:
        """How many entries show."""
        return sum(len(self._shown.in_block(block)) for block in self._order.slots.blocks)

    def items(self) -> list[ItemView]:
        """The entries that show, in order."""
        entries: list[ItemView] = []
        for block in self._order.slots.blocks:
            entries += self._shown.in_block(block)
        return entries

    def slice(self, start: int, stop: int) -> list[ItemView]:
        """The entries from `start` up to but not including `stop`; those beyond the end are left out."""
        entries: list[ItemView] = []
        before = 0
        for block in self._order.slots.blocks:
            shown = self._shown.in_block(block)
            if before + len(shown) > start:
                entries += shown[max(start - before, 0) : max(stop - before, 0)]
            before += len(shown)
            if before >= stop:
                break
        return entries

    def shows(self, item: ItemId) -> bool:
        """Whether this entry shows."""
        return item in self._seat and self._visibility.shows(item)

    def index_of(self, item: ItemId) -> int:
        """How many entries show before this one.

        Raises:
            NotFound: it does not show.
        """
        if not self.shows(item):
            raise NotFound(f"{item} does not show in {self.name}")
        home = self._order.slots.block_of(self._seat[item])
        before = 0
        for block in self._order.slots.blocks:
            if block is home:
                break
            before += len(self._shown.in_block(block))
        return before + [entry.id for entry in self._shown.in_block(home)].index(item)

    # --- what an edit needs ---

    def slot_of(self, item: ItemId) -> ItemId:
        """The slot where an entry sits, also if it does not show.

        Raises:
            NotFound: the list never had it, as far as is known here.
        """
        slot = self._seat.get(item)
        if slot is None:
            raise NotFound(f"{item} is not in {self.name}")
        return slot

    def place(self, left: ItemId | None) -> Place:
        """Where to insert so that it stands right after a slot; None stands for the start. See `ListOrder.place`."""
        return self._order.place(left)

    def place_at_end(self) -> Place:
        """Where to insert so that it stands at the end."""
        return self._order.place_at_end()

    def seen(self) -> dict[str, int]:
        """Per writer, the largest seq of this list's runs, as `list.cleared` wants it. Linear in runs."""
        return seen_in(self._order.run_ids)

    # --- inside ---

    def _take_run(self, run_id: EventId, cell: Cell | None, touched: dict[ItemId, None]) -> Run | None:
        """Take in a run's items. Those it had before go first: a run may be gone, or a faulty writer's two differ."""
        k = 0
        while self._entries.pop(item_id(run_id, k), None) is not None:
            touched[item_id(run_id, k)] = None
            k += 1
        if cell is None:
            return None
        for entry in inserted_items(run_id, cell):
            self._entries[entry.id] = entry
            touched[entry.id] = None
        return run_of(run_id, cell.value)

    def _draw(self, item: ItemId, slot: ItemId | None) -> None:
        """Note which slot an entry's `at` register names; None when it has none."""
        old = self._at.pop(item, None)
        if old is not None:
            self._drawn[old].discard(item)
            if not self._drawn[old]:
                del self._drawn[old]
        if slot is not None:
            self._at[item] = slot
            self._drawn.setdefault(slot, set()).add(item)

    def _seat_everyone(self) -> None:
        self._seat.clear()
        self._shown.clear()
        self._seat_again(self._entries)

    def _seat_again(self, items: Iterable[ItemId]) -> None:
        """Put entries where they belong now. Ids that are no entry (yet, or any more) only leave their seat."""
        slots = self._order.slots
        for item in items:
            left = self._seat.pop(item, None)
            if left is not None:
                self._shown.discard(left, item)
            entry = self._entries.get(item)
            if entry is None:
                continue
            slot = self._at.get(item, item)
            if slot not in slots:
                slot = item
                if slot not in slots:
                    continue
            self._seat[item] = slot
            if self._visibility.shows(item):
                self._shown.add(slot, entry)
