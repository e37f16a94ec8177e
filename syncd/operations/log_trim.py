"""Forgetting the oldest records: where a trim would end, what that costs, and doing it.

Only what the store has folded may go, so state is never lost by it. What is lost is the past: whatever refolds the log
from its beginning cannot do so any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from syncd.errors import EpochChanged, OffsetInFuture, Refused
from syncd.limits import READ_RECORDS_MAX
from syncd.log.port import EventLog, TrimmableLog
from syncd.operations.advance import Advance, quiet
from syncd.operations.refold import admitted_of, first_offset
from syncd.store.port import ProjectionStore, StateReader

COST: Final = (
    "State stays: every account keeps what its devices show, and devices resume as before.",
    "Gone for good is the past below the new beginning: `why`, `timeline`, `state --at`, `verify`, `rebuild`, `export` "
    "and `replay` need the log from its beginning, or show only what is left.",
    "A device that never heard how events below the new beginning ended gets a new writer, and compares the cells: "
    "what was overwritten since is said once more, and loses again.",
    "A backup that was taken before still holds it: `syncd backup`.",
)
"""What an operator must know before saying yes."""


@dataclass(frozen=True, slots=True)
class Before:
    """Where a trim should end: at an offset, or before the first record that was admitted at `time_ms` or later.

    Exactly one of the two is given.
    """

    offset: int | None = None
    time_ms: int | None = None


@dataclass(frozen=True, slots=True)
class PartitionTrim:
    """What a trim does to one partition.

    Attributes:
        start: the oldest offset kept now.
        before: the oldest offset kept afterwards; `start` when nothing goes.
        checkpoint: up to where the store has folded; nothing at or above it goes.
        end: the offset of the next record.
        held_back: records that were asked to go and stay, because they are not folded yet.
    """

    partition: int
    start: int
    before: int
    checkpoint: int
    end: int
    held_back: int

    @property
    def records(self) -> int:
        """How many records go."""
        return self.before - self.start


TrimPlan: TypeAlias = Sequence[PartitionTrim]


async def plan_trim(
    log: EventLog,
    store: StateReader,
    before: Before,
    *,
    partitions: Sequence[int] | None = None,
    progress: Advance = quiet,
) -> TrimPlan:
    """What a trim would do; changes nothing.

    A time is found by reading from the oldest record on, because times of admission need not rise with offsets:
    gateways' clocks differ, and imported records are older than their neighbours.

    Args:
        partitions: all of them when None.
        progress: told how many records were looked at, of how many at most.

    Raises:
        EpochChanged: the store was folded from another life of the log.
        OffsetInFuture: the offset is beyond the end.
        LogUnavailable, StoreUnavailable: no answer.
    """
    trims = []
    for partition in range(log.partitions) if partitions is None else partitions:
        checkpoint = await store.checkpoint(partition)
        if checkpoint.epoch not in ("", log.epoch(partition)):
            raise EpochChanged(
                f"partition {partition} was folded in epoch {checkpoint.epoch}, the log is in {log.epoch(partition)}: "
                "let a projector catch up first"
            )
        start, end = await log.start(partition), await log.end(partition)
        asked = await _first_kept(log, partition, before, start=start, end=end, progress=progress)
        kept = max(start, min(asked, checkpoint.offset_next))
        trims.append(PartitionTrim(partition, start, kept, checkpoint.offset_next, end, max(0, asked - kept)))
    return trims


async def trim(log: EventLog, store: ProjectionStore, plan: TrimPlan, *, progress: Advance = quiet) -> None:
    """Do what the plan says. Interrupted, a part of it is done; plan again, and go on.

    Raises:
        Refused: this log cannot forget.
        OffsetInFuture, LogUnavailable: as the log says.
        StoreUnavailable: the store does not answer.
    """
    if not isinstance(log, TrimmableLog):
        raise Refused("this log cannot forget records by itself")
    for done, part in enumerate(plan, start=1):
        if part.records:
            await store.make_durable(part.partition)
            await log.trim(part.partition, part.before)
        progress(done, len(plan))


async def _first_kept(
    log: EventLog, partition: int, before: Before, *, start: int, end: int, progress: Advance
) -> int:  # fmt: skip
    """The offset to keep first, if everything were folded."""
    if before.offset is not None:
        if before.offset > end:
            raise OffsetInFuture(f"offset {before.offset} is beyond {end}, the end of partition {partition}")
        return before.offset
    assert before.time_ms is not None, "an offset or a time"
    offset = start = max(start, await first_offset(log, partition, before.time_ms))
    while offset < end:
        for record in await log.read(partition, offset, limit=READ_RECORDS_MAX):
            admitted = admitted_of(record)
            if record.offset >= end or (admitted is not None and admitted.admitted_ms >= before.time_ms):
                return record.offset
            offset = record.offset + 1
        progress(offset - start, end - start)
    return end
