"""What projector and rebuild are measured against: rows upserted by nothing but a driver and a statement.

The rows lie ready. A group is one statement, so one transaction, into a table like `cells`: the same
columns, key and index, logged, and as durable as whatever else this Postgres commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import asyncpg

from syncd.store.port import CellRow

BARE_ROWS: Final = 2_000
"""Rows of one statement, where nothing else says how many."""
_UPSERT: Final = """
    insert into bare_cells (stream, key, rank, value, log_offset)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::bigint[])
    on conflict (stream, key) do update set
        rank = excluded.rank, value = excluded.value, log_offset = excluded.log_offset
    where (excluded.rank, excluded.value) > (bare_cells.rank, bare_cells.value)
"""


Row = tuple[str, str, str, bytes, int]
"""stream, key, rank, value, log_offset"""


async def prepare(connection: asyncpg.Connection) -> None:
    """An empty table."""
    await connection.execute("drop table if exists bare_cells")
    await connection.execute("create table bare_cells (like cells including all)")


async def upsert(connection: asyncpg.Connection, groups: Iterable[Sequence[Row]]) -> None:
    """All groups, one after the other. The rows of one are unique by (stream, key)."""
    for group in groups:
        await connection.execute(_UPSERT, *zip(*group, strict=True))


async def rows_that_stay(connection: asyncpg.Connection) -> list[list[CellRow]]:
    """What the store holds now, in groups of `BARE_ROWS`."""
    rows = [CellRow(*row) for row in await connection.fetch("select stream, key, rank, value, log_offset from cells")]
    return [rows[start : start + BARE_ROWS] for start in range(0, len(rows), BARE_ROWS)]
