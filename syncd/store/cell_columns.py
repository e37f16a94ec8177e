"""Cells of a batch by column, as statements take them.

The plain way makes a row for each cell, encodes each value by a call of its own, and takes the rows apart again for the
columns of one statement. A fold has columns at hand, and one call encodes all values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from syncd.store.port import CellRow

LINE_BREAK = b"\n"
"""Separates values: canonical JSON escapes it."""


@dataclass(frozen=True, slots=True)
class CellColumns(Sequence[CellRow]):
    """A sequence of rows that keeps columns; a row is made when it is asked for.

    Attributes:
        values: canonical bytes, a line break after each.
    """

    streams: Sequence[str] = ()
    keys: Sequence[str] = ()
    ranks: Sequence[str] = ()
    values: bytes = b""
    log_offsets: Sequence[int] = ()

    @classmethod
    def of(cls, rows: Sequence[CellRow]) -> CellColumns:
        """The columns of rows."""
        if isinstance(rows, CellColumns):
            return rows
        return cls(
            streams=[row.stream for row in rows],
            keys=[row.key for row in rows],
            ranks=[row.rank for row in rows],
            values=b"".join(row.value + LINE_BREAK for row in rows),
            log_offsets=[row.log_offset for row in rows],
        )

    def __len__(self) -> int:
        return len(self.streams)

    def __iter__(self) -> Iterator[CellRow]:
        values = self.values.split(LINE_BREAK)[:-1]
        return map(CellRow, self.streams, self.keys, self.ranks, values, self.log_offsets)

    @overload
    def __getitem__(self, index: int) -> CellRow: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[CellRow]: ...
    def __getitem__(self, index: int | slice) -> CellRow | Sequence[CellRow]:
        return list(self)[index]
