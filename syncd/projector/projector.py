"""The loop that folds partitions into the store.

A worker asks for a partition's lease; while it holds it, it reads from the checkpoint, folds a batch and commits both
in one transaction that names the lease's term. The lease is the only fence: a worker that was frozen past its lease has
its next commit refused, drops the partition, and asks again later.

    IDLE --acquired--> FOLDING --lease lost, commit fenced, store or log away, standing still--> IDLE
      ^                   |
      └──── released ─────┘  (on stop, or when the partition was dealt to another worker)

Which leases a worker asks for is its share's to say (`syncd.projector.shares`). One that ran out is
taken by whoever sees it, so that no partition waits for the share of a dead worker to be dealt.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from syncd.clock import Clock
from syncd.errors import FencedOut, LogUnavailable, StoreUnavailable, Unavailable
from syncd.limits import LEASE_TTL_S, READ_RECORDS_MAX, STATEMENT_TIMEOUT_S
from syncd.log.bounds import check_folded
from syncd.log.port import EventLog
from syncd.log.record import LoggedRecord
from syncd.logs import Seldom, get_logger
from syncd.metrics import Metrics
from syncd.projector.folding import fold_records
from syncd.projector.shares import EveryPartition, Shares
from syncd.store.port import Batch, Lease, ProjectionStore
from syncd.traces import Traces

log = get_logger("projector")

PACE_S = 0.02
"""How long after a batch began a worker begins the next one, at the soonest, over all its partitions: a few ms of lag
buy far fewer transactions. Devices do not wait for it: they are pushed from the log, and a resume joins the log's tail.
No longer either: where gateways share the cores and the database, what they do waits behind a batch, and the larger it
is the longer. At 100 ms the slowest hundredth of deltas came a third later."""
PACE_MOST_S = 0.1
"""The same for each of many partitions: lag is to stay below what somebody notices."""
GENTLE_RECORDS = 100
"""Folded and committed at once by a worker that is in step: a millisecond, and a few with pauses. Whoever waits for a
shared core gets it when the other one rests, and hardly sooner, however nice that is: Linux looks every 4 ms."""
IN_STEP_RECORDS = 500
"""A batch of more is committed whole, and without pauses: behind, what counts is to catch up."""
WAIT_S = LEASE_TTL_S / 4
"""One wait for news; between waits the lease is looked after."""
ASK_AGAIN_S = 0.5
"""Between attempts at a lease of our share that somebody else holds."""
RESCUE_LOOK_S = 1.0
"""Between two looks at leases of other workers' shares. One that ran out is taken: its holder is dead, or frozen. With
the lease's own time that is 5 s from a kill to the next commit."""
RESCUE_S = 10.0
"""How long such a lease must have been free when it was given back. Its worker is in trouble, as with the log, and asks
again; or it has stopped, and shares are being dealt."""
RESCUED_S = 30.0
"""How long we keep such a partition when no share is dealt meanwhile. Its worker may have frozen and come back, and
asks for it; it has `RESCUE_S` to get it."""
STALL_S = STATEMENT_TIMEOUT_S + 5.0
"""With news in the log and nothing folded for so long, the fold begins anew. Every wait has a shorter deadline and ends
by an error of its own; this is for the one that does not."""
DEAD_LETTERS_COUNT_S = 10.0
"""Between counts of the records that are set aside; operators' commands change them too."""
TROUBLE_PAUSE_S = 0.5
"""After the store or the log did not answer."""


@dataclass(slots=True)
class _Advance:
    """How far one holding of a lease has come; -1 before it began."""

    offset: int = -1


class Projector:
    """Folds every partition whose lease it can get, until cancelled."""

    def __init__(
        self, event_log: EventLog, store: ProjectionStore, clock: Clock, metrics: Metrics, *,
        shares: Shares | None = None, holder: str | None = None, lease_ttl_s: float = LEASE_TTL_S,
        traces: Traces | None = None,
    ) -> None:  # fmt: skip
        """
        Args:
            shares: which partitions are ours to fold; all of them when None.
        """
        self._traces = traces
        self._seldom = Seldom()
        self._log = event_log
        self._clock = clock
        self._metrics = metrics
        self._store = store
        self._holder = holder or secrets.token_hex(8)
        self._lease_ttl_s = lease_ttl_s
        self._shares = shares or EveryPartition(event_log.partitions)
        self._held = 0
        """How many partitions are being folded."""

    async def run(self) -> None:
        """Work on all partitions; leases are released when this is cancelled.

        Raises:
            PositionLost: the log is another one than this process opened, or lacks what was to be folded. Waiting
                mends neither.
        """
        loop = asyncio.get_running_loop()
        work = [loop.create_task(self._shares.run())]
        work += [loop.create_task(self._partition(partition)) for partition in range(self._log.partitions)]
        try:
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    async def _partition(self, partition: int) -> None:
        while True:
            try:
                rebalances = self._shares.rebalances
                free_s, pause_s = (
                    (0.0, ASK_AGAIN_S) if partition in self._shares.assigned else (RESCUE_S, RESCUE_LOOK_S)
                )  # fmt: skip
                lease = await self._store.acquire(
                    partition, holder=self._holder, ttl_s=self._lease_ttl_s, free_s=free_s
                )  # fmt: skip
                if lease is not None:
                    await self._hold(lease, rebalances)
                else:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(pause_s):
                            await self._shares.rebalanced(rebalances)
            except FencedOut as error:
                self._metrics.leases_lost += 1
                log.warning("partition_dropped", partition=partition, code=error.code, error=str(error))
                await asyncio.sleep(ASK_AGAIN_S)
            except Unavailable as error:
                if self._seldom.due(f"{partition} {error.code}", now_s=self._clock.monotonic_s()):
                    log.warning("projector_waits", partition=partition, code=error.code, error=str(error))
                await asyncio.sleep(TROUBLE_PAUSE_S)

    async def _hold(self, lease: Lease, rebalances: int) -> None:
        """Fold while the lease stands, or until the partition was dealt to another. Raises what else ends it."""
        partition = lease.partition
        self._held += 1
        self._metrics.leases += 1
        loop = asyncio.get_running_loop()
        advance = _Advance()
        duties = (
            self._fold(lease, advance), self._keep(lease), self._watch(partition, advance),
            self._until_dealt_to_another(partition, rebalances), self._count_dead_letters(partition),
        )  # fmt: skip
        work = {loop.create_task(duty) for duty in duties}
        try:
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                # Else this partition's task would end in silence, as cancelled ones do.
                assert not task.cancelled(), "a duty is cancelled by us, and by nobody else"
                task.result()
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            self._held -= 1
            self._metrics.leases -= 1
            self._metrics.lag_records.drop(str(partition))
            self._metrics.lag_seconds.drop(str(partition))
            self._metrics.dead_letters_waiting.drop(str(partition))
            with suppress(Unavailable):
                await asyncio.shield(self._store.release(lease))

    async def _keep(self, lease: Lease) -> None:
        while True:
            await asyncio.sleep(self._lease_ttl_s / 4)
            if not await self._store.renew(lease, ttl_s=self._lease_ttl_s):
                raise FencedOut(f"the lease on partition {lease.partition} (term {lease.term}) has ended")

    async def _until_dealt_to_another(self, partition: int, rebalances: int) -> None:
        while True:
            was_dealt = rebalances > 0 and partition not in self._shares.assigned
            with suppress(TimeoutError):
                async with asyncio.timeout(RESCUED_S if was_dealt else None):
                    await self._shares.rebalanced(rebalances)
            rebalances = self._shares.rebalances
            if partition not in self._shares.assigned:
                return

    async def _watch(self, partition: int, advance: _Advance) -> None:
        """Raise when the fold stands still while the log goes on."""
        while True:
            offset = advance.offset
            await asyncio.sleep(STALL_S)
            if advance.offset == offset and await self._log.end(partition) > offset:
                self._metrics.projector_stalls += 1
                log.error("projector_stands_still", partition=partition, offset_next=offset, timeout_s=STALL_S)
                raise LogUnavailable(f"partition {partition} stands still at {offset}")

    async def _count_dead_letters(self, partition: int) -> None:
        while True:
            with suppress(StoreUnavailable):  # whoever folds meets it too, and says so
                waiting = await self._store.dead_letters_waiting(partition)
                self._metrics.dead_letters_waiting.set(str(partition), waiting)
            await asyncio.sleep(DEAD_LETTERS_COUNT_S)

    async def _fold(self, lease: Lease, advance: _Advance) -> None:
        partition = lease.partition
        epoch = self._log.epoch(partition)
        checkpoint = await self._store.checkpoint(partition)
        offset = checkpoint.offset_next
        start, end = await self._log.start(partition), await self._log.end(partition)
        if checkpoint.epoch not in ("", epoch) or (not checkpoint.epoch and start > 0):
            # Another life of the log, as after a restore, or one that was trimmed before it became ours. Folding all
            # that it holds once more changes nothing that is right; leaving something out would.
            offset = start
            log.warning("epoch_begins", partition=partition, epoch=epoch, offset_next=offset)
            await self._store.begin_epoch(lease, epoch=epoch, offset_next=offset)
        check_folded(partition, offset, start=start, end=end)
        # Whoever erases a stream waits until we have passed its records, so what is erased from here on is behind us.
        erased = await self._store.erased_streams()
        loop = asyncio.get_running_loop()
        begun_s = float("-inf")
        while True:
            advance.offset = offset
            end = await self._log.wait_beyond(partition, offset, timeout_s=WAIT_S)
            self._note_lag(partition, end - offset)
            if end <= offset:
                continue
            rest_s = begun_s + min(PACE_S * self._held, PACE_MOST_S) - loop.time()
            if rest_s > 0 and end - offset < READ_RECORDS_MAX:
                await asyncio.sleep(rest_s)
            begun_s = loop.time()
            offset = await self._fold_batch(lease, epoch, offset, erased)
            self._note_lag(partition, end - offset)

    def _note_lag(self, partition: int, records: int) -> None:
        """How many records lie before the end as it was known; `_fold_batch` knows their age."""
        self._metrics.lag_records.set(str(partition), max(0, records))
        if records <= 0:
            self._metrics.lag_seconds.set(str(partition), 0)

    async def _fold_batch(self, lease: Lease, epoch: str, offset: int, erased: frozenset[str]) -> int:
        records = await self._log.read(lease.partition, offset, limit=READ_RECORDS_MAX)
        gently = len(records) <= IN_STEP_RECORDS
        size = GENTLE_RECORDS if gently else len(records)
        for start in range(0, len(records), size):
            part = records[start : start + size]
            offset = await self._commit(lease, epoch, offset, part, erased, gently=gently)
        return offset

    async def _commit(
        self, lease: Lease, epoch: str, offset: int, records: Sequence[LoggedRecord], erased: frozenset[str], *,
        gently: bool,
    ) -> int:  # fmt: skip
        """Fold records into the store; the offset behind them."""
        folded = fold_records(records, erased=erased)
        if folded.admitted_ms_first is not None:
            lag_ms = max(0, self._clock.now_ms() - folded.admitted_ms_first)
            self._metrics.lag_seconds.set(str(lease.partition), lag_ms / 1000)
        offset_new = records[-1].offset + 1
        started_s = time.monotonic()
        changed = await self._store.commit(
            Batch(
                lease, epoch, offset, offset_new, folded.cells, folded.writers, folded.voids, folded.slots,
                folded.dead_letters,
            ),
            gently=gently,
        )  # fmt: skip
        if self._traces is not None:
            self._tell_traces(records, took_s=time.monotonic() - started_s)
        metrics = self._metrics
        metrics.projector_commit_seconds.observe(time.monotonic() - started_s)
        metrics.projector_batch_records.observe(len(records))
        metrics.projected_records += len(records)
        metrics.cells_changed += changed
        metrics.dead_letters += len(folded.dead_letters)
        metrics.unknown_kinds += sum(folded.unknown_kinds.values())
        for letter in folded.dead_letters:
            # The sentence behind the code may quote what somebody sent.
            code = letter.reason.partition(":")[0]
            log.error("dead_letter", partition=letter.partition, offset=letter.offset, code=code)
        return offset_new

    def _tell_traces(self, records: Sequence[LoggedRecord], *, took_s: float) -> None:
        """A commit folds them all, so each that is traced has a span of the same length."""
        assert self._traces is not None
        ended_ns = time.time_ns()
        for record in records:
            if record.trace:
                facts = {"partition": record.partition, "offset": record.offset, "records": len(records)}
                started_ns = ended_ns - int(took_s * 1e9)
                self._traces.span("fold", record.trace, started_ns=started_ns, ended_ns=ended_ns, **facts)
