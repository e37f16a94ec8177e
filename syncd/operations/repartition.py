"""Changing how many partitions the log has.

Online would mean two logs side by side, and gateways that change over together: much machinery for what an operator
does once a year. So it is done offline. In Postgres it is one transaction: interrupted, nothing has happened. In Kafka
records are copied into a new topic, since adding partitions to a topic tears its streams apart; interrupted, the copy
goes on by doing it again, and the deployment changes over when it is complete.

Records move to the partition that their stream has now, in their order; offsets are counted anew. A new life of the log
begins, so every device takes a snapshot, and projectors fold everything once more, beside the cells that are there.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from syncd.errors import Conflict, Refused, StoreUnavailable
from syncd.limits import PARTITIONS_MAX
from syncd.log.port import EventLog, TrimmableLog
from syncd.log.record import Record
from syncd.model.events import ERASED
from syncd.model.upcast import SCHEMA_VERSION
from syncd.operations.advance import Advance, quiet
from syncd.operations.erase import ERASED_BODY, ERASED_WRITER
from syncd.operations.offline import require_nobody
from syncd.operations.transfer.appending import Appending
from syncd.operations.transfer.reading import is_ours, records
from syncd.postgres.connection import connect, hang_up
from syncd.postgres.database import failures_as
from syncd.postgres.queries import load_queries

_QUERIES = load_queries("syncd.operations", "repartition.sql")

_Step: TypeAlias = tuple[str, tuple[object, ...]]
"""A statement's name, and its arguments."""


@dataclass(frozen=True, slots=True)
class Repartitioned:
    """`partitions_old`: how many there were."""

    partitions_old: int
    partitions: int
    records: int


async def repartition(dsn: str, partitions: int, *, progress: Advance = quiet) -> Repartitioned:
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
    steps: Sequence[_Step] = (
        ("make_room", ()),
        ("lay_out", (partitions, begin)),
        ("empty", ()),
        ("move_in", ()),
        ("renew_life", (partitions,)),
        ("drop_counters", ()),
        ("make_counters", (partitions, begin)),
        *_store_steps(partitions, begin),
    )
    moved = 0
    for done, (name, arguments) in enumerate(steps):
        progress(done, len(steps))
        status = await connection.execute(_QUERIES[name], *arguments)
        if name == "move_in":
            moved = int(status.rpartition(" ")[2])
    return Repartitioned(row["partitions"] or 0, partitions, moved)


async def change_over(dsn: str, *, seen: UUID, topic: str, topic_id: str, partitions: int, begin: int) -> None:
    """Make a topic, into which all records were copied, the deployment's log.

    Args:
        seen: the life that the deployment had when the copy began.
        topic: as `SYNCD_LOG` will name it.
        begin: the offset at which its partitions begin.

    Raises:
        Conflict: servers run, or somebody began another life meanwhile.
        StoreUnavailable: the database does not answer. Nothing changed.
    """
    with failures_as(StoreUnavailable, "repartition"):
        connection = await connect(dsn, name="syncd repartition", statement_timeout_s=0)
        try:
            await require_nobody(connection, to="change the partitions")
            async with connection.transaction():
                row = await connection.fetchrow(_QUERIES["deployment"])
                if row is None or row["life"] != seen:
                    raise Conflict("somebody changed the deployment's log meanwhile")
                await connection.execute(_QUERIES["close_door"])
                await connection.execute(_QUERIES["move_to_topic"], topic, topic_id, partitions)
                for name, arguments in _store_steps(partitions, begin):
                    await connection.execute(_QUERIES[name], *arguments)
        finally:
            await hang_up(connection)


async def copy_log(
    source: EventLog, target: EventLog, *, erased: Container[str], progress: Advance = quiet
) -> tuple[int, int]:  # fmt: skip
    """Bring every record of a log that nobody appends to into another one, each stream's in their order.

    What the target holds already is left alone, so what was interrupted goes on. Records that no gateway can have
    written are left out, as every projector sets them aside, and those of streams that were erased.

    Args:
        progress: (records read, of all).

    Returns:
        How many records the target holds of the source, and the offset at which its partitions begin: 1 when the
        source was trimmed, or else the copy would look whole.

    Raises:
        Conflict: the target holds a copy that was begun when the source was whole.
        LogUnavailable, AppendUnknown: a part is copied; do it again.
    """
    ends = {partition: await source.end(partition) for partition in range(source.partitions)}
    starts = {partition: await source.start(partition) for partition in ends}
    begin = int(any(starts.values()))
    if begin:
        await _begin_at_1(target)
    with closing(Appending(target)) as appending:
        await appending.prepare(None)
        async for record in records(source, None, starts, ends, progress=progress):
            if is_ours(record) and record.stream not in erased:
                await appending.append(record.record())
        await appending.flush()
    return appending.appended + appending.known, begin


async def _begin_at_1(log: EventLog) -> None:
    """Have every partition begin at offset 1, by a record at offset 0 that is forgotten."""
    assert isinstance(log, TrimmableLog), "every log that is kept can forget"
    for partition in range(log.partitions):
        if await log.end(partition) == 0:
            stream = next(name for n in count() if log.partition_of(name := f"a:nobody{n}") == partition)
            appending = Appending(log)
            await appending.append(Record(stream, ERASED_WRITER, 1, ERASED, SCHEMA_VERSION, ERASED_BODY))
            await appending.flush()
        elif await log.start(partition) == 0:
            (first,) = await log.read(partition, 0, limit=1)
            if first.kind != ERASED:
                raise Conflict("a copy was begun there before the log was trimmed: name another topic")
        await log.trim(partition, 1)


def _store_steps(partitions: int, begin: int) -> Sequence[_Step]:
    """What the new life means to the store."""
    return (
        ("cells_of_no_offset", ()),
        ("writers_of_no_offset", ()),
        ("forget_partitions", (partitions,)),
        ("forget_checkpoints", (partitions,)),
        ("end_leases", ()),
        ("begin_checkpoints", (partitions, begin)),
    )
