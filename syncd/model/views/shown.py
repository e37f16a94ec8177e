"""The entries of a list that show, slot by slot, and in order block by block.

Reading joins what the blocks of the order remember. A change forgets one block's answer and, as long as changes are
few, mends what that is made of, so that the next reading costs a few microseconds; after many changes, as when 500
tracks come at once, the block is looked up anew.
"""

from __future__ import annotations

from bisect import insort

from syncd.model.ids import ItemId
from syncd.model.order.blocks import Block, ItemView
from syncd.model.order.place import ListOrder

UNREAD_MAX = 8
"""Changes to mend in a block that nobody reads: each costs about an eighth of looking up the whole block."""


class Shown:
    """What shows at each visible slot: nearly always one entry or none, more only by a faulty writer."""

    def __init__(self, order: ListOrder) -> None:
        self._order = order
        self._first: dict[ItemId, ItemView] = {}
        self._crowds: dict[ItemId, list[ItemView]] = {}
        """Slot -> its entries, by id, where there are two or more."""

    def clear(self) -> None:
        """Show nothing."""
        self._first.clear()
        self._crowds.clear()
        for block in self._order.slots.blocks:
            block.entries = block.shown = None

    def add(self, slot: ItemId, entry: ItemView) -> None:
        """Show an entry that does not show yet, at a slot that is in the order."""
        there = self._first.get(slot)
        if there is None:
            self._set(slot, entry)
        else:
            crowd = self._crowds.setdefault(slot, [there])
            insort(crowd, entry)  # ids differ, so items are never compared
            self._set(slot, crowd[0])

    def discard(self, slot: ItemId, item: ItemId) -> None:
        """Show an entry no more, if it showed at this slot."""
        crowd = self._crowds.pop(slot, None)
        if crowd is not None:
            others = [entry for entry in crowd if entry.id != item]
            if len(others) > 1:
                self._crowds[slot] = others
            self._set(slot, others[0])
        elif slot in self._first and self._first[slot].id == item:
            self._set(slot, None)

    def in_block(self, block: Block) -> list[ItemView]:
        """The entries that show in one block, in order. Read them only."""
        if block.shown is None:
            if block.entries is None:
                block.entries = [*map(self._first.get, block.slots)]
            block.unread = 0
            block.shown = [*filter(None, block.entries)]
            if self._crowds:
                crowds = (self._crowds.get(slot) for slot in block.slots if slot in self._first)
                pairs = zip(block.shown, crowds, strict=True)
                block.shown = [entry for first, crowd in pairs for entry in crowd or (first,)]
        return block.shown

    def _set(self, slot: ItemId, entry: ItemView | None) -> None:
        """Make an entry the first at a slot, or the slot empty."""
        if entry is None:
            del self._first[slot]
        else:
            self._first[slot] = entry
        block = self._order.slots.block_of(slot)
        block.shown = None
        block.unread += 1
        if block.unread > UNREAD_MAX:
            block.entries = None
        elif block.entries is not None:
            block.entries[block.slots.index(slot)] = entry
