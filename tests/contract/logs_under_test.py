"""The adapters of the log port, each as something that a test can open as often as it likes."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol, cast

from syncd.log.kafka import KafkaLog
from syncd.log.memory import MemoryLog
from syncd.log.port import SearchableLog, TrimmableLog
from syncd.log.postgres import PostgresLog
from syncd.log.postgres.notifier import SOON_MS
from syncd.log.record import LoggedRecord, Record


class Log(SearchableLog, TrimmableLog, Protocol):
    """Everything that the adapters promise together."""


class LogUnderTest(Protocol):
    """One log; each opening is what another process would see of it."""

    @asynccontextmanager
    def open(self, *, partitions: int = 1) -> AsyncIterator[Log]: ...


@dataclass
class MemoryUnderTest:
    """In memory there is one process, so every opening is the same object, and nobody closes it."""

    log: MemoryLog | None = None

    @asynccontextmanager
    async def open(self, *, partitions: int = 1) -> AsyncIterator[Log]:
        self.log = self.log or MemoryLog(partitions)
        yield self.log


@dataclass
class PostgresUnderTest:
    dsn: str

    @asynccontextmanager
    async def open(self, *, partitions: int = 1) -> AsyncIterator[Log]:
        async with postgres_log(self.dsn, partitions) as log:
            yield log


@dataclass
class KafkaUnderTest:
    """A topic of a shared broker. It is no `SearchableLog`: tests that search are not for it."""

    address: str
    topic: str = field(default_factory=lambda: f"test-{secrets.token_hex(8)}")

    @asynccontextmanager
    async def open(self, *, partitions: int = 1) -> AsyncIterator[Log]:
        log = await KafkaLog.open(self.address, self.topic, partitions=partitions)
        try:
            yield cast(Log, log)
        finally:
            await log.close()


@asynccontextmanager
async def postgres_log(
    dsn: str, partitions: int | None = None, *, news_within_ms: int = SOON_MS
) -> AsyncIterator[PostgresLog]:
    """The log of a database, with the number of partitions that it has when none is given."""
    log = await PostgresLog.open(dsn, partitions=partitions, news_within_ms=news_within_ms)
    try:
        yield log
    finally:
        await log.close()


def record(stream: str = "a:1", *, writer: str = "wwwwwwwwww", seq: int = 1, body: bytes = b"{}") -> Record:
    """A record that a gateway could have admitted."""
    return Record(stream, writer, seq, "list.inserted", 1, body)


async def stream_records(log: Log, stream: str, from_: int, *, until: int, limit: int = 100) -> list[LoggedRecord]:
    """All records of a stream in a part of its partition, page by page."""
    found: list[LoggedRecord] = []
    while True:
        page = await log.read_stream(stream, from_, until=until, limit=limit)
        assert len(page.records) <= limit
        assert page.offset_next > from_ or from_ >= until, "every page goes on"
        found += page.records
        from_ = page.offset_next
        if from_ >= until:
            return found


def records(count: int, stream: str = "a:1", *, first_seq: int = 1) -> list[Record]:
    """`count` records of one stream with ascending seqs."""
    return [record(stream, seq=seq) for seq in range(first_seq, first_seq + count)]


def streams_of(partition: int, partitions: int, *, count: int, log: Log) -> Sequence[str]:
    """Names of streams that live in a partition."""
    found = (name for name in (f"a:{number}" for number in range(100_000)) if log.partition_of(name) == partition)
    return [next(found) for _ in range(count)]
