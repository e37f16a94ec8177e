"""The store in this process's memory: for tests and the simulation. It sits the same exam as Postgres."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from hashlib import sha256

from syncd.clock import Clock, SystemClock
from syncd.errors import Conflict, FencedOut
from syncd.store.port import (
    NOBODY,
    Batch,
    CellRow,
    Checkpoint,
    Counts,
    DeadLetter,
    DeadLetterRow,
    Lease,
    LetterFilter,
    LetterPosition,
    LiveGateway,
    ProcessReport,
    StreamInfo,
    StreamState,
    VoidRow,
    WriterIdentity,
    WriterKnown,
    WriterProgress,
)
from syncd.store.rebuild_port import FORGOTTEN, KEYS_TOLD_MAX, Rebuilding, Run, StreamDifference, Swap


@dataclass(frozen=True, slots=True)
class _Held:
    lease: Lease
    expires_at_s: float
    is_released: bool = False


@dataclass(frozen=True, slots=True)
class _Identity:
    account: str
    device: str
    nonce: str


class MemoryStore:
    """A `Store` and a `RebuildStore`. Nothing awaits inside a method once it has begun, so each is atomic.

    Args:
        clock: its monotonic time is the "database's clock" by which leases expire.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._cells: dict[str, dict[str, CellRow]] = {}
        self._checkpoints: dict[int, Checkpoint] = {}
        self._leases: dict[int, _Held] = {}
        self._streams: dict[str, StreamInfo] = {}
        self._identities: dict[str, _Identity] = {}
        self._progress: dict[str, dict[str, WriterProgress]] = {}
        self._voids: dict[tuple[str, str, int], VoidRow] = {}
        self._slots: dict[tuple[str, str], tuple[str, int]] = {}
        self._dead_letters: dict[LetterPosition, DeadLetterRow] = {}
        self._gateways: dict[str, tuple[float, bool, LiveGateway]] = {}
        self._processes: dict[str, tuple[float, str, bytes]] = {}
        self._rebuilds = _Rebuilds()

    # --- ProjectionStore ---

    async def acquire(self, partition: int, *, holder: str, ttl_s: float, free_s: float = 0.0) -> Lease | None:
        now_s = self._clock.monotonic_s()
        held = self._leases.get(partition)
        if held is not None and held.expires_at_s > now_s - (free_s if held.is_released else 0.0):
            return None
        lease = Lease(partition, holder, 1 if held is None else held.lease.term + 1)
        self._leases[partition] = _Held(lease, now_s + ttl_s)
        return lease

    async def renew(self, lease: Lease, *, ttl_s: float) -> bool:
        now_s = self._clock.monotonic_s()
        held = self._leases.get(lease.partition)
        if held is None or held.lease != lease or held.expires_at_s <= now_s:
            return False
        self._leases[lease.partition] = _Held(lease, now_s + ttl_s)
        return True

    async def release(self, lease: Lease) -> None:
        held = self._leases.get(lease.partition)
        if held is not None and held.lease == lease:
            ended_s = min(held.expires_at_s, self._clock.monotonic_s())
            self._leases[lease.partition] = _Held(lease, ended_s, is_released=True)

    async def checkpoint(self, partition: int) -> Checkpoint:
        return self._checkpoints.get(partition, Checkpoint(partition, "", 0))

    async def begin_epoch(self, lease: Lease, *, epoch: str, offset_next: int) -> None:
        await self.swap_ended(lease.partition)
        if not self._stands(lease):
            raise FencedOut(f"partition {lease.partition}: term {lease.term} is over")
        self._checkpoints[lease.partition] = Checkpoint(lease.partition, epoch, offset_next)

    async def commit(self, batch: Batch, *, gently: bool = False) -> int:
        partition = batch.lease.partition
        await self.swap_ended(partition)
        at = self._checkpoints.get(partition, Checkpoint(partition, "", 0))
        if not self._stands(batch.lease) or at.offset_next != batch.offset_old or at.epoch not in (batch.epoch, ""):
            raise FencedOut(
                f"partition {partition}: the checkpoint is not at offset {batch.offset_old} of epoch {batch.epoch} "
                f"under term {batch.lease.term}"
            )
        self._checkpoints[partition] = Checkpoint(partition, batch.epoch, batch.offset_new)
        for row in batch.writers:
            streams = self._progress.setdefault(row.writer, {})
            seq, t, log_offset = streams.get(row.stream, (0, 0, -1))
            newest = row.log_offset if row.seq >= seq else log_offset
            streams[row.stream] = WriterProgress(max(seq, row.seq), max(t, row.t), newest)
        for void in batch.voids:
            self._voids.setdefault((void.writer, void.stream, void.seq), void)
        for slots in batch.slots:
            name = (slots.stream, slots.list_name)
            epoch, count = self._slots.get(name, (batch.epoch, 0))
            self._slots[name] = (batch.epoch, slots.slots + (count if epoch == batch.epoch else 0))
        for letter in batch.dead_letters:
            self._dead_letters.setdefault(LetterPosition(letter.partition, batch.epoch, letter.offset), letter)
        return sum([self._join(cell) for cell in batch.cells])

    async def make_durable(self, partition: int) -> None:
        """There is nothing to wait for."""

    async def dead_letters_waiting(self, partition: int) -> int:
        return sum(at[0] == partition for at in self._dead_letters)

    def _stands(self, lease: Lease) -> bool:
        """Whether nobody took the lease since, expired or not: the fence is the term."""
        held = self._leases.get(lease.partition)
        return held is not None and held.lease.term == lease.term

    def _join(self, cell: CellRow) -> bool:
        cells = self._cells.setdefault(cell.stream, {})
        kept = cells.get(cell.key)
        if kept is not None and (kept.rank, kept.value) >= (cell.rank, cell.value):
            return False
        cells[cell.key] = cell
        return True

    # --- StateReader ---

    async def swap_ended(self, partition: int) -> None:
        async with self._rebuilds.swapping[partition]:
            pass

    async def cells(self, stream: str, partition: int, *, from_offset: int = 0) -> StreamState:
        cells = self._cells.get(stream, {})
        return StreamState(
            await self.checkpoint(partition),
            self._info(stream).generation,
            [cells[key] for key in sorted(cells) if cells[key].log_offset >= from_offset],
        )

    async def cells_under(self, stream: str, partition: int, *, prefixes: Sequence[str]) -> StreamState:
        state = await self.cells(stream, partition)
        return replace(state, cells=[cell for cell in state.cells if cell.key.startswith(tuple(prefixes))])

    async def counts(self, streams: Sequence[str], partition: int) -> Counts:
        return Counts(
            await self.checkpoint(partition),
            {
                (stream, writer): (at.seq, at.t)
                for writer, progress in self._progress.items()
                for stream, at in progress.items()
                if stream in streams
            },
            frozenset((row.stream, row.writer, row.seq) for row in self._voids.values() if row.stream in streams),
            {name: slots for name, (_, slots) in self._slots.items() if name[0] in streams},
        )

    async def streams(self, streams: Sequence[str]) -> Mapping[str, StreamInfo]:
        return {stream: self._info(stream) for stream in streams}

    async def erased_streams(self) -> frozenset[str]:
        return frozenset(await self.streams_owned(NOBODY))

    async def streams_with_cells(self, *, after: str, limit: int) -> Sequence[str]:
        return sorted(stream for stream, cells in self._cells.items() if cells and stream > after)[:limit]

    async def slots(self, streams: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        found: dict[str, dict[str, int]] = {stream: {} for stream in streams}
        for (stream, list_name), (_, slots) in self._slots.items():
            if stream in found:
                found[stream][list_name] = slots
        return found

    def _info(self, stream: str) -> StreamInfo:
        return self._streams.get(stream, StreamInfo(None, 0))

    # --- RebuildStore ---

    @asynccontextmanager
    async def rebuilding(self) -> AsyncIterator[Rebuilding]:
        if self._rebuilds.right.locked():
            raise Conflict("another rebuild is under way: wait for its end, or stop it; it goes on where it was")
        async with self._rebuilds.right:
            yield MemoryRebuilding(self._cells, self._checkpoints, self._streams, self._rebuilds)

    # --- DeadLetters ---

    async def dead_letters(
        self, filter_: LetterFilter, *, after: LetterPosition | None, limit: int
    ) -> Sequence[DeadLetter]:
        return [
            DeadLetter(at, row.stream, row.writer, row.seq, row.kind, row.version, len(row.body), row.reason)
            for at, row in sorted(self._dead_letters.items())
            if (after is None or at > after)
            and (filter_.streams is None or row.stream in filter_.streams)
            and filter_.partition in (None, row.partition)
            and filter_.offset in (None, row.offset)
            and (filter_.reason is None or filter_.reason in row.reason)
        ][:limit]

    async def dead_letter(self, position: LetterPosition) -> DeadLetterRow | None:
        return self._dead_letters.get(position)

    async def drop_dead_letter(self, position: LetterPosition) -> bool:
        return self._dead_letters.pop(position, None) is not None

    # --- WriterRegistry ---

    async def writers(self, writers: Sequence[str]) -> Mapping[str, WriterKnown]:
        return {writer: self._known(writer) for writer in writers if writer in self._identities}

    def _known(self, writer: str) -> WriterKnown:
        identity = self._identities[writer]
        voids: dict[str, set[int]] = {}
        for who, stream, seq in self._voids:
            if who == writer:
                voids.setdefault(stream, set()).add(seq)
        return WriterKnown(
            account=identity.account,
            device=identity.device,
            nonce=identity.nonce,
            progress=dict(self._progress.get(writer, {})),
            voids={stream: frozenset(seqs) for stream, seqs in voids.items()},
        )

    async def writers_of(self, account: str) -> Sequence[WriterIdentity]:
        mine = (writer for writer, identity in self._identities.items() if identity.account == account)
        return [
            WriterIdentity(writer, identity.account, identity.device, identity.nonce)
            for writer in sorted(mine)
            for identity in [self._identities[writer]]
        ]

    async def register_writers(self, writers: Sequence[WriterIdentity]) -> frozenset[str]:
        free = {writer: _Identity(*who) for writer, *who in writers if writer not in self._identities}
        self._identities.update(free)
        return frozenset(free)

    async def claim_stream(self, stream: str, *, owner: str) -> StreamInfo:
        info = self._info(stream)
        self._streams[stream] = StreamInfo(info.owner or owner, info.generation)
        return self._streams[stream]

    async def streams_owned(self, owner: str) -> Sequence[str]:
        return sorted(stream for stream, info in self._streams.items() if info.owner == owner)

    # --- Erasure ---

    async def erase_stream(self, stream: str) -> int:
        for swapping in self._rebuilds.swapping.values():
            async with swapping:
                pass
        for kept in (self._rebuilds.runs, self._rebuilds.offsets, self._rebuilds.staged):
            kept.clear()
        for streams in self._progress.values():
            streams.pop(stream, None)
        self._voids = {key: row for key, row in self._voids.items() if row.stream != stream}
        self._slots = {name: slots for name, slots in self._slots.items() if name[0] != stream}
        self._dead_letters = {at: row for at, row in self._dead_letters.items() if row.stream != stream}
        self._streams[stream] = StreamInfo(NOBODY, self._info(stream).generation + 1)
        return len(self._cells.pop(stream, {}))

    async def give_stream(self, stream: str, *, owner: str) -> None:
        self._streams[stream] = StreamInfo(owner, self._info(stream).generation)

    async def erase_writers(self, account: str) -> None:
        mine = {row.writer for row in await self.writers_of(account)}
        self._dead_letters = {at: row for at, row in self._dead_letters.items() if row.writer not in mine}
        self._identities.update(dict.fromkeys(mine, _Identity("", "", "")))

    # --- GatewayDirectory ---

    async def announce(self, gateway: LiveGateway, *, draining: bool) -> None:
        self._gateways[gateway.gateway] = (self._clock.monotonic_s(), draining, gateway)

    async def live_gateways(self, *, ttl_s: float) -> Sequence[LiveGateway]:
        oldest_s = self._clock.monotonic_s() - ttl_s
        rows = sorted(self._gateways.items())
        return [gateway for _, (seen_s, draining, gateway) in rows if seen_s > oldest_s and not draining]

    # --- ProcessDirectory ---

    async def report(self, process: str, *, roles: str, figures: bytes) -> None:
        self._processes[process] = (self._clock.monotonic_s(), roles, figures)

    async def processes(self, *, ttl_s: float) -> Sequence[ProcessReport]:
        now_s = self._clock.monotonic_s()
        rows = sorted(self._processes.items())
        reports = [ProcessReport(process, roles, figures, now_s - at_s) for process, (at_s, roles, figures) in rows]
        return [report for report in reports if report.age_s < ttl_s]

    async def close(self) -> None:
        """Nothing to let go of."""


_Staged = dict[str, dict[str, CellRow]]


class _Rebuilds:
    """What runs have staged, by their name, and how far they came."""

    def __init__(self) -> None:
        self.right = asyncio.Lock()
        self.swapping: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.runs: dict[str, Run] = {}
        self.offsets: dict[str, dict[int, int]] = {}
        self.staged: dict[str, _Staged] = {}


class MemoryRebuilding:
    """A `Rebuilding` and a `Swap`."""

    def __init__(
        self, cells: _Staged, checkpoints: dict[int, Checkpoint], streams: dict[str, StreamInfo], rebuilds: _Rebuilds
    ) -> None:
        self._cells = cells
        self._checkpoints = checkpoints
        self._streams = streams
        self._rebuilds = rebuilds

    async def begin(self, run: Run) -> Mapping[int, int]:
        if self._rebuilds.runs.get(run.name) != run:
            self._rebuilds.runs[run.name] = run
            self._rebuilds.offsets[run.name] = dict.fromkeys(run.epochs, 0)
            self._rebuilds.staged[run.name] = {}
        return dict(self._rebuilds.offsets[run.name])

    async def stage(self, run: Run, partition: int, offset_next: int, cells: Sequence[CellRow]) -> None:
        self._check(run)
        self._rebuilds.offsets[run.name][partition] = offset_next
        staged = self._rebuilds.staged[run.name]
        for row in cells:
            of_stream = staged.setdefault(row.stream, {})
            kept = of_stream.get(row.key)
            if kept is None or (kept.rank, kept.value) < (row.rank, row.value):
                of_stream[row.key] = row

    async def candidates(self, run: Run, *, after: str, cells_max: int) -> tuple[Sequence[str], str | None]:
        staged = self._rebuilds.staged[run.name]
        return sorted(s for s in self._cells | staged if s > after and _difference(s, self._cells, staged)), None

    @asynccontextmanager
    async def swap(self, run: Run, partition: int) -> AsyncIterator[Swap]:
        async with self._rebuilds.swapping[partition]:
            self._check(run)
            before = {name: dict(offsets) for name, offsets in self._rebuilds.offsets.items()}
            staged = {name: {s: dict(rows) for s, rows in of.items()} for name, of in self._rebuilds.staged.items()}
            swap = MemorySwap(self, self._checkpoints.get(partition, Checkpoint(partition, "", 0)))
            try:
                yield swap
            except BaseException:
                self._rebuilds.offsets, self._rebuilds.staged = before, staged
                raise
            for stream, rows in swap.replaced.items():
                self._cells[stream] = rows
            for stream in swap.fallen:
                info = self._streams.get(stream, StreamInfo(None, 0))
                self._streams[stream] = replace(info, generation=info.generation + 1)

    async def discard(self, run: str) -> None:
        for kept in (self._rebuilds.runs, self._rebuilds.offsets, self._rebuilds.staged):
            kept.pop(run, None)

    def _check(self, run: Run) -> None:
        if run.name not in self._rebuilds.runs:
            raise Conflict(FORGOTTEN)

    def generations(self, run: Run, stream: str) -> tuple[dict[str, CellRow], dict[str, CellRow]]:
        """The live cells of a stream, and those that are staged."""
        return self._cells.get(stream, {}), self._rebuilds.staged[run.name].get(stream, {})


class MemorySwap:
    """A `Swap`. What it applies shows when it ends."""

    def __init__(self, rebuilding: MemoryRebuilding, checkpoint: Checkpoint) -> None:
        self._rebuilding = rebuilding
        self.checkpoint = checkpoint
        self.replaced: dict[str, dict[str, CellRow]] = {}
        self.fallen: list[str] = []

    async def differences(self, run: Run, streams: Sequence[str]) -> Sequence[StreamDifference]:
        found = []
        for stream in sorted(streams):
            live, staged = self._rebuilding.generations(run, stream)
            difference = _difference(stream, {stream: live}, {stream: staged})
            if difference is not None:
                found.append(difference)
        return found

    async def apply(self, run: Run, offsets: Mapping[str, int], *, fallen: Sequence[str]) -> int:
        changed = 0
        for stream, offset in offsets.items():
            live, staged = self._rebuilding.generations(run, stream)
            rows = {}
            for key, row in staged.items():
                kept = live.get(key)
                same = kept is not None and (kept.rank, kept.value) == (row.rank, row.value)
                rows[key] = kept if same and kept is not None else CellRow(stream, key, row.rank, row.value, offset)
                changed += not same
            changed += len(live.keys() - staged.keys())
            self.replaced[stream] = rows
        self.fallen += fallen
        return changed


def _difference(stream: str, live_cells: _Staged, staged_cells: _Staged) -> StreamDifference | None:
    live = {key: (row.rank, row.value) for key, row in live_cells.get(stream, {}).items()}
    staged = {key: (row.rank, row.value) for key, row in staged_cells.get(stream, {}).items()}
    keys = sorted(key for key in live.keys() | staged.keys() if live.get(key) != staged.get(key))
    if not keys:
        return None
    return StreamDifference(
        stream=stream,
        missing=len(staged.keys() - live.keys()),
        extra=len(live.keys() - staged.keys()),
        different=sum(key in live and key in staged for key in keys),
        falls=any(key in live and (key not in staged or live[key] > staged[key]) for key in keys),
        live_digest=_digest(live),
        staged_digest=_digest(staged),
        keys=keys[:KEYS_TOLD_MAX],
    )


def _digest(cells: Mapping[str, tuple[str, bytes]]) -> str:
    """As `model.cells.digest`, of values that are canonical already."""
    hashes = (
        sha256(b"\0".join((key.encode(), rank.encode(), value))).digest()[:8] for key, (rank, value) in cells.items()
    )
    return f"{sum(int.from_bytes(each, 'big') for each in hashes) % 2**64:016x}"
