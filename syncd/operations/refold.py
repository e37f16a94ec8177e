"""Streams read from the log again: their records in pages, and what they come to.

A log with an index reads one stream; another one reads the whole partition for it. So streams are read in groups, each
by one reading, and the reading begins where the streams can have begun.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from typing import Final

from syncd.errors import OffsetExpired, Poison
from syncd.limits import READ_RECORDS_MAX
from syncd.log.port import EventLog, Page, SearchableLog, TimedLog
from syncd.log.record import Admitted, LoggedRecord, decode_record
from syncd.model.cells import Cells
from syncd.model.lowering import lower

CLOCKS_APART_MS: Final = 3_600_000
"""How far the clocks of our machines may be apart where a time decides what is not read at all."""


def groups(log: EventLog, streams: Iterable[str]) -> list[list[str]]:
    """The streams, in groups that one reading serves: each by itself where the log has an index, else by partition."""
    found: dict[object, list[str]] = {}
    for stream in dict.fromkeys(streams):
        found.setdefault(stream if isinstance(log, SearchableLog) else log.partition_of(stream), []).append(stream)
    return list(found.values())


async def first_offset(log: EventLog, partition: int, since_ms: int | None) -> int:
    """An offset below which nothing was admitted since then; 0 where the log cannot tell.

    Raises:
        LogUnavailable: no answer.
    """
    if since_ms is None or not isinstance(log, TimedLog):
        return 0
    offset = await log.offset_at(partition, since_ms - CLOCKS_APART_MS)
    # The first record that is kept says nothing of those before it that are gone.
    return offset if offset > await log.start(partition) else 0


async def group_pages(log: EventLog, streams: Collection[str], from_: int, until: int) -> AsyncIterator[Page]:
    """The records at offsets [from_, until) of streams that lie in one partition, in the log's order; a page may be
    empty.

    Raises:
        OffsetExpired: the log does not reach back to `from_` any more.
        LogUnavailable: no answer.
    """
    first, *others = streams
    partition = log.partition_of(first)
    start = await log.start(partition)
    if start > from_:
        raise OffsetExpired(f"partition {partition} begins at offset {start}; what was before it was trimmed")
    while from_ < until:
        if not others:
            page = await log.read_stream(first, from_, until=until, limit=READ_RECORDS_MAX)
        else:
            passed = await log.read(partition, from_, limit=min(READ_RECORDS_MAX, until - from_))
            page = Page([record for record in passed if record.stream in streams], passed[-1].offset + 1)
        yield page
        from_ = page.offset_next


async def stream_pages(
    log: EventLog, stream: str, *, from_: int = 0, until: int | None = None
) -> AsyncIterator[Sequence[LoggedRecord]]:
    """All records of one stream in [from_, until) of its partition, in the log's order; to the log's end when None.

    Raises:
        OffsetExpired: the log does not reach back to `from_` any more.
        LogUnavailable: no answer.
    """
    end = await log.end(log.partition_of(stream)) if until is None else until
    async for page in group_pages(log, [stream], from_, end):
        if page.records:
            yield page.records


def admitted_of(record: LoggedRecord) -> Admitted | None:
    """The record's event, or None when it can never be read: the projector set it aside as a dead letter."""
    try:
        return decode_record(record)
    except Poison:
        return None


def written_by(admitted: Admitted | None) -> Cells:
    """The cells that an event writes; none when it could not be read."""
    return {} if admitted is None else lower(admitted.event)
