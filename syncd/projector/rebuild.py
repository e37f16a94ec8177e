"""Cells built anew from the log, beside the live ones, and swapped for them where they differ. Nothing stops.

The plain way empties the cells and folds the log again: while it runs, devices that come back are shown less than they
had. A copy that is renamed at the end loses what was folded since it was made, or stops whoever folds.

Here a run *stages* what the log says in a table of its own, never beyond the projector's checkpoint, until it has
caught up. Then, for some streams at a time, it holds the checkpoint for a moment: the projector cannot commit, the run
folds the few records it lacks, and both generations stand at the very same offset. Where they are equal nothing is
written.
For each stream that differs it appends a `projection.rebuilt` record, gives that offset to the cells which change, and
commits. Gateways that meet the record wait for that commit and send what changed, or, where a rank fell, a snapshot.

It ends: a run folds faster than events come, or it says that it does not. Stopped at any point, what is staged stays,
and the next run goes on there; a swap that was cut off has changed nothing, and its record then tells of nothing.
Source: design.md section 4; docs/decisions/0013-rebuild.md
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import groupby
from typing import Final

import syncd
from syncd.clock import Clock
from syncd.errors import AppendUnknown, EpochChanged, LogUnavailable, OffsetExpired, Overloaded
from syncd.limits import APPEND_RECORDS_MAX, READ_RECORDS_MAX
from syncd.log.port import EventLog
from syncd.log.record import Body, LoggedRecord, Record, encode_record
from syncd.logs import get_logger
from syncd.model.events import REBUILT
from syncd.model.ids import WRITER_LENGTH
from syncd.model.stamp import pack
from syncd.projector.folding import fold_cells
from syncd.store.port import StateReader
from syncd.store.rebuild_port import EVERYTHING, Rebuilding, RebuildStore, Run, StreamDifference, Swap

log = get_logger("projector")

STAGE_RECORDS: Final = 5_000
"""Records joined in memory before they are staged: fewer rows than records, a second of work lost when killed."""
SWAP_RECORDS_MAX: Final = 2_000
"""Records folded while the checkpoint is held: about 50 ms. Whoever is further behind catches up first."""
SWAP_CELLS: Final = 20_000
"""Cells compared, and at most about so many swapped, in one transaction: some tenths of a second. One stream is never
cut, so its devices see it whole."""
CATCH_UPS_MAX: Final = 20
"""Times a run may find itself further behind than that; then events come faster than it folds them."""
APPEND_ATTEMPTS: Final = 3
"""An append whose outcome is unknown is made again: a second record tells of the same swap."""

Progress = Callable[[int, int], None]
"""(records passed, of all)"""


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild did, or, when dry, would do.

    Attributes:
        records: that were read in this run; fewer than the log holds when it went on where another had stopped.
        unreadable: of them, those that this version cannot read either.
        resumed: records that an earlier, stopped run had staged already.
        differences: streams whose cells differed, each as it was found.
        cells_changed: added, replaced or removed by swaps.
    """

    records: int = 0
    resumed: int = 0
    unreadable: int = 0
    cells_changed: int = 0
    differences: list[StreamDifference] = field(default_factory=list)


async def rebuild(
    event_log: EventLog, store: StateReader, rebuilds: RebuildStore, clock: Clock, *, streams: Sequence[str] | None,
    dry_run: bool, progress: Progress,
) -> Rebuilt:  # fmt: skip
    """Build cells anew, and swap them for the live ones where they differ.

    Args:
        streams: these alone; all of them when None.
        dry_run: swap nothing, only tell.

    Raises:
        Conflict: another rebuild is under way.
        OffsetExpired: the log does not reach back to its beginning.
        EpochChanged: the store was folded from another life of the log.
        Overloaded: events come faster than this folds them.
        AppendUnknown, LogUnavailable, StoreUnavailable: no answer. What was staged stays; run it again.
    """
    async with rebuilds.rebuilding() as right:
        work = _Rebuild(event_log, store, right, clock, dry_run=dry_run, progress=progress)
        if streams is None:
            await work.everything()
        else:
            for stream in dict.fromkeys(streams):
                await work.one_stream(stream)
        return work.done


class _Rebuild:
    """One process' work on it."""

    def __init__(
        self, event_log: EventLog, store: StateReader, right: Rebuilding, clock: Clock, *, dry_run: bool,
        progress: Progress,
    ) -> None:  # fmt: skip
        self._log = event_log
        self._store = store
        self._right = right
        self._clock = clock
        self._dry_run = dry_run
        self._progress = progress
        self._writer = secrets.token_hex(WRITER_LENGTH // 2)
        self._seqs: dict[str, int] = {}
        self._offsets: dict[int, int] = {}
        self._erased: frozenset[str] = frozenset()
        self._ends: dict[int, int] = {}
        self._passed = 0
        self.done = Rebuilt()

    async def everything(self) -> None:
        run = await self._begin(EVERYTHING, range(self._log.partitions))
        after: str | None = ""
        while after is not None:
            candidates, after = await self._right.candidates(run, after=after, cells_max=SWAP_CELLS)
            by_partition = sorted((self._log.partition_of(stream), stream) for stream in candidates)
            for partition, group in groupby(by_partition, key=lambda pair: pair[0]):
                await self._swap(run, partition, [stream for _, stream in group])
        await self._right.discard(run.name)

    async def one_stream(self, stream: str) -> None:
        partition = self._log.partition_of(stream)
        run = await self._begin(stream, [partition])
        await self._swap(run, partition, [stream])
        await self._right.discard(run.name)

    # --- building ---

    async def _begin(self, name: str, partitions: Sequence[int]) -> Run:
        """Go on where a run of this name and program was stopped, and come to the checkpoint in every partition."""
        for partition in partitions:
            await self._check_whole(partition)
        epochs = {partition: self._log.epoch(partition) for partition in partitions}
        run = Run(name, program(), epochs)
        self._offsets = dict(await self._right.begin(run))
        # Read after the run began: an erasure since then ends it.
        self._erased = await self._store.erased_streams()
        self._ends = {partition: await self._checkpoint(partition) for partition in partitions}
        self._passed = sum(self._offsets.values())
        self.done.resumed += self._passed
        for partition in partitions:
            await self._catch_up(run, partition)
        return run

    async def _check_whole(self, partition: int) -> None:
        start = await self._log.start(partition)
        if start > 0:
            raise OffsetExpired(
                f"partition {partition} begins at offset {start}: cells cannot be built from a log that was trimmed"
            )

    async def _checkpoint(self, partition: int) -> int:
        """Where the live cells stand."""
        checkpoint = await self._store.checkpoint(partition)
        if checkpoint.epoch not in ("", self._log.epoch(partition)):
            raise EpochChanged(
                f"partition {partition} was folded in epoch {checkpoint.epoch}, the log is in "
                f"{self._log.epoch(partition)}; see `syncd migrate --help`"
            )
        return checkpoint.offset_next

    async def _catch_up(self, run: Run, partition: int) -> None:
        """Stage all up to where the checkpoint is now."""
        await self._stage(run, partition, await self._checkpoint(partition))

    async def _stage(self, run: Run, partition: int, until: int) -> None:
        self._ends[partition] = max(self._ends[partition], until)
        while (offset := self._offsets[partition]) < until:
            records, offset_next = await self._read(run, partition, offset, min(until, offset + STAGE_RECORDS))
            cells, unreadable = fold_cells(records, erased=self._erased)
            await self._right.stage(run, partition, offset_next, cells)
            self._offsets[partition] = offset_next
            self.done.records += len(records)
            self.done.unreadable += unreadable
            self._passed += offset_next - offset
            self._progress(self._passed, sum(self._ends.values()))

    async def _read(self, run: Run, partition: int, offset: int, until: int) -> tuple[list[LoggedRecord], int]:
        """Records of the run from `offset` on, up to `until` or as many as fit one batch, and where to go on."""
        records: list[LoggedRecord] = []
        if run.name != EVERYTHING:
            page = await self._log.read_stream(run.name, offset, until=until, limit=READ_RECORDS_MAX)
            return list(page.records), page.offset_next
        while offset < until:
            page_ = await self._log.read(partition, offset, limit=min(READ_RECORDS_MAX, until - offset))
            records += page_
            offset = page_[-1].offset + 1
        return records, offset

    # --- swapping ---

    async def _swap(self, run: Run, partition: int, streams: Sequence[str]) -> None:
        """Swap what differs of these streams, at one offset for both generations."""
        for _ in range(CATCH_UPS_MAX):
            await self._catch_up(run, partition)
            async with self._right.swap(run, partition) as swap:
                behind = swap.checkpoint.offset_next - self._offsets[partition]
                if behind <= SWAP_RECORDS_MAX:
                    before = self._offsets[partition]
                    try:
                        await self._stage(run, partition, swap.checkpoint.offset_next)
                        found = await swap.differences(run, streams)
                        changed = 0 if self._dry_run else await self._apply(run, partition, swap, found)
                    except BaseException:
                        self._offsets[partition] = before  # what was staged in here is undone with the rest
                        raise
                    break
        else:
            raise Overloaded(f"events of partition {partition} come faster than they are folded: {behind} are waiting")
        self.done.differences += found
        self.done.cells_changed += changed
        for difference in found:
            log.info("stream_rebuilt", stream=difference.stream, partition=partition, offset=self._offsets[partition])

    async def _apply(self, run: Run, partition: int, swap: Swap, found: Sequence[StreamDifference]) -> int:
        changed = 0
        for start in range(0, len(found), APPEND_RECORDS_MAX):
            part = found[start : start + APPEND_RECORDS_MAX]
            offset = await self._append([self._record(difference) for difference in part], partition)
            offsets = {difference.stream: offset + n for n, difference in enumerate(part)}
            changed += await swap.apply(run, offsets, fallen=[each.stream for each in part if each.falls])
        return changed

    def _record(self, difference: StreamDifference) -> Record:
        seq = self._seqs[difference.stream] = self._seqs.get(difference.stream, 0) + 1
        now_ms = self._clock.now_ms()
        data = {
            "missing": difference.missing,
            "extra": difference.extra,
            "different": difference.different,
            "falls": difference.falls,
        }
        body = Body(t=pack(now_ms), data=data, account="", device="", admitted_ms=now_ms)
        return encode_record(difference.stream, self._writer, seq, REBUILT, body)

    async def _append(self, records: Sequence[Record], partition: int) -> int:
        """The offset of the first. Before the commit: a gateway that meets one waits for the swap's end."""
        for _ in range(APPEND_ATTEMPTS):
            (outcome,) = await self._log.append(records)
            if outcome.outcome == "written":
                return outcome.offset_start
            if outcome.outcome == "refused":
                raise LogUnavailable(f"partition {partition}: {outcome.reason}")
        raise AppendUnknown(f"partition {partition}: {outcome.reason}")


def program() -> str:
    """What lowers here: the version, and a hash of the code of `syncd.model`, since versions stay while one works."""
    code = hashlib.sha256()
    for name, text in sorted(_sources(files("syncd.model"), "")):
        code.update(name.encode() + b"\0" + text + b"\0")
    return f"{syncd.__version__}+{code.hexdigest()[:16]}"


def _sources(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _sources(entry, f"{path}{entry.name}/")
        elif entry.name.endswith(".py"):
            yield f"{path}{entry.name}", entry.read_bytes()
