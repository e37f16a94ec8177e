"""Whether the store holds what the log says: every stream refolded in another order, and compared.

Order must not matter (merge.md section 4), so the refold draws one: pages of the log in a shuffled order, records
shuffled within each. That checks the projector, the store and the merge rules in one go. It reads only, beside running
servers: each stream is compared at the checkpoint that its cells were read with.

A partition is read for all its streams together, once if it is small: a pass over it keeps in memory what its streams
come to, so a large partition takes several, each for some of the streams.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Final, Literal, TypeAlias
from zlib import crc32

from syncd.errors import EpochChanged, OffsetExpired
from syncd.limits import READ_RECORDS_MAX
from syncd.log.bounds import check_folded
from syncd.log.port import EventLog
from syncd.log.record import LoggedRecord
from syncd.model.canonical import canonical, from_canonical
from syncd.model.cells import Cell, Cells, digest, fold
from syncd.operations.advance import Advance, Count, quiet
from syncd.operations.refold import admitted_of, group_pages, groups, written_by
from syncd.operations.refolded_counts import CountDiffers, RefoldedCounts
from syncd.store.port import CellRow, StateReader, StreamState

STREAMS_PAGE: Final = 5_000
"""Names of streams asked for at once."""
PASS_RECORDS_MAX: Final = 250_000
"""Records of a partition for each pass over it; some 300 MB where every record leaves a cell behind."""
KEYS_TOLD_MAX: Final = 20
"""Keys named of one stream that differs; a projection that went wrong may differ in all of them."""

Difference: TypeAlias = Literal["missing", "extra", "different"]
"""In the store, against the refold."""


@dataclass(frozen=True, slots=True)
class StreamDiffers:
    """A stream whose cells in the store are not those of its records.

    Attributes:
        offset: the checkpoint at which both were compared.
        keys: the first `KEYS_TOLD_MAX` that differ, in code-point order, of `keys_count`.
        counts: the first `KEYS_TOLD_MAX` of what is counted otherwise, by name, of `counts_count`.
    """

    stream: str
    partition: int
    offset: int
    store_digest: str
    refolded_digest: str
    keys: dict[str, Difference]
    keys_count: int
    counts: dict[str, CountDiffers]
    counts_count: int


@dataclass(slots=True)
class Verified:
    """What was compared, and what differs.

    Attributes:
        behind: records that the projector had not folded yet; they are not compared.
        unreadable: records that this version cannot read, which the projector set aside as dead letters.
    """

    seed: int
    behind: int = 0
    streams: int = 0
    records: int = 0
    cells: int = 0
    unreadable: int = 0
    differences: list[StreamDiffers] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        return not self.differences


async def verify(
    log: EventLog, store: StateReader, *, seed: int, partitions: list[int] | None = None, progress: Advance = quiet
) -> Verified:
    """Compare the store with the log.

    Args:
        seed: of the orders drawn; the same one draws the same.
        partitions: all of them when None.
        progress: (records read, of all), counting those again that are read again.

    Raises:
        EpochChanged: the store was folded from another life of the log, or from records that it has lost.
        OffsetExpired: the log does not reach back to its beginning.
        LogUnavailable, StoreUnavailable: no answer; ask again.
    """
    verified = Verified(seed)
    chosen = range(log.partitions) if partitions is None else partitions
    folded = {partition: await _folded(log, store, partition, verified) for partition in chosen}
    held = await _streams_with_cells(log, store, chosen)
    erased = await store.erased_streams()
    passes = {partition: max(1, -(-until // PASS_RECORDS_MAX)) for partition, until in folded.items()}
    count = Count(progress)
    count.begin(sum(folded[partition] * passes[partition] for partition in chosen))
    for partition, until in folded.items():
        for n in range(passes[partition]):
            is_mine = partial(_is_in_pass, n=n, of=passes[partition])
            mine = list(filter(is_mine, held[partition]))
            states = await _states(store, partition, mine)
            counts = RefoldedCounts(await store.counts(mine, partition), frozenset(mine))
            one = _Pass(log, partition, until, states, counts, random.Random(f"{seed}/{partition}/{n}"), erased=erased)
            await one.read(is_mine, count)
            one.compare(verified)
    return verified


async def verify_streams(
    log: EventLog, store: StateReader, streams: Sequence[str], *, seed: int, progress: Advance = quiet
) -> Verified:
    """Compare some streams only, as `verify`; where the log has an index, nothing else is read."""
    verified = Verified(seed)
    together = groups(log, streams)
    erased = await store.erased_streams()
    folded: dict[int, int] = {}
    for partition in sorted({log.partition_of(group[0]) for group in together}):
        folded[partition] = await _folded(log, store, partition, verified)
    count = Count(progress)
    count.begin(sum(folded[log.partition_of(group[0])] for group in together))
    for group in together:
        partition = log.partition_of(group[0])
        states = await _states(store, partition, group)
        counts = RefoldedCounts(await store.counts(group, partition), frozenset(group))
        order = random.Random(f"{seed}/{group[0]}")
        one = _Pass(log, partition, folded[partition], states, counts, order, only=group, erased=erased)
        await one.read(group.__contains__, count)
        one.compare(verified)
    return verified


async def _folded(log: EventLog, store: StateReader, partition: int, verified: Verified) -> int:
    """Up to where a partition is folded, which must be a part of what the log has."""
    checkpoint = await store.checkpoint(partition)
    if checkpoint.epoch not in ("", log.epoch(partition)):
        raise EpochChanged(
            f"partition {partition} was folded in epoch {checkpoint.epoch}, the log is in {log.epoch(partition)}"
        )
    start, end = await log.start(partition), await log.end(partition)
    if start > 0:
        raise OffsetExpired(f"partition {partition} begins at offset {start}; what was before it was trimmed")
    check_folded(partition, checkpoint.offset_next, start=start, end=end)
    verified.behind += end - checkpoint.offset_next
    return checkpoint.offset_next


async def _streams_with_cells(
    log: EventLog, store: StateReader, partitions: Collection[int]
) -> dict[int, list[str]]:  # fmt: skip
    """By partition; also those with nothing in the log that could have written their cells."""
    found: dict[int, list[str]] = {partition: [] for partition in partitions}
    after = ""
    while page := await store.streams_with_cells(after=after, limit=STREAMS_PAGE):
        for stream in page:
            if (partition := log.partition_of(stream)) in found:
                found[partition].append(stream)
        after = page[-1]
    return found


async def _states(store: StateReader, partition: int, streams: Iterable[str]) -> dict[str, StreamState]:
    return {stream: await store.cells(stream, partition) for stream in streams}


def _is_in_pass(stream: str, *, n: int, of: int) -> bool:
    return crc32(stream.encode()) % of == n


@dataclass(slots=True)
class _Refold:
    """What the records of a stream come to, below `until`; `held` is what the store has there."""

    until: int
    held: Sequence[CellRow] = ()
    cells: Cells = field(default_factory=dict)
    records: int = 0
    unreadable: int = 0


class _Pass:
    """One reading of a partition, for some of its streams.

    `only`: other records need not be read at all. `erased`: their records, where the log still has them, count nothing.
    """

    def __init__(
        self, log: EventLog, partition: int, until: int, states: Mapping[str, StreamState],
        counts: RefoldedCounts, order: random.Random,
        *, only: Collection[str] = (), erased: Collection[str],
    ) -> None:  # fmt: skip
        self._log = log
        self._partition = partition
        self._until = until
        self._counts = counts
        self._order = order
        self._only = only
        self._erased = erased
        # Each is compared where its cells were read, which may be further by now.
        self._refolds = {stream: _Refold(state.checkpoint.offset_next, state.cells) for stream, state in states.items()}

    async def read(self, is_mine: Callable[[str], bool], count: Count) -> None:
        """Fold the records of the streams that are ours, in the order drawn."""
        end = max([self._until, self._counts.until, *(refold.until for refold in self._refolds.values())])
        count.begin(end - self._until)
        starts = list(range(0, end, READ_RECORDS_MAX))
        self._order.shuffle(starts)
        for start in starts:
            until = min(start + READ_RECORDS_MAX, end)
            records = await self._records(start, until)
            self._order.shuffle(records)
            mine = [each for each in records if is_mine(each.stream) and each.stream not in self._erased]
            for record in mine:
                self._take(record)
            self._counts.take(mine)
            count.did(until - start)

    async def _records(self, from_: int, until: int) -> list[LoggedRecord]:
        records: list[LoggedRecord] = []
        if self._only:
            async for page_ in group_pages(self._log, self._only, from_, until):
                records += page_.records
            return records
        while from_ < until:
            page = await self._log.read(self._partition, from_, limit=until - from_)
            records += page
            from_ = page[-1].offset + 1
        return records

    def _take(self, record: LoggedRecord) -> None:
        # A stream that had no cells when they were listed had none at the checkpoint before.
        refold = self._refolds.setdefault(record.stream, _Refold(self._until))
        if record.offset < refold.until:
            admitted = admitted_of(record)
            fold(refold.cells, written_by(admitted))
            refold.records += 1
            refold.unreadable += admitted is None

    def compare(self, verified: Verified) -> None:
        """Add what was found."""
        for stream in sorted(self._refolds):
            refold = self._refolds.pop(stream)
            if not refold.records and not refold.held:
                continue  # it began behind the checkpoint
            verified.streams += 1
            verified.records += refold.records
            verified.unreadable += refold.unreadable
            verified.cells += len(refold.cells)
            held = {row.key: (row.rank, row.value) for row in refold.held}
            right = {key: (cell.rank, canonical(cell.value)) for key, cell in refold.cells.items()}
            counts = self._counts.differences(stream)
            if held != right or counts:
                verified.differences.append(self._difference(stream, refold, held, right, counts))

    def _difference(
        self, stream: str, refold: _Refold, held: _Values, right: _Values, counts: dict[str, CountDiffers]
    ) -> StreamDiffers:
        keys = sorted(key for key in held.keys() | right.keys() if held.get(key) != right.get(key))
        return StreamDiffers(
            stream=stream,
            partition=self._partition,
            offset=refold.until,
            store_digest=digest({row.key: Cell(row.rank, from_canonical(row.value)) for row in refold.held}),
            refolded_digest=digest(refold.cells),
            keys={key: _difference(key in held, key in right) for key in keys[:KEYS_TOLD_MAX]},
            keys_count=len(keys),
            counts=dict(islice(counts.items(), KEYS_TOLD_MAX)),
            counts_count=len(counts),
        )


_Values: TypeAlias = dict[str, tuple[str, bytes]]
"""Key -> rank and canonical value."""


def _difference(is_held: bool, is_right: bool) -> Difference:
    if is_held and is_right:
        return "different"
    return "extra" if is_held else "missing"
