"""Which entries of a list show: the rule that every view of a list applies.

An entry shows if it was inserted, and is not removed, and is not cleared or was restored after the clear, and is not
consumed. Where it shows is the order's matter (syncd.model.order). Source: merge.md section 3.1.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import NamedTuple, cast

from syncd.model.cells import Cell
from syncd.model.ids import ItemId, WriterId
from syncd.model.stamp import from_digits, stamp_t

SEQ_DIGITS = 11
"""`N(seq)` at the front of the rank of a `cleared` cell."""


class Clear(NamedTuple):
    """What the winning clear hides of one writer: entries born at or before `seq`, unless restored later than `t`."""

    seq: int
    t: int


class Visibility:
    """The `on` and `cleared` cells of one list, and what the queue has consumed."""

    def __init__(self, consumed: AbstractSet[ItemId] = frozenset()) -> None:
        self.consumed = consumed
        self._on: dict[ItemId, Cell] = {}
        self._clears: dict[WriterId, Clear] = {}

    def set_on(self, item: ItemId, cell: Cell | None) -> None:
        """Take in `<list>/on/<item>`; None when there is no such cell any more."""
        if cell is None:
            self._on.pop(item, None)
        else:
            self._on[item] = cell

    def set_cleared(self, writer: WriterId, cell: Cell | None) -> None:
        """Take in `<list>/cleared/<writer>`; None when there is no such cell any more."""
        if cell is None:
            self._clears.pop(writer, None)
        else:
            self._clears[writer] = Clear(from_digits(cell.rank[:SEQ_DIGITS]), cast(int, cell.value))

    def shows(self, item: ItemId) -> bool:
        """Whether an inserted entry shows."""
        if item in self.consumed:
            return False
        on = self._on.get(item)
        if on is not None and not on.value:
            return False
        if not self._clears:
            return True
        writer, seq, _ = item.split(".")
        clear = self._clears.get(WriterId(writer))
        if clear is None or int(seq) > clear.seq:
            return True
        return on is not None and stamp_t(on.rank) > clear.t
