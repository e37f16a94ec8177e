"""The log in this process's memory: for tests and the simulation. It sits the same exam as the others.

It keeps every promise of the port but one: nothing survives the process, so "durable" means "in the list".
"""

from __future__ import annotations

from collections.abc import Sequence

from syncd import limits
from syncd.log.bounds import check_kept
from syncd.log.ends import KnownEnds
from syncd.log.partition import by_partition, partition_of
from syncd.log.port import Appended, Page
from syncd.log.record import LoggedRecord, Record


class MemoryLog:
    """An `EventLog`, a `SearchableLog`, a `TrimmableLog` and a `RewritableLog`."""

    def __init__(self, partitions: int = 1, *, epoch: str = "memory0") -> None:
        self._epoch = epoch
        self._records: list[list[LoggedRecord]] = [[] for _ in range(partitions)]
        self._starts = [0] * partitions
        self._ends = KnownEnds(partitions)
        self._closed = False

    @property
    def partitions(self) -> int:
        return len(self._records)

    def partition_of(self, stream: str) -> int:
        return partition_of(stream, len(self._records))

    def epoch(self, partition: int) -> str:
        return self._epoch

    async def append(self, records: Sequence[Record]) -> list[Appended]:
        groups = by_partition(records, len(self._records))
        return [self._append_group(partition, group) for partition, group in groups.items()]

    def _append_group(self, partition: int, group: Sequence[Record]) -> Appended:
        if self._closed:
            return Appended(partition, "refused", group, reason="the log is closed")
        if not all(_storable(text) for record in group for text in (record.stream, record.writer, record.kind)):
            return Appended(partition, "refused", group, reason="a text is empty or holds a control character")
        kept = self._records[partition]
        offset_start = self._ends[partition]
        kept.extend(LoggedRecord(partition, offset, *record) for offset, record in enumerate(group, offset_start))
        self._ends.rise(partition, offset_start + len(group))
        return Appended(partition, "written", group, offset_start)

    async def read(self, partition: int, from_: int, *, limit: int) -> list[LoggedRecord]:
        self._check_kept(partition, from_)
        first = from_ - self._starts[partition]
        return self._records[partition][first : first + min(limit, limits.READ_RECORDS_MAX)]

    async def read_stream(self, stream: str, from_: int, *, until: int, limit: int) -> Page:
        partition, limit = self.partition_of(stream), min(limit, limits.READ_RECORDS_MAX)
        self._check_kept(partition, from_)
        self._check_kept(partition, max(from_, until))
        start = self._starts[partition]
        inside = self._records[partition][from_ - start : max(0, until - start)]
        records = [record for record in inside if record.stream == stream][:limit]
        return Page(records, records[-1].offset + 1 if len(records) == limit else until)

    async def find(self, stream: str, writer: str, seq: int) -> LoggedRecord | None:
        for record in self._records[self.partition_of(stream)]:
            if record.seq == seq and record.writer == writer and record.stream == stream:
                return record
        return None

    async def start(self, partition: int) -> int:
        return self._starts[partition]

    async def end(self, partition: int) -> int:
        return self._ends[partition]

    async def wait_beyond(self, partition: int, offset: int, *, timeout_s: float) -> int:
        return await self._ends.wait_beyond(partition, offset, timeout_s=timeout_s)

    async def trim(self, partition: int, before: int) -> None:
        self._check_kept(partition, max(before, self._starts[partition]))
        del self._records[partition][: max(0, before - self._starts[partition])]
        self._starts[partition] = max(before, self._starts[partition])

    async def overwrite(self, records: Sequence[LoggedRecord]) -> None:
        for record in records:
            index = record.offset - self._starts[record.partition]
            if index >= 0:
                self._records[record.partition][index] = record

    async def check(self) -> None:
        """Nobody else can reach it."""

    async def close(self) -> None:
        self._closed = True

    def _check_kept(self, partition: int, from_: int) -> None:
        check_kept(from_, start=self._starts[partition], end=self._ends[partition])


def _storable(text: str) -> bool:
    """What the port asks of texts; Postgres could not keep others."""
    return bool(text) and min(text) >= " "
