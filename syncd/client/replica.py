"""One stream as a device has it: confirmed cells, and over them what its own pending events write.

What shows is the join of both, kept materialized, so that reading costs nothing and a change costs only the keys it
touches. Law 5: after any sequence of changes, `shown` equals the fold of confirmed and pending cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import TypeAlias

from syncd.client.own_event import OwnEvent
from syncd.model.cells import Cell, Cells, digest, fold, join

ChangedCells: TypeAlias = dict[str, Cell | None]
"""Key -> the cell as it shows now; None when it shows no more."""


class Replica:
    """See the module's first lines.

    Attributes:
        cursor: where the confirmed cells end; None when there are none, or when they are not to be relied on.
        last_seq: the highest seq this store minted on the stream.
    """

    def __init__(
        self, stream: str, *, confirmed: Cells | None = None, cursor: str | None = None, last_seq: int = 0
    ) -> None:
        self.stream = stream
        self.confirmed: Cells = {} if confirmed is None else confirmed
        self.cursor = cursor
        self.last_seq = last_seq
        self.shown = Shown(self.confirmed)
        self._written: dict[str, dict[int, Cell]] = {}
        """Key -> what each pending event (by `n`) writes there."""

    def confirm(self, cells: Cells) -> ChangedCells:
        """Join cells that the server sent, or an own event as it was admitted."""
        return self._show(fold(self.confirmed, cells))

    def replace(self, cells: Cells) -> ChangedCells:
        """Take a snapshot instead of what was confirmed. Pending events stay."""
        touched = self.confirmed.keys() | cells.keys()
        self.confirmed = cells
        return self._show(touched)

    def add(self, event: OwnEvent) -> ChangedCells:
        """Show what a pending event writes."""
        for key, cell in event.cells.items():
            self._written.setdefault(key, {})[event.n] = cell
        return self._show(event.cells)

    def drop(self, n: int, cells: Cells) -> ChangedCells:
        """Show no more what a pending event wrote: it was refused, or is confirmed by now."""
        for key in cells:
            writes = self._written[key]
            del writes[n]
            if not writes:
                del self._written[key]
        return self._show(cells)

    def digest(self) -> str:
        """Of the confirmed cells; equal to the server's when both stand at the same cursor."""
        return digest(self.confirmed)

    def _show(self, keys: Iterable[str]) -> ChangedCells:
        changed: ChangedCells = {}
        for key in keys:
            cell = self.confirmed.get(key)
            for write in self._written.get(key, {}).values():
                cell = write if cell is None else join(cell, write)
            if self.shown.put(key, cell):
                changed[key] = cell
        return changed


class Shown(Mapping[str, Cell]):
    """What shows, by key; kept by the keys' first word, so that a view of one thing does not pass over all others."""

    def __init__(self, cells: Cells) -> None:
        self._families: dict[str, Cells] = {}
        for key, cell in cells.items():
            self._family(key)[key] = cell

    def of(self, *families: str) -> Mapping[str, Cell]:
        """The cells of some families ("play", "mode", ...), as one mapping. Do not keep it."""
        if len(families) == 1:
            return self._families.get(families[0], {})
        together: Cells = {}
        for family in families:
            together.update(self._families.get(family, {}))
        return together

    def put(self, key: str, cell: Cell | None) -> bool:
        """Show a cell, or none; False when it showed already."""
        family = self._family(key)
        if cell is None:
            return family.pop(key, None) is not None
        if family.get(key) == cell:
            return False
        family[key] = cell
        return True

    def __getitem__(self, key: str) -> Cell:
        return self._families.get(key.partition("/")[0], {})[key]

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._families.values())

    def __len__(self) -> int:
        return sum(map(len, self._families.values()))

    def _family(self, key: str) -> Cells:
        return self._families.setdefault(key.partition("/")[0], {})
