"""A stream's records since an offset, from memory where the ring has them, else from the log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from syncd.errors import Poison
from syncd.limits import READ_RECORDS_MAX
from syncd.log.port import EventLog
from syncd.log.record import LoggedRecord, decode_record
from syncd.push.entry import Entry
from syncd.push.entry_of import entry_of
from syncd.push.recent import Recent


async def stream_entries(log: EventLog, stream: str, from_: int, until: int) -> AsyncIterator[Sequence[Entry]]:
    """The stream's entries at offsets [from_, until), in pages from the log; those that do not decode are left out.

    Raises:
        PositionLost: `from_` is not in the log any more.
        LogUnavailable: no answer.
    """
    while from_ < until:
        records, from_ = await log.read_stream(stream, from_, until=until, limit=READ_RECORDS_MAX)
        yield [entry for record in records if (entry := _entry(record)) is not None]


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


def _entry(record: LoggedRecord) -> Entry | None:
    try:
        return entry_of(record, decode_record(record))
    except Poison:
        return None
