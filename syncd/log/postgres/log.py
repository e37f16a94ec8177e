"""The log as a Postgres table: offsets without gaps in commit order, one transaction a group."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from uuid import UUID

import asyncpg

from syncd import limits
from syncd.errors import ConfigError, EpochChanged, LogUnavailable
from syncd.log.bounds import check_kept
from syncd.log.ends import KnownEnds
from syncd.log.partition import by_partition, partition_of
from syncd.log.port import Appended, Page
from syncd.log.postgres.appending import Appender
from syncd.log.postgres.life import Life, check_life, life_of
from syncd.log.postgres.notifier import LATER_MS, Notifier
from syncd.log.postgres.page import records_of_page
from syncd.log.record import LoggedRecord, Record
from syncd.postgres.connection import connected
from syncd.postgres.database import Database, failures_as
from syncd.postgres.queries import load_queries

_QUERIES = load_queries("syncd.log", "log.sql")

FEW_RECORDS = 200
"""Read row by row and without counting their bytes, which costs Postgres more than a small read does: at their largest
they fill `limits.READ_BYTES_MAX`."""

TRIM_RECORDS = 10_000
"""Records deleted in one transaction: about 50 ms, so that nobody waits long for what it holds."""


assert FEW_RECORDS * limits.EVENT_BYTES_MAX <= limits.READ_BYTES_MAX


class LogClosed(LogUnavailable):
    """The log takes no appends: it is about to be somewhere else."""


class PostgresLog:
    """An `EventLog`, a `SearchableLog`, a `TrimmableLog` and a `RewritableLog`.

    It keeps one connection to append, one to listen, and a pool of `readers` for the rest, notifications included.
    """

    def __init__(self, dsn: str, *, partitions: int, life: Life, database: Database, news_within_ms: int) -> None:
        """Use `open`."""
        self._life = life
        self._database = database
        self._ends = KnownEnds(partitions)
        self._partitions = partitions
        self._appender = Appender(dsn, life)
        self._notifier = Notifier(dsn, database, self._ends, news_within_ms=news_within_ms)

    @classmethod
    async def open(
        cls, dsn: str, *, partitions: int | None = None, readers: int = 2, news_within_ms: int = LATER_MS
    ) -> PostgresLog:
        """Open the log of a migrated database.

        Args:
            partitions: how many a new deployment gets; 1 when None. It is written down once.
            readers: connections for everything but appending and listening.
            news_within_ms: how soon `wait_beyond` should hear of what other processes append: `notifier.SOON_MS` or
                `LATER_MS`. The sooner, the more it costs them.

        Raises:
            ConfigError: `partitions` is not the number that is written down.
            LogUnavailable: the database does not answer, or is not migrated.
        """
        with failures_as(LogUnavailable, "log"):
            async with connected(dsn) as connection:
                count, marker = await _agree_on_partitions(connection, partitions)
                life = await life_of(connection)
                if life.marker != marker:
                    raise LogUnavailable("the log began another life just now: open it again")
        database = await Database.open(
            dsn, size=readers, unavailable=LogUnavailable, what="log", init=partial(check_life, life=life)
        )
        log = cls(dsn, partitions=count, life=life, database=database, news_within_ms=news_within_ms)
        await log._notifier.start()
        return log

    @property
    def partitions(self) -> int:
        return self._partitions

    def partition_of(self, stream: str) -> int:
        return partition_of(stream, self._partitions)

    def epoch(self, partition: int) -> str:
        return self._life.epoch

    async def append(self, records: Sequence[Record]) -> list[Appended]:
        outcomes = await self._appender.append(by_partition(records, self._partitions))
        for appended in outcomes:
            if appended.outcome == "written":
                end = appended.offset_start + len(appended.records)
                self._ends.rise(appended.partition, end)
                self._notifier.announce(appended.partition, end)
        return outcomes

    async def read(self, partition: int, from_: int, *, limit: int) -> list[LoggedRecord]:
        limit = min(limit, limits.READ_RECORDS_MAX)
        records: list[LoggedRecord] = []
        if limit <= FEW_RECORDS or self._ends[partition] - from_ <= FEW_RECORDS:
            records = await self._read_few(partition, from_, limit)
            if len(records) < FEW_RECORDS or limit == FEW_RECORDS:
                return records
        page = (partition, from_ + len(records), limit - len(records), limits.READ_BYTES_MAX)
        row = await self._database.row(_QUERIES["read_page"], *page)
        assert row is not None, "an aggregate is always one row"
        records += records_of_page(partition, row)
        await self._check_whole(partition, from_, records)
        return records

    async def _read_few(self, partition: int, from_: int, limit: int) -> list[LoggedRecord]:
        rows = await self._database.rows(_QUERIES["read"], partition, from_, min(limit, FEW_RECORDS))
        records = [LoggedRecord(*row) for row in rows]
        await self._check_whole(partition, from_, records)
        return records

    async def read_stream(self, stream: str, from_: int, *, until: int, limit: int) -> Page:
        limit = min(limit, limits.READ_RECORDS_MAX)
        rows = await self._database.rows(_QUERIES["read_stream"], stream, from_, limit, limits.READ_BYTES_MAX, until)
        # Asked after the rows: what is kept now was kept then, so a trim in between hides nothing.
        start, end = await self._bounds(self.partition_of(stream))
        check_kept(from_, start=start, end=end)
        check_kept(until, start=min(start, until), end=end)
        offset_next = until
        if rows and rows[-1]["body"] is None:
            offset_next = rows.pop()["offset"]
        elif len(rows) == limit:
            offset_next = rows[-1]["offset"] + 1
        return Page([LoggedRecord(*row) for row in rows], offset_next)

    async def find(self, stream: str, writer: str, seq: int) -> LoggedRecord | None:
        row = await self._database.row(_QUERIES["find"], writer, seq, stream)
        return None if row is None else LoggedRecord(*row)

    async def start(self, partition: int) -> int:
        return (await self._bounds(partition))[0]

    async def end(self, partition: int) -> int:
        return (await self._bounds(partition))[1]

    async def wait_beyond(self, partition: int, offset: int, *, timeout_s: float) -> int:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while True:
            wait_s = min(deadline - loop.time(), limits.LOG_POLL_S)
            if (end := await self._ends.wait_beyond(partition, offset, timeout_s=wait_s)) > offset:
                return end
            # No notification came, or it was lost.
            if (end := await self.end(partition)) > offset or loop.time() >= deadline:
                return end

    async def trim(self, partition: int, before: int) -> None:
        await self._database.row(_QUERIES["trim_mark"], partition, before)
        start, end = await self._bounds(partition)
        check_kept(before, start=0, end=end)
        more = True
        while more:
            row = await self._database.row(_QUERIES["trim_some"], partition, start, TRIM_RECORDS)
            more = row is not None and row["records"] > 0

    async def overwrite(self, records: Sequence[LoggedRecord]) -> None:
        if records:
            rows = ((r.offset, r.writer, r.seq, r.kind, r.version, r.body, r.trace) for r in records)
            columns = zip(*rows, strict=True)
            await self._database.row(_QUERIES["overwrite"], records[0].partition, *columns)

    async def check(self) -> None:
        await self._bounds(0)

    async def close(self) -> None:
        self._appender.close()
        await self._notifier.close()
        await self._database.close()

    async def _bounds(self, partition: int) -> tuple[int, int]:
        row = await self._database.row(_QUERIES["bounds"], partition)
        assert row is not None, f"partition {partition} has no counter row; there are {self._partitions} partitions"
        # Tails ask this twice a second when nothing happens, so they soon learn of `syncd migrate --new-epoch`.
        if row["life"] != self._life.marker:
            raise EpochChanged(f"the log's epoch is not {self._life.epoch} any more: open it anew")
        self._ends.rise(partition, row["offset_next"])
        return row["offset_start"], row["offset_next"]

    async def _check_whole(self, partition: int, from_: int, records: Sequence[LoggedRecord]) -> None:
        """There are no gaps: a first record at `from_` proves that nothing is missing before it."""
        if not records or records[0].offset != from_:
            start, end = await self._bounds(partition)
            check_kept(from_, start=start, end=end)


async def _agree_on_partitions(connection: asyncpg.Connection, asked: int | None) -> tuple[int, UUID]:
    row = await connection.fetchrow(_QUERIES["decide_partitions"], asked or 1)
    if row is None:
        raise ConfigError("the database says of no deployment: run `syncd migrate`")
    if row["log"] != "postgres":
        raise ConfigError(f"the log of this deployment is not in Postgres but in {row['log']}: set SYNCD_LOG to it")
    count: int = row["partitions"]
    if asked not in (None, count):
        raise ConfigError(f"the log has {count} partitions, not {asked}: `syncd repartition` changes it")
    await connection.execute(_QUERIES["create_partitions"], count, row["life"])
    if await connection.fetchval(_QUERIES["is_closed"], row["life"]):
        raise LogClosed("the log is closed while it moves: `syncd move-log` is at work")
    return count, row["life"]
