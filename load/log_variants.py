"""Ways to append that were not taken, kept so that the choice can be measured again.

Each works on copies of the log's tables, made and dropped by it. `as it is` is the log's own statement without the log
around it: what the others are to be compared with. Source: docs/decisions/0004-postgres-log.md
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from syncd.log.record import Record
from syncd.postgres.columns import integer_column, text_column
from syncd.postgres.connection import connect, hang_up
from syncd.postgres.queries import load_queries

Append = Callable[[Sequence[Record]], Awaitable[object]]
Way = Callable[["asyncpg.Connection[Any]"], Awaitable[Append]]

_COLUMNS = ("partition", "offset", "stream", "writer", "seq", "kind", "version", "body")
_BY_WRITER = "create index on events (writer, seq)"
_BY_STREAM = 'create index on events (stream, "offset")'
_ERASED = "create index on events (partition) where writer = 'erased0000'"

_MAKE = """
    create schema variant;
    set search_path = variant, public;
    create table events (like public.events including all excluding indexes, primary key (partition, "offset"));
    create table log_partitions (like public.log_partitions including all) with (fillfactor = 50);
    insert into log_partitions select 0, life from deployment;
"""

_ARRAYS = """
    with counter as (
        update log_partitions set offset_next = offset_next + $1::bigint where partition = 0
        returning offset_next - $1::bigint as offset_start
    ), written as (
        insert into events (partition, "offset", stream, writer, seq, kind, version, body)
        select 0, c.offset_start + r.place - 1, r.stream, r.writer, r.seq, r.kind, r.version, r.body
        from counter c, unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::int[], $7::bytea[])
            with ordinality as r (stream, writer, seq, kind, version, body, place)
    )
    select offset_start from counter
"""

_TAKE = "update log_partitions set offset_next = offset_next + $1 where partition = 0 returning offset_next - $1"


@dataclass(frozen=True)
class Variant:
    """`way`: makes the append of a connection. `indexes`: what the table gets besides its primary key."""

    name: str
    way: Way
    indexes: Sequence[str] = (_BY_STREAM, _ERASED)

    @asynccontextmanager
    async def ready(self, dsn: str) -> AsyncIterator[Append]:
        """The tables made, and the way to append to them."""
        connection = await connect(dsn)
        try:
            await connection.execute("drop schema if exists variant cascade")
            await connection.execute(_MAKE)
            for index in self.indexes:
                await connection.execute(index)
            yield await self.way(connection)
            await connection.execute("drop schema variant cascade")
        finally:
            await hang_up(connection)


async def _as_it_is(connection: asyncpg.Connection[Any]) -> Append:
    life = await connection.fetchval("select life from deployment")
    statement = await connection.prepare(load_queries("syncd.log", "log.sql")["append_one"])

    async def append(group: Sequence[Record]) -> object:
        streams, writers, seqs, kinds, versions, bodies, _ = zip(*group, strict=True)
        texts = text_column(streams), text_column(writers), integer_column(seqs), text_column(kinds)
        return await statement.fetchval(0, life, len(group), *texts, integer_column(versions), bodies, None)

    return append


async def _arrays(connection: asyncpg.Connection[Any]) -> Append:
    statement = await connection.prepare(_ARRAYS)

    async def append(group: Sequence[Record]) -> object:
        return await statement.fetchval(len(group), *list(zip(*group, strict=True))[:6])

    return append


async def _copy(connection: asyncpg.Connection[Any]) -> Append:
    take = await connection.prepare(_TAKE)

    async def append(group: Sequence[Record]) -> object:
        async with connection.transaction():
            start = await take.fetchval(len(group))
            rows = [(0, offset, *record[:6]) for offset, record in enumerate(group, start)]
            return await connection.copy_records_to_table(
                "events", schema_name="variant", columns=_COLUMNS, records=rows
            )

    return append


async def _notify_inside(connection: asyncpg.Connection[Any]) -> Append:
    ours = await _as_it_is(connection)

    async def append(group: Sequence[Record]) -> object:
        async with connection.transaction():
            await connection.execute("notify syncd_log, '0:1'")
            return await ours(group)

    return append


VARIANTS = (
    Variant("as it is, without the log", _as_it_is),
    Variant("with an index of writers", _as_it_is, (_BY_STREAM, _ERASED, _BY_WRITER)),
    Variant("without the index of streams", _as_it_is, (_ERASED,)),
    Variant("without both", _as_it_is, ()),
    Variant("an array for each column", _arrays),
    Variant("COPY", _copy),
    Variant("NOTIFY inside", _notify_inside),
)
