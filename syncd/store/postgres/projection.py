"""Leases, checkpoints, commits. Source: design.md section 4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from syncd.errors import FencedOut
from syncd.postgres.columns import integer_column, text_column
from syncd.postgres.database import Database
from syncd.postgres.queries import load_queries
from syncd.store.cell_columns import CellColumns
from syncd.store.port import Batch, Checkpoint, Lease, SlotsRow, WriterRow
from syncd.store.postgres.cell_texts import cell_texts

GENTLE_ROWS: Final = 60
"""Between two rests of a gentle commit: about half a millisecond."""

NO_REST: Final = 2**31 - 1

_QUERIES = load_queries("syncd.store", "projection.sql")


class PostgresProjection:
    """A `ProjectionStore`. Every method is one statement, so one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def acquire(self, partition: int, *, holder: str, ttl_s: float, free_s: float = 0.0) -> Lease | None:
        row = await self._database.row(_QUERIES["acquire"], partition, holder, ttl_s, free_s)
        return None if row is None else Lease(partition, holder, row["term"])

    async def renew(self, lease: Lease, *, ttl_s: float) -> bool:
        row = await self._database.row(_QUERIES["renew"], lease.partition, lease.holder, lease.term, ttl_s)
        return row is not None

    async def release(self, lease: Lease) -> None:
        await self._database.row(_QUERIES["release"], lease.partition, lease.holder, lease.term)

    async def checkpoint(self, partition: int) -> Checkpoint:
        row = await self._database.row(_QUERIES["checkpoint"], partition)
        return Checkpoint(partition, "", 0) if row is None else Checkpoint(partition, row["epoch"], row["offset_next"])

    async def begin_epoch(self, lease: Lease, *, epoch: str, offset_next: int) -> None:
        row = await self._database.row(_QUERIES["begin_epoch"], lease.partition, lease.term, epoch, offset_next)
        if row is None:
            raise FencedOut(f"partition {lease.partition}: term {lease.term} is over")

    async def commit(self, batch: Batch, *, gently: bool = False) -> int:
        cells = CellColumns.of(batch.cells)
        *writers, writer_offsets = _writers(batch.writers)
        row = await self._database.row(
            _QUERIES["commit"],
            batch.lease.partition,
            batch.lease.term,
            batch.epoch,
            batch.offset_old,
            batch.offset_new,
            *cell_texts(cells),
            integer_column(cells.log_offsets),
            *writers,
            *_arrays(batch.voids, 4),
            *_slots(batch.slots),
            *_arrays(batch.dead_letters, 9),
            writer_offsets,
            GENTLE_ROWS if gently else NO_REST,
        )
        assert row is not None, "the statement always returns one row"
        if not row["passed"]:
            raise FencedOut(
                f"partition {batch.lease.partition}: the checkpoint is not at offset {batch.offset_old} "
                f"of epoch {batch.epoch} under term {batch.lease.term}"
            )
        changed: int = row["changed"]
        return changed

    async def make_durable(self, partition: int) -> None:
        await self._database.row(_QUERIES["make_durable"], partition)

    async def dead_letters_waiting(self, partition: int) -> int:
        row = await self._database.row(_QUERIES["dead_letters_waiting"], partition)
        assert row is not None, "a count is always one row"
        count: int = row["waiting"]
        return count


def _writers(rows: Sequence[WriterRow]) -> tuple[str, str, str, str, str]:
    return (
        text_column([row.writer for row in rows]),
        text_column([row.stream for row in rows]),
        integer_column([row.seq for row in rows]),
        integer_column([row.t for row in rows]),
        integer_column([row.log_offset for row in rows]),
    )


def _slots(rows: Sequence[SlotsRow]) -> tuple[str, str, str]:
    return (
        text_column([row.stream for row in rows]),
        text_column([row.list_name for row in rows]),
        integer_column([row.slots for row in rows]),
    )


def _arrays(rows: Sequence[tuple[object, ...]], width: int) -> Sequence[Sequence[object]]:
    """Rows that are few, and may hold any text, as an array for each column."""
    return list(zip(*rows, strict=True)) if rows else [()] * width
