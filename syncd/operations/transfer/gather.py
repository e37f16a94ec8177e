"""Making the lines of an account, or of everything, from a deployment that goes on running."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from syncd.accounts import Account, Accounts
from syncd.errors import OffsetExpired
from syncd.log.port import EventLog
from syncd.log.record import LoggedRecord
from syncd.model.ids import AccountId, account_stream
from syncd.operations.advance import Advance, quiet
from syncd.operations.transfer.lines import AccountLine, Content, DeviceLine, RecordLine, StreamLine, WriterLine
from syncd.operations.transfer.reading import is_ours, records
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


async def gather(place: Place, selection: Selection, *, progress: Advance = quiet) -> AsyncIterator[Content]:
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
    erased = await store.erased_streams()
    async for record in records(log, streams, starts, ends, progress=progress):
        if is_ours(record) and record.stream not in erased and (selection.passes is None or selection.passes(record)):
            yield RecordLine.of(record.record())


async def _identities(place: Place, account: Account) -> AsyncIterator[Content]:
    yield AccountLine(account.account, account.name, account.created_ms)
    for device in await place.accounts.devices(account.account):
        yield DeviceLine(device.device, device.account, device.name, device.linked_ms, device.revoked_ms)
    for stream in await place.store.streams_owned(account.account):
        yield StreamLine(stream, account.account)
    for writer in await place.store.writers_of(account.account):
        yield WriterLine(*writer)


def _check_untrimmed(starts: Mapping[int, int]) -> None:
    for partition, start in starts.items():
        if start > 0:
            raise OffsetExpired(
                f"partition {partition} begins at offset {start}: what was before it was trimmed, so its records do "
                "not add up to the state; `syncd backup` keeps the state itself"
            )
