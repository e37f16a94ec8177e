"""Cells with their checkpoint, owners, list sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat

import asyncpg

from syncd.postgres.database import Database
from syncd.postgres.queries import load_queries
from syncd.store.port import NOBODY, CellRow, Checkpoint, Counts, StreamInfo, StreamState

_QUERIES = load_queries("syncd.store", "reading.sql")


class PostgresReader:
    """A `StateReader`, but for `checkpoint`, which it shares with the projection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def cells(self, stream: str, partition: int, *, from_offset: int = 0) -> StreamState:
        if from_offset <= 0:
            row = await self._database.row(_QUERIES["cells"], stream, partition)
        else:
            row = await self._database.row(_QUERIES["cells_since"], stream, partition, from_offset)
        return _state(stream, partition, row)

    async def cells_under(self, stream: str, partition: int, *, prefixes: Sequence[str]) -> StreamState:
        return _state(stream, partition, await self._database.row(_QUERIES["cells_under"], stream, partition, prefixes))

    async def counts(self, streams: Sequence[str], partition: int) -> Counts:
        row = await self._database.row(_QUERIES["counts"], streams, partition)
        assert row is not None, "the statement always returns one row"
        epoch, offset_next, *columns = row
        (w_streams, writers, seqs, ts, v_streams, v_writers, v_seqs, l_streams, lists, slots) = (
            column or () for column in columns
        )
        return Counts(
            Checkpoint(partition, epoch or "", offset_next or 0),
            dict(zip(zip(w_streams, writers, strict=True), zip(seqs, ts, strict=True), strict=True)),
            frozenset(zip(v_streams, v_writers, v_seqs, strict=True)),
            dict(zip(zip(l_streams, lists, strict=True), slots, strict=True)),
        )

    async def streams(self, streams: Sequence[str]) -> Mapping[str, StreamInfo]:
        rows = await self._database.rows(_QUERIES["streams"], streams)
        known = {row["stream"]: StreamInfo(row["owner"], row["generation"]) for row in rows}
        return {stream: known.get(stream, StreamInfo(None, 0)) for stream in streams}

    async def erased_streams(self) -> frozenset[str]:
        return frozenset(row["stream"] for row in await self._database.rows(_QUERIES["erased_streams"], NOBODY))

    async def streams_with_cells(self, *, after: str, limit: int) -> Sequence[str]:
        return [row["stream"] for row in await self._database.rows(_QUERIES["streams_with_cells"], after, limit)]

    async def slots(self, streams: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        found: dict[str, dict[str, int]] = {stream: {} for stream in streams}
        for stream, list_name, slots in await self._database.rows(_QUERIES["slots"], streams):
            found[stream][list_name] = slots
        return found


def _state(stream: str, partition: int, row: asyncpg.Record | None) -> StreamState:
    """The state in the one row that each of the statements returns."""
    assert row is not None, "the statement always returns one row"
    epoch, offset_next, generation, *columns = row
    cells = [CellRow(*cell) for cell in zip(repeat(stream), *(column or () for column in columns), strict=False)]
    cells.sort(key=lambda cell: cell.key)  # next to nothing where the statement sorted already
    return StreamState(Checkpoint(partition, epoch or "", offset_next or 0), generation, cells)
