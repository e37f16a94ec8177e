"""How fast cells are folded, and built anew while traffic goes on, beside a bare upsert of the same rows.

    python -m load.rebuild_rate                       a million events; minutes
    python -m load.rebuild_rate --events 200000       a minute and a half; 20000: some seconds, mostly starts
    python -m load.rebuild_rate --json                the figures as one JSON object

Events are written into a log in Postgres, and `syncd projector`, a process of its own, folds them. Then some cells are
damaged by hand, `syncd rebuild` runs, and two SDK devices go on emitting and hearing each other, through a gateway that
is a third process. At the end every digest must agree: of both devices, of the gateway, of the store and of a refold of
the log; and each device must show all that the other has emitted. Else the exit code is 1.

The bare upserts (`load.bare_upsert`) write the same rows: "as committed" all that the projector's commits write, batch
by batch; "once" only what the store holds in the end, as if somebody had known. The first is done before, between and
after the others, and each row is compared with the one before it and the one after it: a part that something disturbed
shows. They begin with rows that lie ready and connections that are open. So a process is counted twice: from its start,
with all that it imports and opens, and from its first commit on, which is the rate at which it goes on.

Processor seconds are those of the process that does the work; and once more with those of Postgres, for the rebuild
with what the traffic costs it. Events a second are on the wall, and depend on what else the machine does.
`python -m load.fold_stages` tells where the time goes.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import asyncpg
from msgspec.structs import astuple

from load.arguments import command
from load.bare_upsert import prepare, rows_that_stay, upsert
from load.postgres_processes import PostgresProcesses
from load.processes import ProcessGroup
from load.report import Progress, print_table
from load.role_process import RoleProcess, environment_with
from load.seeded_events import seeded
from syncd.accounts import LinkedDevice
from syncd.bootstrap import Deployment, calm_collector, open_deployment
from syncd.client import Device
from syncd.config import Config
from syncd.limits import APPEND_RECORDS_MAX, READ_RECORDS_MAX
from syncd.operations.devices import link_device
from syncd.operations.verify import verify
from syncd.projector.folding import fold_records
from syncd.store.port import CellRow
from syncd.testing.patience import eventually
from syncd.testing.ports import free_ports
from syncd.testing.postgres import create_database, running_postgres
from syncd.testing.quiet import until_projected

EVENTS_COUNT = 1_000_000
EMIT_PAUSE_S = 0.02
"""Between events of one device: about 50 a second, as one busy listener never makes."""
FOLD_TIMEOUT_S = 3_600.0
AS_COMMITTED, ONCE = "bare upsert, as committed", "bare upsert, once"
DAMAGE = (
    "delete from cells where stream < 'a:seed0010' and key like 'library/%'",
    "update cells set rank = 'zzz' where stream < 'a:seed0005' and key like 'settings/%'",
)


@dataclass(frozen=True)
class Rate:
    """One way to write the rows; how many it wrote, where that is known."""

    way: str
    events: int
    wall_s: float
    cpu_s: float
    postgres_cpu_s: float
    rows: int | None = None

    @property
    def events_per_s(self) -> float:
        return self.events / self.wall_s

    @property
    def events_per_cpu_s(self) -> float:
        return self.events / max(self.cpu_s, 0.01)  # the clock of processors ticks every 10 ms

    @property
    def events_per_all_cpu_s(self) -> float:
        return self.events / max(self.cpu_s + self.postgres_cpu_s, 0.01)


@dataclass(frozen=True)
class Figures:
    """What came of a run. `problems` is empty when everything agrees. `rates`: as they were taken."""

    rates: list[Rate]
    swapped: int
    emitted: int
    problems: list[str]


async def run(dsn: str, folder: Path, *, events: int, progress: Progress) -> Figures:
    """One run in an empty, migrated database.

    Args:
        folder: for what devices keep, and what processes say.
    """
    async with AsyncExitStack() as stack:
        work = await stack.enter_async_context(open_deployment(Config(database_url=dsn)))
        postgres = await _postgres(dsn)
        await _write(work, events, progress)
        projector = RoleProcess("projector", ["projector"], settings={"SYNCD_DATABASE_URL": dsn}, folder=folder)
        stack.push_async_callback(projector.stop)
        rates = [await _bare_as_committed(work, postgres, events, progress)]
        progress.note("projecting")
        rates += await _fold(projector, work, postgres, events)
        rates.append(await _bare_as_committed(work, postgres, events, progress))
        (ws_port,) = free_ports(1)
        options = ["gateway", "--ws-port", str(ws_port)]
        gateway = RoleProcess("gateway", options, settings={"SYNCD_DATABASE_URL": dsn}, folder=folder)
        stack.push_async_callback(gateway.stop)
        await gateway.start()
        logins = await _link(work, "rebuilt while they play", "phone", "laptop")
        url = f"ws://127.0.0.1:{ws_port}/v1/sync"
        async with AsyncExitStack() as devices_stack:
            devices = [Device(url, login.token, store=str(folder / login.device)) for login in logins]
            for device in devices:
                await devices_stack.enter_async_context(device)
            await asyncio.gather(*(device.ready() for device in devices))
            await _by_hand(dsn)
            stop = asyncio.Event()
            traffic = [asyncio.create_task(_emit(device, n, stop)) for n, device in enumerate(devices)]
            try:
                progress.note("rebuilding, while two devices emit")
                rebuilt, swapped = await _rebuild(dsn, postgres)
                rates += rebuilt
            finally:
                stop.set()
                emitted = await asyncio.gather(*traffic)
            problems = await _problems(work, logins, devices, emitted)
        problems += [] if swapped else ["the damage was not found"]
        rates.append(await _bare_as_committed(work, postgres, events, progress))
        rates.append(await _bare_once(work, postgres, events))
    return Figures(rates, swapped, sum(emitted), problems)


async def _postgres(dsn: str) -> PostgresProcesses:
    connection = await asyncpg.connect(dsn)
    try:
        found = PostgresProcesses.of_backend(await connection.fetchval("select pg_backend_pid()"))
    finally:
        await connection.close()
    if found is None:
        raise RuntimeError("this Postgres is not on this machine: nobody can say what it costs")
    return found


async def _write(work: Deployment, events: int, progress: Progress) -> None:
    records = seeded(events)
    done = 0
    while part := list(islice(records, APPEND_RECORDS_MAX)):
        for outcome in await work.log.append(part):
            assert outcome.outcome == "written", outcome.reason
        done += len(part)
        progress.advance(done, "written")
    progress.done()


class _Watched:
    """A process of syncd at work, from its start on, and from the moment in which its first commit is seen."""

    def __init__(self, way: str, postgres: PostgresProcesses) -> None:
        self._way = way
        self._postgres = postgres
        self._started = (time.monotonic(), 0.0, postgres.seconds())
        self._begun: tuple[float, float, float] | None = None
        self._done = 0

    async def begun(self, pid: int, position: Callable[[], Awaitable[int]]) -> None:
        """Return when `position`, of the records that are done, has moved."""

        async def moved() -> bool:
            self._done = await position()
            return self._done > 0

        await eventually(moved, f"{self._way} did not begin", timeout_s=FOLD_TIMEOUT_S)
        self._begun = (time.monotonic(), ProcessGroup(self._way, pid).cpu_s(), self._postgres.seconds())

    def rates(self, events: int, cpu_s: float) -> list[Rate]:
        """Now that it has come to the end. The first alone, where that came before the first commit was seen."""
        now = (time.monotonic(), cpu_s, self._postgres.seconds())
        spans = [(self._way, events, self._started)]
        if self._begun is not None:
            spans.append((f"{self._way}, from its first commit on", events - self._done, self._begun))
        rates = []
        for way, count, began in spans:
            wall_s, spent_s, postgres_s = (end - start for end, start in zip(now, began, strict=True))
            rates.append(Rate(way, count, wall_s, spent_s, postgres_s))
        return rates


async def _fold(projector: RoleProcess, work: Deployment, postgres: PostgresProcesses, events: int) -> list[Rate]:
    """Start the projector, and let it fold the log from its beginning."""

    async def position() -> int:
        return (await work.store.checkpoint(0)).offset_next

    watched = _Watched("projector", postgres)
    await projector.start()
    await watched.begun(projector.pid, position)
    await until_projected(work.log, work.store, timeout_s=FOLD_TIMEOUT_S)
    return watched.rates(events, ProcessGroup("projector", projector.pid).cpu_s())


async def _link(work: Deployment, account: str, *names: str) -> list[LinkedDevice]:
    made = await work.accounts.create(account)
    return [await link_device(work.accounts, work.log, work.clock, made.account, name=name) for name in names]


async def _by_hand(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for statement in DAMAGE:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _emit(device: Device, number: int, stop: asyncio.Event) -> int:
    """Settings of its own, one after the other; how many."""
    count = 0
    while not stop.is_set():
        count += 1
        device.settings.set(f"device {number}", count)
        device.library.add("tracks", f"{number}/{count}")
        await asyncio.sleep(EMIT_PAUSE_S)
    await device.settled()
    return count


async def _rebuild(dsn: str, postgres: PostgresProcesses) -> tuple[list[Rate], int]:
    """`syncd rebuild` as an operator runs it; with it, how many cells it swapped."""
    command = [sys.executable, "-m", "syncd.cli", "rebuild", "--json"]
    environment = environment_with({"SYNCD_DATABASE_URL": dsn})
    watched, before_s = _Watched("rebuild", postgres), _ended_children_cpu_s()
    connection = await asyncpg.connect(dsn)

    async def position() -> int:
        return int(await connection.fetchval("select coalesce(sum(offset_next), 0) from rebuilds"))

    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment)
    begun = asyncio.create_task(watched.begun(process.pid, position))
    said, _ = await process.communicate()
    begun.cancel()
    await asyncio.gather(begun, return_exceptions=True)
    connection.terminate()
    if process.returncode != 0:
        raise RuntimeError(f"syncd rebuild ended with {process.returncode}")
    done = json.loads(said)
    return watched.rates(done["records"], _ended_children_cpu_s() - before_s), done["cells_changed"]


def _ended_children_cpu_s() -> float:
    """Of all children that have ended and were waited for: a rebuild is the only one to end while it runs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


async def _problems(
    work: Deployment, logins: list[LinkedDevice], devices: list[Device], emitted: list[int]
) -> list[str]:
    """What is not as it must be after quiet."""
    await until_projected(work.log, work.store)
    found = []
    for device, login in zip(devices, logins, strict=True):
        for number, count in enumerate(emitted):
            await device.until(lambda: device.settings.get(f"device {number}") == count)  # noqa: B023
            missed = sum(not device.library.has("tracks", f"{number}/{n}") for n in range(1, count + 1))
            found += [f"{login.name} lacks {missed} of {count} events of device {number}"] if missed else []
        verified = await device.verify()
        if verified.ours != verified.theirs:
            found.append(f"{login.name}: digest {verified.ours}, the gateway says {verified.theirs}")
    log_says = await verify(work.log, work.store, seed=1, progress=lambda done, of_all: None)
    return found + [f"{differs.stream} differs from the log" for differs in log_says.differences]


class _Bare:
    """Upserts rows, and counts what that costs."""

    def __init__(self, postgres: PostgresProcesses, connection: asyncpg.Connection) -> None:
        self._postgres = postgres
        self._connection = connection
        self._wall_s = self._cpu_s = self._postgres_cpu_s = 0.0
        self._rows = 0

    async def upsert(self, rows: Sequence[CellRow]) -> None:
        group = [astuple(row) for row in rows]
        self._rows += len(group)
        postgres_cpu_s = self._postgres.seconds()  # outside of what is timed: it reads all of /proc
        cpu_s, started_s = time.process_time(), time.monotonic()
        await upsert(self._connection, [group])
        self._wall_s += time.monotonic() - started_s
        self._cpu_s += time.process_time() - cpu_s
        self._postgres_cpu_s += self._postgres.seconds() - postgres_cpu_s

    def rate(self, way: str, events: int) -> Rate:
        return Rate(way, events, self._wall_s, self._cpu_s, self._postgres_cpu_s, self._rows)


@asynccontextmanager
async def _bare(postgres: PostgresProcesses, dsn: str) -> AsyncIterator[tuple[asyncpg.Connection, _Bare]]:
    connection = await asyncpg.connect(dsn)
    try:
        await prepare(connection)
        yield connection, _Bare(postgres, connection)
        await connection.execute("drop table bare_cells")
    finally:
        await connection.close()


async def _bare_as_committed(work: Deployment, postgres: PostgresProcesses, events: int, progress: Progress) -> Rate:
    progress.note("upserting the same rows")
    async with _bare(postgres, work.dsn) as (_, bare):
        for start in range(0, events, READ_RECORDS_MAX):
            await bare.upsert(fold_records(await work.log.read(0, start, limit=READ_RECORDS_MAX)).cells)
        return bare.rate(AS_COMMITTED, events)


async def _bare_once(work: Deployment, postgres: PostgresProcesses, events: int) -> Rate:
    async with _bare(postgres, work.dsn) as (connection, bare):
        for group in await rows_that_stay(connection):
            await bare.upsert(group)
        return bare.rate(ONCE, events)


def report(figures: Figures) -> None:
    """The table, and what is wrong."""
    rates = figures.rates
    rows = []
    for n, rate in enumerate(rates):
        around = [] if rate.way == AS_COMMITTED else _nearest(rates[:n][::-1]) + _nearest(rates[n + 1 :])
        rows.append(
            (
                rate.way,
                "" if rate.rows is None else f"{rate.rows:,}",
                f"{rate.events_per_s:,.0f}",
                f"{rate.events_per_cpu_s:,.0f}",
                " ".join(f"{rate.events_per_cpu_s / bare.events_per_cpu_s:.2f}" for bare in around),
                f"{rate.events_per_all_cpu_s:,.0f}",
                " ".join(f"{rate.events_per_all_cpu_s / bare.events_per_all_cpu_s:.2f}" for bare in around),
            )
        )
    print_table(("way", "rows", "events/s", "events/CPU s", "of bare", "with Postgres", "of bare"), rows)
    print("of bare: as committed, of the run before, and of the one after")
    print(f"{figures.swapped:,} cells swapped; {figures.emitted:,} rounds of events meanwhile")
    for problem in figures.problems:
        print(f"WRONG: {problem}")


def _nearest(rates: Sequence[Rate]) -> list[Rate]:
    """The first bare upsert as committed, where there is one."""
    return [rate for rate in rates if rate.way == AS_COMMITTED][:1]


def main() -> int:
    """Run it, and print what came of it."""
    parser = command("load.rebuild_rate", __doc__)
    parser.add_argument("--events", type=int, default=EVENTS_COUNT, metavar="N", help=f"{EVENTS_COUNT:,} by default")
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    arguments = parser.parse_args()
    calm_collector()
    with (
        tempfile.TemporaryDirectory(prefix="syncd-rebuild-") as folder,
        running_postgres("18", Path(folder) / "data", durable=True) as admin_dsn,
    ):
        dsn = asyncio.run(create_database(admin_dsn))
        progress = Progress("events", arguments.events)
        figures = asyncio.run(run(dsn, Path(folder), events=arguments.events, progress=progress))
    if arguments.json:
        print(json.dumps(asdict(figures)))
    else:
        report(figures)
    return 1 if figures.problems else 0


if __name__ == "__main__":
    sys.exit(main())
