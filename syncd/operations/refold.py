"""A stream read from the log again: its records in pages, and what they come to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from syncd.errors import OffsetExpired, Poison
from syncd.limits import READ_RECORDS_MAX
from syncd.log.port import EventLog
from syncd.log.record import Admitted, LoggedRecord, decode_record
from syncd.model.cells import Cells
from syncd.model.lowering import lower


async def stream_pages(
    log: EventLog, stream: str, *, from_: int = 0, until: int | None = None
) -> AsyncIterator[Sequence[LoggedRecord]]:
    """All records of a stream in [from_, until) of its partition, in the log's order; to the log's end when None.

    Raises:
        OffsetExpired: the log does not reach back to `from_` any more.
        LogUnavailable: no answer.
    """
    partition = log.partition_of(stream)
    start = await log.start(partition)
    if start > from_:
        raise OffsetExpired(f"partition {partition} begins at offset {start}; what was before it was trimmed")
    end = await log.end(partition) if until is None else until
    while from_ < end:
        records, from_ = await log.read_stream(stream, from_, until=end, limit=READ_RECORDS_MAX)
        if records:
            yield records


def admitted_of(record: LoggedRecord) -> Admitted | None:
    """The record's event, or None when it can never be read: the projector set it aside as a dead letter."""
    try:
        return decode_record(record)
    except Poison:
        return None


def written_by(admitted: Admitted | None) -> Cells:
    """The cells that an event writes; none when it could not be read."""
    return {} if admitted is None else lower(admitted.event)
