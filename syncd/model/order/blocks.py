"""A long sequence of slots in blocks of about 512.

The plain way, one Python list, finds a slot only by looking at every slot before it. Here a slot knows its block, a
search looks inside that one block, and counting goes over whole blocks. Blocks that grow past 1,024 are split, so a
search stays bounded; the number of blocks, 200 at 100,000 slots, is what grows.
Source: merge.md section 3.1 ("blocks of about 512").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from syncd.model.canonical import Json
from syncd.model.ids import ItemId

BLOCK_SLOTS = 512
"""Slots in a fresh block: searching half of one takes about as long as counting over the blocks of 100,000 slots."""
BLOCK_SLOTS_MAX = 2 * BLOCK_SLOTS
"""A block that would grow beyond it is split, so that an insertion pays for a split once in 512."""


class ItemView(NamedTuple):
    """One entry of a list, as a listener sees it: its id, and the item as it was inserted."""

    id: ItemId
    item: dict[str, Json]


class Block:
    """A stretch of slots, and what the view of the list remembers of it (syncd.model.views.shown).

    `entries` are what shows at each slot, None where nothing does; `shown` are those that are not None. Either is None
    when the view has to look again; `unread` counts the changes made to `entries` since `shown` was read.
    """

    __slots__ = ("entries", "shown", "slots", "unread")

    def __init__(self, slots: list[ItemId]) -> None:
        self.slots = slots
        self.entries: list[ItemView | None] | None = None
        self.shown: list[ItemView] | None = None
        self.unread = 0


class Blocks:
    """Slots in order, each at most once."""

    def __init__(self, slots: Sequence[ItemId] = ()) -> None:
        self._home: dict[ItemId, Block] = {}
        self._blocks = self._cut(slots)

    def __len__(self) -> int:
        return len(self._home)

    def __contains__(self, slot: ItemId) -> bool:
        return slot in self._home

    def __iter__(self) -> Iterator[ItemId]:
        """All slots in order. Do not insert meanwhile."""
        for block in self._blocks:
            yield from block.slots

    @property
    def blocks(self) -> Sequence[Block]:
        """The blocks in order."""
        return self._blocks

    def block_of(self, slot: ItemId) -> Block:
        """The block of a slot that is here."""
        return self._home[slot]

    def at(self, index: int) -> ItemId:
        """The slot at an index from 0 to length - 1."""
        assert 0 <= index < len(self), f"index {index} is outside 0 to {len(self) - 1}"
        for block in self._blocks:
            if index < len(block.slots):
                return block.slots[index]
            index -= len(block.slots)
        raise AssertionError("blocks hold as many slots as are at home in them")

    def index(self, slot: ItemId) -> int:
        """How many slots stand before one that is here."""
        home = self._home[slot]
        index = home.slots.index(slot)
        for block in self._blocks:
            if block is home:
                break
            index += len(block.slots)
        return index

    def after(self, slot: ItemId) -> ItemId | None:
        """The slot right after one that is here; None at the end."""
        block = self._home[slot]
        i = block.slots.index(slot) + 1
        if i < len(block.slots):
            return block.slots[i]
        b = self._blocks.index(block) + 1
        return self._blocks[b].slots[0] if b < len(self._blocks) else None

    def insert_before(self, slot: ItemId, slots: Sequence[ItemId]) -> None:
        """Put new slots right before one that is here."""
        block = self._home[slot]
        self._insert(block, block.slots.index(slot), slots)

    def insert_after(self, slot: ItemId | None, slots: Sequence[ItemId]) -> None:
        """Put new slots right after one that is here; None stands for the start."""
        if slot is not None:
            block = self._home[slot]
            self._insert(block, block.slots.index(slot) + 1, slots)
        elif self._blocks:
            self._insert(self._blocks[0], 0, slots)
        else:
            self._blocks = self._cut(slots)

    def _insert(self, block: Block, i: int, slots: Sequence[ItemId]) -> None:
        block.slots[i:i] = slots
        if block.entries is not None:
            block.entries[i:i] = [None] * len(slots)
        if len(block.slots) <= BLOCK_SLOTS_MAX:
            self._home.update(dict.fromkeys(slots, block))
        else:
            b = self._blocks.index(block)
            self._blocks[b : b + 1] = self._cut(block.slots)

    def _cut(self, slots: Sequence[ItemId]) -> list[Block]:
        blocks = [Block(list(slots[i : i + BLOCK_SLOTS])) for i in range(0, len(slots), BLOCK_SLOTS)]
        for block in blocks:
            self._home.update(dict.fromkeys(block.slots, block))
        return blocks
