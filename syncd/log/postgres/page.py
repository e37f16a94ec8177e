"""Many records as one row of an answer: a text for each column, taken apart here.

The plain way, a row for each record, costs twice as much on this side: Postgres sends rows 8 KiB at a time, and the
process wakes up for each of those pieces; and the driver makes a row of nine objects that live for a moment only.
"""

from __future__ import annotations

from itertools import repeat
from struct import Struct
from typing import TYPE_CHECKING

from syncd.log.record import LoggedRecord
from syncd.postgres.columns import integers_of, texts_of

if TYPE_CHECKING:
    import asyncpg


def records_of_page(partition: int, row: asyncpg.Record) -> list[LoggedRecord]:
    """The records of a `read_page`, whose columns are these."""
    offset, stream, writer, seq, kind, version, lengths, body, trace = row
    if offset is None:
        return []
    offsets = integers_of(offset)
    columns = (
        offsets, texts_of(stream), texts_of(writer), integers_of(seq), texts_of(kind), integers_of(version),
        _cut(body, lengths), texts_of(trace),
    )  # fmt: skip
    assert all(len(column) == len(offsets) for column in columns), "an append refuses what its columns would confuse"
    return list(map(LoggedRecord, repeat(partition), *columns))


def _cut(joined: bytes, lengths: str) -> tuple[bytes, ...]:
    """Bodies may hold any byte, so none can separate them. `lengths`: as Postgres writes an array, "{3,5}"."""
    return Struct(f"{lengths[1:-1].replace(',', 's')}s").unpack(joined)
