"""Reading a part of a log, once, up to where it ended when the reading began."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from syncd.errors import Undecodable
from syncd.limits import READ_RECORDS_MAX
from syncd.log.port import EventLog, SearchableLog
from syncd.log.record import LoggedRecord, check_named
from syncd.operations.advance import Advance, quiet
from syncd.operations.refold import stream_pages


async def records(
    log: EventLog,
    streams: set[str] | None,
    starts: Mapping[int, int],
    ends: Mapping[int, int],
    *,
    progress: Advance = quiet,
) -> AsyncIterator[LoggedRecord]:
    """Records of some streams, or of all when None, each stream's in the log's order.

    Args:
        starts, ends: per partition, which offsets to read: half-open [start, end).
        progress: (records looked at, of all).

    Raises:
        OffsetExpired: the log was trimmed meanwhile.
        LogUnavailable: no answer.
    """
    done, of_all = 0, sum(end - starts[partition] for partition, end in ends.items())
    if streams is not None and isinstance(log, SearchableLog):
        for stream in sorted(streams):
            partition = log.partition_of(stream)
            async for page in stream_pages(log, stream, from_=starts[partition], until=ends[partition]):
                for record in page:
                    yield record
                done += len(page)
                progress(done, of_all)
        return
    for partition, end in ends.items():
        offset = starts[partition]
        while offset < end:
            for record in await log.read(partition, offset, limit=READ_RECORDS_MAX):
                offset = record.offset + 1
                if record.offset < end and (streams is None or record.stream in streams):
                    yield record
                done += 1
            progress(min(done, of_all), of_all)


def is_ours(record: LoggedRecord) -> bool:
    """Whether a gateway may have written the record. Whoever can reach a topic can write to it; what has no stream, no
    writer or no kind of ours is set aside by every projector, and has no place in another log."""
    try:
        check_named(record)
    except Undecodable:
        return False
    return bool(record.kind) and record.kind.isprintable()
