"""Whether the store holds what the log says: every stream refolded in another order, and compared.

Order must not matter (merge.md section 4), so the refold draws one: pages of the log in a shuffled order, records
shuffled within each. That checks the projector, the store and the merge rules in one go. It reads only, beside running
servers: each stream is compared at the checkpoint that its cells were read with.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from syncd.errors import EpochChanged, OffsetExpired
from syncd.limits import READ_RECORDS_MAX
from syncd.log.port import EventLog
from syncd.model.canonical import canonical, from_canonical
from syncd.model.cells import Cell, Cells, digest, fold
from syncd.operations.refold import admitted_of, stream_pages, written_by
from syncd.store.port import StateReader

STREAMS_PAGE = 5_000
"""Names of streams asked for at once."""
KEYS_TOLD_MAX = 20
"""Keys named of one stream that differs; a projection that went wrong may differ in all of them."""

Difference: TypeAlias = Literal["missing", "extra", "different"]
"""In the store, against the refold."""


@dataclass(frozen=True, slots=True)
class StreamDiffers:
    """A stream whose cells in the store are not those of its records.

    Attributes:
        offset: the checkpoint at which both were compared.
        keys: the first `KEYS_TOLD_MAX` that differ, in code-point order, of `keys_count`.
    """

    stream: str
    partition: int
    offset: int
    store_digest: str
    refolded_digest: str
    keys: dict[str, Difference]
    keys_count: int


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


Progress: TypeAlias = Callable[[int, int], None]
"""(streams done, streams in all), after every stream."""


async def verify(
    log: EventLog, store: StateReader, *, seed: int, partitions: list[int] | None = None, progress: Progress
) -> Verified:
    """Compare the store with the log.

    Args:
        seed: of the orders drawn; the same one draws the same.
        partitions: all of them when None.

    Raises:
        EpochChanged: the store was folded from another life of the log.
        OffsetExpired: the log does not reach back to its beginning.
        LogUnavailable, StoreUnavailable: no answer; ask again.
    """
    verified = Verified(seed)
    names: list[tuple[int, str]] = []
    chosen = range(log.partitions) if partitions is None else partitions
    for partition in chosen:
        names += [(partition, stream) for stream in await _streams(log, store, partition, verified)]
    names += await _streams_without_records(log, store, dict.fromkeys(stream for _, stream in names), chosen)
    for n, (partition, stream) in enumerate(names, start=1):
        await _verify_stream(log, store, stream, partition, random.Random(f"{seed}/{stream}"), verified)
        progress(n, len(names))
    return verified


async def _streams(log: EventLog, store: StateReader, partition: int, verified: Verified) -> list[str]:
    """The streams that have records below the partition's checkpoint, in the order of their first ones."""
    checkpoint = await store.checkpoint(partition)
    if checkpoint.epoch not in ("", log.epoch(partition)):
        raise EpochChanged(
            f"partition {partition} was folded in epoch {checkpoint.epoch}, the log is in {log.epoch(partition)}"
        )
    start = await log.start(partition)
    if start > 0:
        raise OffsetExpired(f"partition {partition} begins at offset {start}; what was before it was trimmed")
    verified.behind += max(0, await log.end(partition) - checkpoint.offset_next)
    streams: dict[str, None] = {}
    offset = 0
    while offset < checkpoint.offset_next:
        page = await log.read(partition, offset, limit=READ_RECORDS_MAX)
        streams.update(dict.fromkeys(record.stream for record in page))
        offset = page[-1].offset + 1
    return list(streams)


async def _streams_without_records(
    log: EventLog, store: StateReader, known: Container[str], partitions: Container[int]
) -> list[tuple[int, str]]:
    """Streams that have cells, and nothing in the log that could have written them."""
    found: list[tuple[int, str]] = []
    after = ""
    while page := await store.streams_with_cells(after=after, limit=STREAMS_PAGE):
        found += [(log.partition_of(stream), stream) for stream in page if stream not in known]
        after = page[-1]
    return [(partition, stream) for partition, stream in found if partition in partitions]


async def _verify_stream(
    log: EventLog, store: StateReader, stream: str, partition: int, order: random.Random, verified: Verified
) -> None:
    state = await store.cells(stream, partition)
    until = state.checkpoint.offset_next
    # Only where pages begin is kept, so that a stream of any length is refolded in the memory of one page.
    parts = [(page[0].offset, page[-1].offset + 1) async for page in stream_pages(log, stream, until=until)]
    order.shuffle(parts)
    cells: Cells = {}
    for from_, end in parts:
        page = await log.read_stream(stream, from_, until=end, limit=READ_RECORDS_MAX)
        assert page.offset_next == end, "what a page held once it holds again"
        records = list(page.records)
        order.shuffle(records)
        for record in records:
            admitted = admitted_of(record)
            verified.unreadable += admitted is None
            fold(cells, written_by(admitted))
        verified.records += len(records)
    verified.streams += 1
    verified.cells += len(cells)
    held = {row.key: (row.rank, row.value) for row in state.cells}
    right = {key: (cell.rank, canonical(cell.value)) for key, cell in cells.items()}
    if held != right:
        keys = sorted(key for key in held.keys() | right.keys() if held.get(key) != right.get(key))
        verified.differences.append(
            StreamDiffers(
                stream=stream,
                partition=partition,
                offset=until,
                store_digest=digest({row.key: Cell(row.rank, from_canonical(row.value)) for row in state.cells}),
                refolded_digest=digest(cells),
                keys={key: _difference(key in held, key in right) for key in keys[:KEYS_TOLD_MAX]},
                keys_count=len(keys),
            )
        )


def _difference(is_held: bool, is_right: bool) -> Difference:
    if is_held and is_right:
        return "different"
    return "extra" if is_held else "missing"
