"""A stream's records since an offset, from memory where the ring has them, else from the log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from syncd.errors import Poison
from syncd.limits import READ_RECORDS_MAX
from syncd.log.port import EventLog, SearchableLog
from syncd.log.record import LoggedRecord, decode_record
from syncd.push.entry import Entry, entry_of
from syncd.push.recent import Recent


async def stream_entries(log: EventLog, stream: str, from_: int, until: int) -> AsyncIterator[Sequence[Entry]]:
    """The stream's entries at offsets [from_, until), in pages from the log; those that do not decode are left out.

    Raises:
        PositionLost: `from_` is not in the log any more.
        LogUnavailable: no answer.
    """
    partition = log.partition_of(stream)
    search = log if isinstance(log, SearchableLog) else None
    while from_ < until:
        if search is not None:
            records = await search.read_stream(stream, from_, limit=READ_RECORDS_MAX)
        else:
            records = await log.read(partition, from_, limit=READ_RECORDS_MAX)
        yield [entry for record in records if record.offset < until and (entry := _entry(record, stream)) is not None]
        if not records:
            return  # a page that is merely short says nothing: the log cuts by bytes as well
        from_ = records[-1].offset + 1


async def recent_entries(
    log: EventLog, recent: Recent, stream: str, from_: int
) -> tuple[list[Entry], int]:  # fmt: skip
    """Every entry of the stream from `from_` up to the tail's position, and that position.

    When the call returns, nothing has been published beyond the position it returns: the last step takes what is in
    the ring without an await.
    """
    entries: list[Entry] = []
    while not recent.covers(stream, from_):
        until = recent.position
        assert from_ < until, f"offset {from_} is beyond the tail's position {until}"
        async for page in stream_entries(log, stream, from_, until):
            entries.extend(page)
        from_ = until
    entries.extend(recent.since(stream, from_))
    return entries, recent.position


def _entry(record: LoggedRecord, stream: str) -> Entry | None:
    if record.stream != stream:
        return None
    try:
        return entry_of(record, decode_record(record))
    except Poison:
        return None
