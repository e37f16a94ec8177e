"""Changing how many partitions the log in Postgres has.

Online would mean two logs side by side, and gateways that change over together: much machinery for what an operator
does once a year. So it is done offline, in one transaction: interrupted, nothing has happened.

Records move to the partition that their stream has now, in their order; offsets are counted anew. A new life of the log
begins, so every device takes a snapshot, and projectors fold everything once more, beside the cells that are there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from syncd.errors import Conflict, Refused, StoreUnavailable
from syncd.operations.advance import Advance
from syncd.operations.offline import require_nobody
from syncd.postgres.connection import connect, hang_up
from syncd.postgres.database import failures_as
from syncd.postgres.queries import load_queries

_QUERIES = load_queries("syncd.operations", "repartition.sql")

PARTITIONS_MAX: Final = 1_024
"""As migration 0001 has it."""


@dataclass(frozen=True, slots=True)
class Repartitioned:
    """`partitions_old`: how many there were."""

    partitions_old: int
    partitions: int
    records: int


async def repartition(dsn: str, partitions: int, *, progress: Advance) -> Repartitioned:
    """Give the log of a migrated database another number of partitions.

    Args:
        progress: (steps done, of all); the steps that move records take nearly all of the time.

    Raises:
        Refused: that is no number of partitions, or the log is not in Postgres.
        Conflict: it has that many already, or servers run.
        StoreUnavailable: the database does not answer. Nothing changed.
    """
    if not 1 <= partitions <= PARTITIONS_MAX:
        raise Refused(f"{partitions} partitions; allowed are 1 to {PARTITIONS_MAX}")
    with failures_as(StoreUnavailable, "repartition"):
        connection = await connect(dsn, name="syncd repartition", statement_timeout_s=0)  # it takes the time it takes
        try:
            await require_nobody(connection, to="change the partitions")
            async with connection.transaction():
                return await _repartition(connection, partitions, progress)
        finally:
            await hang_up(connection)


async def _repartition(
    connection: asyncpg.Connection[Any], partitions: int, progress: Advance
) -> Repartitioned:  # fmt: skip
    row = await connection.fetchrow(_QUERIES["deployment"])
    assert row is not None, "a migrated database says which deployment it is"
    if row["log"] != "postgres":
        raise Refused(f"the log is in {row['log']}; this changes the partitions of a log in Postgres")
    if row["partitions"] == partitions:
        raise Conflict(f"the log has {partitions} partitions already")
    await connection.execute(_QUERIES["close_door"])
    # A log that lacks its beginning must not begin at 0: then `verify` and `rebuild` would take it for whole.
    begin = 1 if await connection.fetchval(_QUERIES["was_trimmed"]) else 0
    steps: Sequence[tuple[str, tuple[int, ...]]] = (
        ("make_room", ()),
        ("lay_out", (partitions, begin)),
        ("empty", ()),
        ("move_in", ()),
        ("renew_life", (partitions,)),
        ("drop_counters", ()),
        ("make_counters", (partitions, begin)),
        ("cells_of_no_offset", ()),
        ("writers_of_no_offset", ()),
        ("forget_partitions", (partitions,)),
        ("forget_checkpoints", (partitions,)),
        ("end_leases", ()),
        ("begin_checkpoints", (partitions, begin)),
    )
    moved = 0
    for done, (name, arguments) in enumerate(steps):
        progress(done, len(steps))
        status = await connection.execute(_QUERIES[name], *arguments)
        if name == "move_in":
            moved = int(status.rpartition(" ")[2])
    return Repartitioned(row["partitions"] or 0, partitions, moved)
