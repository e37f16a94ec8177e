"""Where the microseconds of one event go in projector and rebuild, beside a bare upsert of the same rows.

    python -m load.fold_stages                      40,000 events, each stage 5 times, the cheapest counts
    python -m load.fold_stages --events 100000 --rounds 3
    python -m load.fold_stages --json               the figures as one JSON object
    python -m load.fold_stages --steps              executed bytecode instead: the same on any day, and no Postgres

The stages are the very functions that projector and rebuild call, in this one process, on an embedded Postgres of its
own that is durable as a server's. What is counted is the processor time of this process, and beside it that of
Postgres. Rounds alternate, so that what else the machine does meets all stages alike.

The bare upserts know nothing of syncd: `load.bare_upsert`. "as committed" writes what the projector's commits write,
group by group; "once" writes only what stays in the end, as if somebody had known. `python -m load.rebuild_rate`
measures whole processes, with all that they do besides.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import asyncpg
import uvloop
from msgspec.structs import astuple

from load.arguments import command
from load.bare_upsert import prepare, rows_that_stay, upsert
from load.postgres_processes import PostgresProcesses
from load.report import Progress, print_table
from load.seeded_events import seeded
from load.steps import Steps
from syncd.bootstrap import calm_collector
from syncd.limits import APPEND_RECORDS_MAX, READ_RECORDS_MAX
from syncd.log.postgres import PostgresLog
from syncd.log.record import LoggedRecord, decode_event, decode_record
from syncd.model.lowering import lower
from syncd.postgres.connection import connect
from syncd.projector.folding import Folded, fold_cells, fold_records
from syncd.projector.rebuild import STAGE_RECORDS
from syncd.store.port import Batch, CellRow, Lease
from syncd.store.postgres import PostgresStore
from syncd.store.rebuild_port import EVERYTHING, Rebuilding, Run
from syncd.testing.postgres import create_database, running_postgres

EVENTS = 40_000
ROUNDS = 5
PARTITION = 0
LEASE_S = 3_600.0
EMPTY = "truncate cells, writers, list_slots; update checkpoints set offset_next = 0"

PROJECTOR = ("read", "projector: fold", "projector: commit")
REBUILD = ("read", "rebuild: fold", "rebuild: stage")
AS_COMMITTED, ONCE = "bare upsert, as committed", "bare upsert, once"
PARTS = ("  of which decode", "  of which lower")
"""Both folds decode and lower; what is left of them joins and encodes."""

STEPS_EVENTS = 5_000
"""Counted, after as many that fill what is remembered of streams and writers."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds of processor time for one event."""

    process_us: float
    postgres_us: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.process_us + other.process_us, self.postgres_us + other.postgres_us)


class Stages:
    """All stages, over the same events."""

    def __init__(
        self, events: int, log: PostgresLog, store: PostgresStore, right: Rebuilding, connection: asyncpg.Connection,
        postgres: PostgresProcesses, lease: Lease,
    ) -> None:  # fmt: skip
        self._events = events
        self._log = log
        self._store = store
        self._right = right
        self._connection = connection
        self._postgres = postgres
        self._lease = lease
        self.costs: dict[str, Cost] = {}
        self.rows: dict[str, int] = {}

    async def round(self) -> None:
        """Every stage once; the cheapest of all rounds is kept. What a stage has made is dropped at once."""
        records = await self._read()
        events = [decode_record(record).event for record in records]
        batches = [fold_records(part) for part in _cut(records, READ_RECORDS_MAX)]
        staged = [fold_cells(part)[0] for part in _cut(records, STAGE_RECORDS)]
        await self._timed("read", self._read_and_drop)
        await self._timed(PARTS[0], _each(decode_event, records))
        await self._timed(PARTS[1], _each(lower, events))
        await self._timed("projector: fold", _each(fold_records, _cut(records, READ_RECORDS_MAX)))
        await self._timed("rebuild: fold", _each(fold_cells, _cut(records, STAGE_RECORDS)))
        await self._connection.execute(EMPTY)
        await self._timed("projector: commit", partial(self._commit, batches))
        await self._timed("rebuild: stage", partial(self._stage, staged))
        committed, once = [batch.cells for batch in batches], await rows_that_stay(self._connection)
        for name, groups in ((AS_COMMITTED, committed), (ONCE, once)):
            rows = [[astuple(row) for row in group] for group in groups]
            await prepare(self._connection)
            await self._timed(name, partial(upsert, self._connection, rows))
            self.rows[name] = sum(map(len, groups))

    async def _timed(self, stage: str, work: Callable[[], Awaitable[None]]) -> None:
        gc.collect()
        postgres_s, process_s = self._postgres.seconds(), time.process_time()
        await work()
        process_us = (time.process_time() - process_s) / self._events * 1e6
        postgres_us = (self._postgres.seconds() - postgres_s) / self._events * 1e6
        best = self.costs.get(stage, Cost(process_us, postgres_us))
        self.costs[stage] = Cost(min(best.process_us, process_us), min(best.postgres_us, postgres_us))

    async def _read(self) -> list[LoggedRecord]:
        return [record async for page in self._pages() for record in page]

    async def _read_and_drop(self) -> None:
        async for _ in self._pages():
            pass

    async def _pages(self) -> AsyncIterator[Sequence[LoggedRecord]]:
        at = 0
        while page := await self._log.read(PARTITION, at, limit=READ_RECORDS_MAX):
            yield page
            at += len(page)

    async def _commit(self, batches: Sequence[Folded]) -> None:
        epoch = self._log.epoch(PARTITION)
        for n, folded in enumerate(batches):
            start = n * READ_RECORDS_MAX
            end = min(start + READ_RECORDS_MAX, self._events)
            await self._store.commit(
                Batch(self._lease, epoch, start, end, folded.cells, folded.writers, folded.voids, folded.slots)
            )

    async def _stage(self, groups: Sequence[Sequence[CellRow]]) -> None:
        run = Run(EVERYTHING, "stages", {PARTITION: self._log.epoch(PARTITION)})
        await self._right.discard(EVERYTHING)
        await self._right.begin(run)
        for n, cells in enumerate(groups):
            await self._right.stage(run, PARTITION, (n + 1) * STAGE_RECORDS, cells)


def _each(stage: Callable[[T], object], given: Iterable[T]) -> Callable[[], Awaitable[None]]:
    """A stage for one after the other."""

    async def work() -> None:
        for one in given:
            stage(one)

    return work


def _cut(records: Sequence[LoggedRecord], size: int) -> list[Sequence[LoggedRecord]]:
    return [records[start : start + size] for start in range(0, len(records), size)]


async def measure(admin_dsn: str, *, events: int, rounds: int, progress: Progress) -> Stages:
    """All rounds, in a database of their own."""
    dsn = await create_database(admin_dsn)
    async with AsyncExitStack() as stack:
        log = await PostgresLog.open(dsn)
        stack.push_async_callback(log.close)
        store = await PostgresStore.open(dsn)
        stack.push_async_callback(store.close)
        connection = await connect(dsn)
        stack.callback(connection.terminate)
        postgres = PostgresProcesses.of_backend(await connection.fetchval("select pg_backend_pid()"))
        assert postgres is not None, "it was started here"
        lease = await store.acquire(PARTITION, holder="load", ttl_s=LEASE_S)
        assert lease is not None, "nobody else is here"
        right = await stack.enter_async_context(store.rebuilding())
        stages = Stages(events, log, store, right, connection, postgres, lease)
        records = seeded(events)
        while part := list(islice(records, APPEND_RECORDS_MAX)):
            await log.append(part)
        for n in range(rounds):
            await stages.round()
            progress.advance(n + 1)
        progress.done()
    return stages


def count_steps() -> None:
    """Print how many instructions of our own code each stage of a fold takes, and how many calls."""
    records = [LoggedRecord(0, offset, *record) for offset, record in enumerate(seeded(2 * STEPS_EVENTS))]
    warm, counted = _cut(records, STEPS_EVENTS)
    events = [decode_record(record).event for record in counted]
    fold_records(warm)
    rows = []
    for name, work in (
        (PARTS[0], lambda: [decode_event(record) for record in counted]),
        (PARTS[1], lambda: [lower(event) for event in events]),
        ("projector: fold", lambda: fold_records(counted)),
        ("rebuild: fold", lambda: fold_cells(counted)),
    ):
        steps = Steps()
        steps.switch(on=True)
        work()
        steps.switch(on=False)
        rows.append((name, f"{steps.by_code.total() / STEPS_EVENTS:.1f}", f"{steps.calls / STEPS_EVENTS:.1f}"))
    print_table(("an event", "steps", "calls"), rows)


def report(stages: Stages) -> None:
    costs = stages.costs
    projector, rebuild = (sum((costs[name] for name in names), Cost(0, 0)) for names in (PROJECTOR, REBUILD))
    table = [*costs.items(), ("projector", projector), ("rebuild", rebuild)]
    print_table(
        ("us of processor time an event", "process", "Postgres"),
        [(name, f"{cost.process_us:.2f}", f"{cost.postgres_us:.2f}") for name, cost in table],
    )
    print()
    rows = []
    for name, cost in (("projector", projector), ("rebuild", rebuild)):
        for bare in (AS_COMMITTED, ONCE):
            base = costs[bare]
            whole = (base.process_us + base.postgres_us) / (cost.process_us + cost.postgres_us)
            rows.append((f"{name}, of {bare}", f"{base.process_us / cost.process_us:.2f}", f"{whole:.2f}"))
    print_table(("events per CPU second", "process", "with Postgres"), rows)
    print("; ".join(f"{name}: {count:,} rows" for name, count in stages.rows.items()))


def main() -> int:
    parser = command("load.fold_stages", __doc__)
    parser.add_argument("--events", type=int, default=EVENTS, metavar="N", help=f"{EVENTS:,} by default")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help=f"{ROUNDS} by default")
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    parser.add_argument("--steps", action="store_true", help="count executed instructions instead of time")
    arguments = parser.parse_args()
    if arguments.steps:
        count_steps()
        return 0
    progress = Progress("rounds", arguments.rounds)
    calm_collector()
    with (
        tempfile.TemporaryDirectory(prefix="syncd-stages-") as folder,
        running_postgres("18", Path(folder) / "data", durable=True) as admin_dsn,
    ):
        stages = uvloop.run(measure(admin_dsn, events=arguments.events, rounds=arguments.rounds, progress=progress))
    if arguments.json:
        print(json.dumps({name: [cost.process_us, cost.postgres_us] for name, cost in stages.costs.items()}))
    else:
        report(stages)
    return 0


if __name__ == "__main__":
    sys.exit(main())
