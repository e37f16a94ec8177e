"""A second generation of cells in Postgres. See docs/decisions/0013-rebuild.md."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from syncd.errors import Conflict
from syncd.postgres.database import Database
from syncd.postgres.queries import load_queries
from syncd.store.cell_columns import CellColumns
from syncd.store.port import CellRow, Checkpoint
from syncd.store.postgres.cell_texts import cell_texts
from syncd.store.rebuild_port import EVERYTHING, FORGOTTEN, KEYS_TOLD_MAX, Rebuilding, Run, StreamDifference, Swap

if TYPE_CHECKING:
    from syncd.postgres.database import Connection

_QUERIES = load_queries("syncd.store", "rebuild.sql")
_RIGHT_KEY = 0x7265626C64  # "rebld": which advisory lock of the database is the right to rebuild


class PostgresRebuilds:
    """A `RebuildStore`, and `swap_ended` of a `StateReader`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def rebuilding(self) -> AsyncIterator[Rebuilding]:
        async with self._database.alone("syncd rebuild") as connection:
            if not await connection.fetchval(_QUERIES["take_right"], _RIGHT_KEY):
                raise Conflict("another rebuild is under way: wait for its end, or stop it; it goes on where it was")
            yield PostgresRebuilding(connection)
            # A connection that is cut keeps its locks until the server notices; who is done lets the next one begin.
            await connection.execute(_QUERIES["give_right_back"], _RIGHT_KEY)

    async def swap_ended(self, partition: int) -> None:
        await self._database.row(_QUERIES["swap_ended"], partition)


class PostgresRebuilding:
    """A `Rebuilding`. One connection does everything: with it goes the right, and what it was about to write."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def begin(self, run: Run) -> Mapping[int, int]:
        rows = await self._connection.fetch(_QUERIES["positions"], run.name)
        epochs = {row["partition"]: row["epoch"] for row in rows}
        if epochs == run.epochs and {row["program"] for row in rows} == {run.program}:
            return {row["partition"]: row["offset_next"] for row in rows}
        async with self._connection.transaction():
            await self.discard(run.name)
            columns = (list(run.epochs), list(run.epochs.values()))
            await self._connection.execute(_QUERIES["begin"], run.name, run.program, *columns)
        return dict.fromkeys(run.epochs, 0)

    async def stage(self, run: Run, partition: int, offset_next: int, cells: Sequence[CellRow]) -> None:
        columns = (run.name, partition, offset_next, *cell_texts(CellColumns.of(cells)))
        _check(await self._connection.fetchval(_QUERIES["stage"], *columns))

    async def candidates(self, run: Run, *, after: str, cells_max: int) -> tuple[Sequence[str], str | None]:
        if not after:
            await self._connection.execute(_QUERIES["describe_staged"])
        end = await self._connection.fetchval(_QUERIES["page_end"], run.name, after, cells_max)
        rows = await self._connection.fetch(_QUERIES["candidates"], run.name, after, end)
        return [row["stream"] for row in rows], end

    @asynccontextmanager
    async def swap(self, run: Run, partition: int) -> AsyncIterator[Swap]:
        async with self._connection.transaction():
            _check(await self._connection.fetchval(_QUERIES["hold_run"], run.name, partition))
            await self._connection.execute(_QUERIES["make_checkpoint"], partition)
            row = await self._connection.fetchrow(_QUERIES["hold_checkpoint"], partition)
            assert row is not None, "it was made by the statement before, if nobody else did"
            yield PostgresSwap(self._connection, Checkpoint(partition, row["epoch"], row["offset_next"]))

    async def discard(self, run: str) -> None:
        if run == EVERYTHING:
            await self._connection.execute(_QUERIES["discard_all"])
        else:
            await self._connection.execute(_QUERIES["discard"], run)


class PostgresSwap:
    """A `Swap`, inside its transaction."""

    def __init__(self, connection: Connection, checkpoint: Checkpoint) -> None:
        self._connection = connection
        self.checkpoint = checkpoint

    async def differences(self, run: Run, streams: Sequence[str]) -> Sequence[StreamDifference]:
        rows = await self._connection.fetch(_QUERIES["differences"], run.name, streams, KEYS_TOLD_MAX)
        differing = [row["stream"] for row in rows]
        sums = await self._connection.fetch(_QUERIES["digests"], run.name, differing) if differing else []
        digests = {(row["generation"], row["stream"]): f"{int(row['digest']) % 2**64:016x}" for row in sums}
        return [
            StreamDifference(
                stream=(stream := row["stream"]),
                missing=row["missing"],
                extra=row["extra"],
                different=row["different"],
                falls=row["falls"],
                live_digest=digests.get(("live", stream), "0" * 16),
                staged_digest=digests.get(("staged", stream), "0" * 16),
                keys=row["keys"],
            )
            for row in rows
        ]

    async def apply(self, run: Run, offsets: Mapping[str, int], *, fallen: Sequence[str]) -> int:
        streams = list(offsets)
        removed: int = await self._connection.fetchval(_QUERIES["remove_extra"], run.name, streams)
        put: int = await self._connection.fetchval(_QUERIES["put_staged"], run.name, streams, list(offsets.values()))
        if fallen:
            await self._connection.execute(_QUERIES["raise_generations"], fallen)
        return removed + put


def _check(run: str | None) -> None:
    """Whether the run was there."""
    if run is None:
        raise Conflict(FORGOTTEN)
