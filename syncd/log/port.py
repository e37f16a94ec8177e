"""The log's contract.

Words. A *record* is an admitted event (`syncd.log.record`). A *partition* is one totally ordered slice of the log; a
stream lives in one. *Offsets* count a partition's records from 0 without gaps; an offset held by a reader is that of
the *next* record, so "at 12" has seen 0 to 11. An *epoch* names one unbroken life of a partition: offsets are compared
only within one. *Durable* means that a crash of every process, and of the machine, keeps it.

Source: design.md section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from syncd.log.record import LoggedRecord, Record


@dataclass(frozen=True, slots=True)
class Appended:
    """How an append ended for the records of one partition.

    Attributes:
        outcome: `written`: durable. `refused`: none of them is in the log, nor will be. `unknown`: they may be, now or
            later; whoever must know reads the log.
        records: the very objects that were given.
        offset_start: of the first record, when written; the others follow without a gap, in the order given.
        reason: public text, empty when written.
    """

    partition: int
    outcome: Literal["written", "refused", "unknown"]
    records: Sequence[Record]
    offset_start: int = -1
    reason: str = ""


class Page(NamedTuple):
    """Some records out of a part of a partition.

    Attributes:
        records: in order.
        offset_next: where the next page begins; the end of the part when this is the last one.
    """

    records: Sequence[LoggedRecord]
    offset_next: int


class EventLog(Protocol):
    """A durable log of records in partitions."""

    @property
    def partitions(self) -> int:
        """How many there are, as the deployment has it written down."""

    def partition_of(self, stream: str) -> int:
        """The partition a stream lives in."""

    def epoch(self, partition: int) -> str:
        """The name of the partition's present life: 1 to 16 characters `[0-9a-z]`, known since the log was opened."""

    async def append(self, records: Sequence[Record]) -> list[Appended]:
        """Make records durable at the ends of their partitions.

        All or nothing per partition; records of one partition keep the order given, and no record of another append
        comes between them. Appends of one caller that do not overlap in time keep their order. Appending a record twice
        writes it twice: joining makes that harmless.
        Never raises for the log's own troubles: they are outcomes. If cancelled, the outcome is unknown.

        Args:
            records: 1 to `limits.APPEND_RECORDS_MAX`, of any streams. Their texts are not empty and hold no control
                characters, which is admission's to see to; the log may refuse such a group.

        Returns:
            One outcome per partition touched, ascending.
        """

    async def read(self, partition: int, from_: int, *, limit: int) -> list[LoggedRecord]:
        """Records at offsets `from_` and up; empty when `from_` is the end. Only durable ones.

        At most `limit` of them, `limits.READ_RECORDS_MAX`, and `limits.READ_BYTES_MAX` of bodies.

        Raises:
            OffsetExpired: retention has passed `from_`.
            OffsetInFuture: `from_` is beyond the end.
            LogUnavailable: no answer in time.
            EpochChanged: the log began another life since it was opened; any method but `append`, which refuses, may
                raise it. Let go of what was learned, and open it anew.
        """

    async def read_stream(self, stream: str, from_: int, *, until: int, limit: int) -> Page:
        """As `read`, but only the records of one stream, at offsets [from_, until).

        A log that has no index of streams reads all the others as well: one call then looks at no more than a `read`
        returns, and its page may be empty though others follow.

        Raises:
            OffsetExpired, LogUnavailable, EpochChanged: as `read`.
            OffsetInFuture: `from_` or `until` is beyond the end.
        """

    async def start(self, partition: int) -> int:
        """The offset of the oldest record kept."""

    async def end(self, partition: int) -> int:
        """The offset that the next record will get. Every append that ended before this call began lies below it.

        Raises:
            LogUnavailable: no answer in time.
        """

    async def wait_beyond(self, partition: int, offset: int, *, timeout_s: float) -> int:
        """Wait until the partition's end is beyond `offset`.

        Returns:
            The end as far as it is known now: beyond `offset`, or not when `timeout_s` passed first. May be late by
            `limits.LOG_POLL_S` when a notification was lost, never by more.

        Raises:
            LogUnavailable: no answer in time.
        """

    async def check(self) -> None:
        """See whether the log is still the one that was opened, for those who have nothing to read.

        Raises:
            EpochChanged: it is another one, or gone.
            ConfigError: somebody changed its shape; this process goes on as before, and another one would not start.
            LogUnavailable: no answer in time.
        """

    async def close(self) -> None:
        """Let go of connections. Appends under way end as unknown."""


@runtime_checkable
class SearchableLog(EventLog, Protocol):
    """A log with an index: it finds one event, and the records of one stream, without reading the others.

    A table can. Kafka finds records by their offset, and by nothing else.
    """

    async def find(self, stream: str, writer: str, seq: int) -> LoggedRecord | None:
        """The first record of an event id on a stream, or None."""


@runtime_checkable
class RewritableLog(EventLog, Protocol):
    """A log whose records can be overwritten where they stand. For what must be forgotten, and for nothing else: who
    has read a record already is not told."""

    async def overwrite(self, records: Sequence[LoggedRecord]) -> None:
        """Put these in the place of the records at their offsets, all or none. Their partitions and streams stay.

        Offsets that retention has passed are left out. Twice is harmless.

        Args:
            records: of one partition, at most `limits.READ_RECORDS_MAX`.

        Raises:
            LogUnavailable: no answer in time; they may be overwritten or not.
        """


@runtime_checkable
class TimedLog(EventLog, Protocol):
    """A log that keeps when a record was written, and finds a place by it. Kafka does."""

    async def offset_at(self, partition: int, time_ms: int) -> int:
        """The first record kept that was written at `time_ms` or later; the end when there is none.

        Times are those of whoever appended, so they may fall a little from record to record, and one that was copied
        from another log has the time of the copy.

        Raises:
            LogUnavailable: no answer in time.
        """


@runtime_checkable
class TrimmableLog(EventLog, Protocol):
    """A log that can forget its oldest records."""

    async def trim(self, partition: int, before: int) -> None:
        """Forget the records below `before`; `start` is at least `before` from then on. Twice is harmless.

        If cancelled, or the log becomes unavailable, `start` may be there already while records are still being
        deleted; trim again.

        Raises:
            OffsetInFuture: `before` is beyond the end. Nothing is forgotten.
            LogUnavailable: no answer in time.
        """


@runtime_checkable
class PacedLog(EventLog, Protocol):
    """A log whose appends cost it, and us, much the same whether they hold one record or a hundred."""

    @property
    def pace_s(self) -> float:
        """How long after an append began the next one is best begun, seconds. Sooner is no fault, and no use."""
