"""Making the lines of an account, or of everything, from a deployment that goes on running."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from syncd.accounts import Account, Accounts
from syncd.errors import OffsetExpired
from syncd.limits import READ_RECORDS_MAX
from syncd.log.port import EventLog, SearchableLog
from syncd.log.record import LoggedRecord, Record
from syncd.model.ids import AccountId, account_stream
from syncd.operations.advance import Advance
from syncd.operations.refold import stream_pages
from syncd.operations.transfer.lines import AccountLine, Content, DeviceLine, RecordLine, StreamLine, WriterLine
from syncd.store.port import Store

Passes: TypeAlias = Callable[[LoggedRecord], bool]


@dataclass(frozen=True, slots=True)
class Place:
    """A deployment, as far as a transfer needs it."""

    log: EventLog
    store: Store
    accounts: Accounts


@dataclass(frozen=True, slots=True)
class Selection:
    """What to gather.

    Attributes:
        account: with its stream and the playlists it owns; everything there is when None.
        identities: whether accounts, devices, owners and writers are gathered, or records only.
        passes: which records; all of them when None.
        whole: whether to refuse a log that was trimmed, whose records do not add up to the state any more.
    """

    account: Account | None = None
    identities: bool = True
    passes: Passes | None = None
    whole: bool = True


async def gather(place: Place, selection: Selection, *, progress: Advance) -> AsyncIterator[Content]:
    """The lines: identities first, then the records that were in the log when this was called.

    Args:
        progress: (records looked at, of all).

    Raises:
        OffsetExpired: the log was trimmed, and all of it was wanted.
        LogUnavailable, StoreUnavailable: no answer.
    """
    log, store = place.log, place.store
    # The ends come first: whoever owns or wrote what lies below them is known by the time the identities are read.
    ends = {partition: await log.end(partition) for partition in range(log.partitions)}
    streams: set[str] | None = None
    if selection.account is not None:
        account = selection.account.account
        streams = {account_stream(AccountId(account)), *await store.streams_owned(account)}
        ends = {partition: ends[partition] for partition in {log.partition_of(stream) for stream in streams}}
    starts = {partition: await log.start(partition) for partition in ends}
    if selection.whole:
        _check_untrimmed(starts)
    if selection.identities:
        chosen = [selection.account] if selection.account is not None else await place.accounts.all()
        for one in chosen:
            async for line in _identities(place, one):
                yield line
    async for record in records(log, streams, starts, ends, progress=progress):
        if selection.passes is None or selection.passes(record):
            yield RecordLine.of(Record(*record[2:]))


async def _identities(place: Place, account: Account) -> AsyncIterator[Content]:
    yield AccountLine(account.account, account.name, account.created_ms)
    for device in await place.accounts.devices(account.account):
        yield DeviceLine(device.device, device.account, device.name, device.linked_ms, device.revoked_ms)
    for stream in await place.store.streams_owned(account.account):
        yield StreamLine(stream, account.account)
    for writer in await place.store.writers_of(account.account):
        yield WriterLine(*writer)


async def records(
    log: EventLog, streams: set[str] | None, starts: Mapping[int, int], ends: Mapping[int, int], *, progress: Advance
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


def _check_untrimmed(starts: Mapping[int, int]) -> None:
    for partition, start in starts.items():
        if start > 0:
            raise OffsetExpired(
                f"partition {partition} begins at offset {start}: what was before it was trimmed, so its records do "
                "not add up to the state; `syncd backup` keeps the state itself"
            )
