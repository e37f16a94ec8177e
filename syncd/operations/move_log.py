"""Moving the log from Postgres into a Kafka topic, while servers run and devices are connected.

    COPYING --nearly level--> CLOSED --level--> changed over
       ^                        |
       '------ failed, died ----'

Records are copied with their offsets, so that cursors and checkpoints stay what they are; the epoch keeps its name,
too. While it copies, everything goes on. For the last few records the table is closed: appends name the life of the log
that they mean, and the table has another one then, so each is refused, whichever process it comes from; devices are
told `unavailable` and keep their events. Then one row names the topic. Servers watch that row, and open the log where
it says.

Interrupted, nothing has happened: what is in the topic already is compared with the table and then gone on from. A
table that was closed by somebody who died is opened again by the next process that opens the log; he held a lock while
he lived, on the very connection that changes over.

Source: docs/decisions/0010-moving-a-log.md
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final
from uuid import uuid4

import asyncpg

from syncd.errors import AppendUnknown, Conflict, LogUnavailable, Refused, StoreUnavailable
from syncd.limits import APPEND_BYTES_MAX
from syncd.log.port import TrimmableLog
from syncd.log.record import LoggedRecord, Record
from syncd.model.events import ERASED
from syncd.model.upcast import SCHEMA_VERSION
from syncd.operations.advance import Advance
from syncd.operations.erase import ERASED_BODY, ERASED_WRITER
from syncd.postgres.connection import connect, hang_up
from syncd.postgres.database import failures_as
from syncd.postgres.queries import load_queries

_QUERIES = load_queries("syncd.operations", "move_log.sql")

GROUP_RECORDS: Final = 1_000
"""Records in one append."""
LEVEL_RECORDS: Final = 2_000
"""With so few records to copy the table is closed: they take a fraction of a second."""
ROUNDS_MAX: Final = 50
"""Of copying what came meanwhile; then it comes faster than it is copied, and the table is closed for longer."""


@dataclass(frozen=True, slots=True)
class Moved:
    """`closed_ms`: how long appends were refused, until the deployment named the topic."""

    topic: str
    partitions: int
    records: int
    closed_ms: int


@dataclass(slots=True)
class LogMove:
    """One attempt.

    Attributes:
        target: the topic, with as many partitions as the table has; nobody else writes to it.
        url, topic_id: what the deployment will name.
        epoch: the name of the table's.
        lock_key: of the lock that whoever moves the log holds.
    """

    dsn: str
    target: TrimmableLog
    url: str
    topic_id: str
    epoch: str
    lock_key: int
    progress: Advance
    copied: int = 0
    _ends: dict[int, int] = field(default_factory=dict)

    async def run(self) -> Moved:
        """Move it.

        Raises:
            Refused: the log is not in Postgres.
            Conflict: somebody else moves it, the topic holds something else, or an account was erased meanwhile.
            LogUnavailable, AppendUnknown, StoreUnavailable: do it again.
        """
        with failures_as(StoreUnavailable, "move-log"):
            connection = await connect(self.dsn, name="syncd move-log", statement_timeout_s=0)
            try:
                return await self._run(connection)
            finally:
                await hang_up(connection)

    async def _run(self, source: asyncpg.Connection[Any]) -> Moved:
        if not await source.fetchval(_QUERIES["lock"], self.lock_key):
            raise Conflict("somebody else moves the log just now")
        life = await source.fetchval(_QUERIES["begin"])
        if life is None:
            raise Refused("the log is not in Postgres")
        erased = await source.fetchval(_QUERIES["erased"])
        await self._compare(source)
        for _ in range(ROUNDS_MAX):
            if await self._copy(source) <= LEVEL_RECORDS:
                break
        closing, closed_s = uuid4(), time.monotonic()
        try:
            await source.execute(_QUERIES["close"], closing)
            await self._copy(source)
            if await source.fetchval(_QUERIES["erased"]) != erased:
                raise Conflict(f"an account was erased meanwhile, and {self.url} holds it: delete the topic, and again")
            await self._finish(source)
            moved = await source.fetchval(_QUERIES["change_over"], self.url, self.topic_id, self.epoch, life, closing)
            if moved is None:
                raise Conflict("somebody opened the log again meanwhile: do it again")
        except BaseException:
            # Where the log has moved this does nothing; where the connection is gone, the next to open the log does it.
            await asyncio.shield(source.execute(_QUERIES["open"]))
            raise
        closed_ms = round((time.monotonic() - closed_s) * 1_000)
        return Moved(self.url, self.target.partitions, sum(self._ends.values()), closed_ms)

    async def _compare(self, source: asyncpg.Connection[Any]) -> None:
        """Raise unless what the topic holds is a beginning of the table."""
        for partition, start, end in await source.fetch(_QUERIES["bounds"]):
            held = self._ends[partition] = await self.target.end(partition)
            at = max(start, await self.target.start(partition))
            while at < min(held, end):
                there = await self.target.read(partition, at, limit=GROUP_RECORDS)
                here = await self._read(source, partition, at, at + len(there))
                if _told(there[: len(here)]) != _told(here):
                    raise Conflict(f"{self.url} holds other records at offset {at} of partition {partition}")
                at += len(there)
                self.progress(at - start, end - start)
            if held > end:
                raise Conflict(f"{self.url} holds {held} records in partition {partition}, the log {end}")

    async def _copy(self, source: asyncpg.Connection[Any]) -> int:
        """Copy what the topic lacks now; how many records that were."""
        bounds = await source.fetch(_QUERIES["bounds"])
        of_all = sum(end for _, _, end in bounds)
        before = sum(self._ends.values())
        for partition, start, end in bounds:
            while (at := self._ends[partition]) < end:
                group: Sequence[Record] = (
                    _fillers(self.target, partition, min(start - at, GROUP_RECORDS)) if at < start
                    else [record.record() for record in await self._read(source, partition, at, end)]
                )  # fmt: skip
                await self._append(partition, _of_one_append(group))
                self.progress(sum(self._ends.values()), of_all)
        return sum(self._ends.values()) - before

    async def _append(self, partition: int, group: Sequence[Record]) -> None:
        (appended,) = await self.target.append(group)
        if appended.outcome == "unknown":
            raise AppendUnknown(f"{appended.reason}; nothing has changed: do it again")
        if appended.outcome == "refused":
            raise LogUnavailable(f"{appended.reason}; nothing has changed: do it again")
        if appended.offset_start != self._ends[partition]:
            raise Conflict(f"somebody else writes to {self.url}: delete the topic, and do it again")
        self._ends[partition] += len(group)

    async def _finish(self, source: asyncpg.Connection[Any]) -> None:
        """Let the topic begin where the table does, and be sure that it ends there, too."""
        for partition, start, end in await source.fetch(_QUERIES["bounds"]):
            if await self.target.end(partition) != end:
                raise Conflict(f"somebody else writes to {self.url}: delete the topic, and do it again")
            if start > 0:
                await self.target.trim(partition, start)

    async def _read(
        self, source: asyncpg.Connection[Any], partition: int, from_: int, until: int
    ) -> Sequence[LoggedRecord]:
        return [
            LoggedRecord(*row) for row in await source.fetch(_QUERIES["read"], partition, from_, until, GROUP_RECORDS)
        ]


def _told(records: Sequence[LoggedRecord]) -> Sequence[tuple[int, Record]]:
    """What must be the same in both logs: a topic also carries traces."""
    return [(record.offset, record.record()._replace(trace="")) for record in records]


def _of_one_append(group: Sequence[Record]) -> Sequence[Record]:
    """As many of them as one append takes, at least one."""
    size = 0
    for n, record in enumerate(group):
        size += len(record.body)
        if size > APPEND_BYTES_MAX and n:
            return group[:n]
    return group


def _fillers(target: TrimmableLog, partition: int, records: int) -> Sequence[Record]:
    """Stand where the table has forgotten, so that offsets stay the same, and are forgotten as well at the end."""
    stream = next(name for n in count() if target.partition_of(name := f"a:nobody{n}") == partition)
    return [Record(stream, ERASED_WRITER, 1, ERASED, SCHEMA_VERSION, ERASED_BODY)] * records
