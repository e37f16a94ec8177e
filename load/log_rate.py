"""What the log and the store in Postgres cost: appends by the size of their groups, commits of cells, wakes of a tail.

    python -m load.log_rate                     a table
    python -m load.log_rate --json              one JSON object a line
    python -m load.log_rate --others            also the ways to append that were not taken
    python -m load.log_rate --dsn postgresql://…/scratch      another, empty and migrated Postgres

Without --dsn it starts the embedded Postgres in a temporary folder, durable as a server's, and deletes it at the end.

A row is one step with groups of one size, done again and again by one caller for --seconds. `us client` and
`us postgres` are microseconds of processor time for each record or cell, of this process and of all processes of
Postgres, where they can be seen. `ms p50` and `ms p99` are the times of a group on the wall's clock, which the disk and
whatever else runs here decide; trust the processor times.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

import uvloop

from load.arguments import command
from load.log_variants import VARIANTS, Variant
from load.postgres_processes import PostgresProcesses
from syncd.log.postgres import PostgresLog
from syncd.log.record import Record
from syncd.postgres.connection import connect, hang_up
from syncd.store.port import Batch, CellRow, WriterRow
from syncd.store.postgres import PostgresStore
from syncd.testing.postgres import Version, fresh_database, running_postgres

GROUPS = (1, 10, 100, 500)
CELLS = (10, 100, 500, 2_000)
WAKES = 300
ACCOUNTS = 1_000
BODY_BYTES = 150
PARTITION = 0


class Cost(NamedTuple):
    """`records` in `groups` groups took these seconds; of the processors, None where they cannot be seen."""

    step: str
    group: int
    records: int
    wall_s: float
    client_s: float
    postgres_s: float | None
    p50_ms: float
    p99_ms: float

    def report(self) -> dict[str, object]:
        postgres_us = None if self.postgres_s is None else round(self.postgres_s / self.records * 1e6, 2)
        return {
            "step": self.step,
            "group": self.group,
            "per_s": round(self.records / self.wall_s),
            "us_client": round(self.client_s / self.records * 1e6, 2),
            "us_postgres": postgres_us,
            "ms_p50": round(self.p50_ms, 3),
            "ms_p99": round(self.p99_ms, 3),
        }


class Meter:
    """Repeats a step and counts what it costs."""

    def __init__(self, *, seconds: float, postgres: PostgresProcesses | None) -> None:
        self._seconds = seconds
        self._postgres = postgres

    async def measure(self, step: str, group: int, once: Callable[[], Awaitable[None]]) -> Cost:
        """Do `once`, which handles `group` records, for as long as was asked for."""
        for _ in range(10):  # Postgres plans a statement anew five times before it keeps a plan
            await once()
        times: list[float] = []
        postgres = self._postgres.seconds() if self._postgres else None
        client, began = time.process_time(), time.perf_counter()
        while time.perf_counter() - began < self._seconds:
            before = time.perf_counter()
            await once()
            times.append(time.perf_counter() - before)
        wall_s, client_s = time.perf_counter() - began, time.process_time() - client
        after = self._postgres.seconds() if self._postgres else None
        times.sort()
        return Cost(
            step, group, group * len(times), wall_s, client_s,
            None if postgres is None or after is None else after - postgres,
            times[len(times) // 2] * 1e3, times[len(times) * 99 // 100] * 1e3,
        )  # fmt: skip


class Supply:
    """Records as a gateway admits them, endlessly: many accounts, three devices each."""

    def __init__(self, body_bytes: int) -> None:
        self._body = b'{"t":3612405760024576,"data":{}}'.ljust(body_bytes)
        self._seq = 0

    def take(self, count: int) -> list[Record]:
        first, self._seq = self._seq, self._seq + count
        return [
            Record(
                f"a:{number % ACCOUNTS:012}", f"w{number % (3 * ACCOUNTS):09}", number // (3 * ACCOUNTS) + 1,
                "list.inserted", 1, self._body,
            )
            for number in range(first, first + count)
        ]  # fmt: skip


async def append_costs(log: PostgresLog, meter: Meter, groups: list[int], body_bytes: int) -> AsyncIterator[Cost]:
    """The log's append, as the gateway calls it."""
    supply = Supply(body_bytes)
    for group in groups:

        async def once(group: int = group) -> None:
            (appended,) = await log.append(supply.take(group))
            assert appended.outcome == "written", appended.reason

        yield await meter.measure("append", group, once)


async def variant_costs(
    dsn: str, variant: Variant, meter: Meter, groups: list[int], body_bytes: int
) -> AsyncIterator[Cost]:
    """Another way to append, on tables of its own making."""
    supply = Supply(body_bytes)
    async with variant.ready(dsn) as append:
        for group in groups:

            async def once(group: int = group) -> None:
                await append(supply.take(group))

            yield await meter.measure(variant.name, group, once)


async def commit_costs(store: PostgresStore, meter: Meter) -> AsyncIterator[Cost]:
    """The projector's commit: cells that are new, then cells that are there already and win."""
    lease = await store.acquire(PARTITION, holder="load", ttl_s=3_600)
    assert lease is not None, "somebody folds this partition: use an empty database"
    offset = (await store.checkpoint(PARTITION)).offset_next
    made = 0
    for size in CELLS:
        for step in ("commit new cells", "commit changed cells"):

            async def once(size: int = size, *, new: bool = step == "commit new cells") -> None:
                nonlocal offset, made
                made += size if new else 0
                cells = [
                    CellRow(
                        f"a:{n % ACCOUNTS:012}", f"progress/{n}/latest", f"{offset:011}wwwwwwwwww", b"1" * 40, offset
                    )
                    for n in range(made - size, made)
                ]
                writer = WriterRow("wwwwwwwwww", "a:1", offset + 1, offset + 1, offset)
                await store.commit(Batch(lease, "load", offset, offset + 1, cells, [writer]))
                offset += 1

            yield await meter.measure(step, size, once)


async def wake_cost(log: PostgresLog, other: PostgresLog, body_bytes: int) -> Cost:
    """From an append in one process to the end of a wait in another."""
    supply = Supply(body_bytes)
    times: list[float] = []
    client, began = time.process_time(), time.perf_counter()
    for _ in range(WAKES):
        end = await log.end(PARTITION)
        wait = asyncio.create_task(other.wait_beyond(PARTITION, end, timeout_s=10))
        await log.append(supply.take(1))
        before = time.perf_counter()
        await wait
        times.append(time.perf_counter() - before)
    wall_s, client_s = time.perf_counter() - began, time.process_time() - client
    times.sort()
    return Cost(
        "wake another process",
        1,
        WAKES,
        wall_s,
        client_s,
        None,
        times[WAKES // 2] * 1e3,
        times[WAKES * 99 // 100] * 1e3,
    )


async def all_costs(dsn: str, arguments: argparse.Namespace) -> AsyncIterator[Cost]:
    async with AsyncExitStack() as stack:
        log = await PostgresLog.open(dsn)
        stack.push_async_callback(log.close)
        meter = Meter(seconds=arguments.seconds, postgres=await _processes(dsn))
        async for cost in append_costs(log, meter, arguments.groups, arguments.body_bytes):
            yield cost
        if arguments.others:
            for variant in VARIANTS:
                async for cost in variant_costs(dsn, variant, meter, arguments.groups, arguments.body_bytes):
                    yield cost
        store = await PostgresStore.open(dsn)
        stack.push_async_callback(store.close)
        async for cost in commit_costs(store, meter):
            yield cost
        other = await PostgresLog.open(dsn)
        stack.push_async_callback(other.close)
        yield await wake_cost(log, other, arguments.body_bytes)


async def _processes(dsn: str) -> PostgresProcesses | None:
    connection = await connect(dsn)
    try:
        pid, address = await connection.fetchrow("select pg_backend_pid(), inet_server_addr()") or (0, None)
        # A session over TCP may be elsewhere, where its number is that of somebody else here.
        return None if address is not None else PostgresProcesses.of_backend(pid)
    finally:
        await hang_up(connection)


async def _measure(arguments: argparse.Namespace, admin_dsn: str | None) -> None:
    async with AsyncExitStack() as stack:
        dsn = arguments.dsn if admin_dsn is None else await stack.enter_async_context(fresh_database(admin_dsn))
        for line in _lines([], as_json=arguments.json):
            print(line, flush=True)
        async for cost in all_costs(dsn, arguments):
            for line in _lines([cost], as_json=arguments.json):
                print(line, flush=True)


def _lines(costs: list[Cost], *, as_json: bool) -> Iterator[str]:
    """The table's head where there is no cost."""
    if as_json:
        yield from (json.dumps(cost.report()) for cost in costs)
        return
    if not costs:
        yield f"{'step':34} {'group':>6} {'per s':>9} {'us client':>10} {'us postgres':>12} {'ms p50':>8} {'ms p99':>8}"
    for cost in costs:
        step, group, per_s, client, postgres, p50, p99 = cost.report().values()
        shown = "-" if postgres is None else f"{postgres:.2f}"
        yield f"{step:34} {group:>6} {per_s:>9} {client:>10.2f} {shown:>12} {p50:>8.3f} {p99:>8.3f}"


def main() -> int:
    """The command line."""
    parser = command("load.log_rate", __doc__)
    parser.add_argument("--dsn", help="an empty, migrated Postgres; without it one is started and deleted")
    parser.add_argument("--postgres", choices=("15", "18"), default="18", help="which version to start (18)")
    parser.add_argument(
        "--groups", type=lambda text: [int(part) for part in text.split(",")], default=list(GROUPS),
        help=f"records in a group ({','.join(map(str, GROUPS))})",
    )  # fmt: skip
    parser.add_argument("--seconds", type=float, default=2.0, help="for each row (2)")
    parser.add_argument("--body-bytes", type=int, default=BODY_BYTES, help=f"of a record's body ({BODY_BYTES})")
    parser.add_argument("--others", action="store_true", help="also the ways to append that were not taken")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    arguments = parser.parse_args()
    if arguments.dsn is not None:
        uvloop.run(_measure(arguments, None))
        return 0
    version: Version = arguments.postgres
    with tempfile.TemporaryDirectory(prefix="syncd-load-") as folder:
        os.chmod(folder, 0o711)
        with running_postgres(version, Path(folder) / "data", durable=True) as admin_dsn:
            uvloop.run(_measure(arguments, admin_dsn))
    return 0


if __name__ == "__main__":
    sys.exit(main())
