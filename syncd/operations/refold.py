"""A stream read from the log again: its records in pages, and what they come to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from syncd.errors import OffsetExpired, Poison
from syncd.limits import READ_RECORDS_MAX
from syncd.log.port import SearchableLog
from syncd.log.record import Admitted, LoggedRecord, decode_record
from syncd.model.cells import Cells
from syncd.model.lowering import lower


async def stream_pages(
    log: SearchableLog, stream: str, *, until: int | None = None
) -> AsyncIterator[Sequence[LoggedRecord]]:
    """All records of a stream from offset 0 to `until` (not included; the log's end when None), in the log's order.

    Raises:
        OffsetExpired: the log does not reach back to offset 0 any more.
        LogUnavailable: no answer.
    """
    partition = log.partition_of(stream)
    start = await log.start(partition)
    if start > 0:
        raise OffsetExpired(f"partition {partition} begins at offset {start}; what was before it was trimmed")
    end = await log.end(partition) if until is None else until
    from_ = 0
    while from_ < end:
        page = await log.read_stream(stream, from_, limit=READ_RECORDS_MAX)
        inside = [record for record in page if record.offset < end]
        if inside:
            yield inside
        if len(inside) < READ_RECORDS_MAX:
            return
        from_ = inside[-1].offset + 1


def admitted_of(record: LoggedRecord) -> Admitted | None:
    """The record's event, or None when it can never be read: the projector set it aside as a dead letter."""
    try:
        return decode_record(record)
    except Poison:
        return None


def written_by(admitted: Admitted | None) -> Cells:
    """The cells that an event writes; none when it could not be read."""
    return {} if admitted is None else lower(admitted.event)
