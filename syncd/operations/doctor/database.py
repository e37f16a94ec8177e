"""Postgres, the tables in it, the log, how far the projector is behind, and whose clock is right."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Final, Protocol

from syncd import limits
from syncd.clock import Clock
from syncd.config import Config
from syncd.errors import StoreUnavailable, SyncdError
from syncd.log.port import EventLog
from syncd.operations.doctor.finding import Finding, fail, ok, warn
from syncd.operations.moment import duration
from syncd.postgres.database import Database
from syncd.store.embedded.binaries import find_binaries
from syncd.store.migrate import migration_status
from syncd.store.port import StateReader

POSTGRES_MIN: Final = 150_000
"""`server_version_num` of 15.0, the oldest that the tests run on."""
ROUND_TRIP_MS_WARN: Final = 20
"""Every event waits for at least one; beyond this people notice."""
LAG_RECORDS_WARN: Final = 10_000
"""Some seconds of a projector's work; more means that none runs, or that it cannot keep up."""


class LogAndStore(Protocol):
    """The parts of a deployment that are looked at."""

    @property
    def log(self) -> EventLog: ...
    @property
    def store(self) -> StateReader: ...


@dataclass(frozen=True, slots=True)
class Doors:
    """How a deployment is opened; `syncd.bootstrap` knows.

    Attributes:
        database: the address of its Postgres; an embedded one is joined, or started.
        deployment: its log and store, as they are: nothing is migrated.
    """

    database: Callable[[Config], AbstractAsyncContextManager[str]]
    deployment: Callable[[Config], AbstractAsyncContextManager[LogAndStore]]


async def findings(config: Config, clock: Clock, doors: Doors) -> AsyncIterator[Finding]:
    """What is found of Postgres and in it; the first failure ends it."""
    async with AsyncExitStack() as stack:
        if config.database_url is None:
            binaries = _binaries()
            yield binaries
            # Joining makes the cluster; looking must not.
            if binaries.verdict == "fail" or not (config.data_dir / "postgres").exists():
                return
        try:
            dsn = await stack.enter_async_context(doors.database(config))
            database = await Database.open(dsn, size=1, unavailable=StoreUnavailable, what="doctor")
            stack.push_async_callback(database.close)
            yield await _server(database)
            yield await _clocks(database, clock)
            tables = await _tables(dsn)
            yield tables
            if tables.verdict == "ok":
                if (stopped := await _stopped_rebuild(database)) is not None:
                    yield stopped
                async for finding in _log_and_projection(config, doors):
                    yield finding
        except SyncdError as error:
            setting = "SYNCD_DATABASE_URL" if config.database_url is not None else "SYNCD_DATA_DIR"
            found = "; ".join((str(error), *getattr(error, "__notes__", ())))
            yield fail("database", found, f"see that it runs and answers; {setting} names it")


def _binaries() -> Finding:
    try:
        binaries = find_binaries()
    except SyncdError as error:
        return fail("embedded postgres", str(error), "install syncd again, or set SYNCD_DATABASE_URL")
    return ok("embedded postgres", f"{binaries.version} in {binaries.folder}")


async def _server(database: Database) -> Finding:
    started_s = time.perf_counter()
    row = await database.row("select current_setting('server_version_num')::int, current_setting('server_version')")
    took_ms = (time.perf_counter() - started_s) * 1_000
    assert row is not None
    number, name = row
    text = f"Postgres {name} answers in {took_ms:.1f} ms"
    if number < POSTGRES_MIN:
        return fail("database", text, f"syncd needs {POSTGRES_MIN // 10_000} or newer")
    if took_ms > ROUND_TRIP_MS_WARN:
        return warn("database", text, "put it nearer to the gateways: every event waits for it")
    return ok("database", text)


async def _clocks(database: Database, clock: Clock) -> Finding:
    """Ours against the database's. Stamps of devices are judged by a gateway's clock."""
    before_ms = clock.now_ms()
    row = await database.row("select (extract(epoch from clock_timestamp()) * 1000)::bigint")
    assert row is not None
    ahead_ms = (before_ms + clock.now_ms()) // 2 - row[0]
    text = f"ours is {duration(abs(ahead_ms))} {'ahead of' if ahead_ms > 0 else 'behind'} the database's"
    if abs(ahead_ms) > limits.CLOCK_AHEAD_MS_MAX:
        return warn("clock", text, "set both by NTP: devices would be told a wrong time")
    return ok("clock", text)


async def _tables(dsn: str) -> Finding:
    status = await migration_status(dsn)
    if status.unknown:
        text = f"the database has migrations that this version does not know: {', '.join(status.unknown)}"
        return fail("migrations", text, "run the newer syncd that made them")
    if status.pending:
        text = f"{len(status.pending)} to apply: {', '.join(status.pending)}"
        return warn("migrations", text, "`syncd migrate` applies them, and so does a start")
    return ok("migrations", f"all {len(status.applied)} applied")


async def _stopped_rebuild(database: Database) -> Finding | None:
    """A rebuild that was begun, and that nobody works on. It may have swapped some of what it was to mend."""
    row = await database.row("""
        select sum(offset_next)::bigint as records from rebuilds where not exists (
            select 1 from pg_stat_activity
            where datname = current_database() and application_name = 'syncd rebuild'
        )
    """)
    assert row is not None, "a sum is always one row"
    if row["records"] is None:
        return None
    text = f"one was stopped after {row['records']} records; streams that it did not reach are as they were"
    return warn("rebuild", text, "`syncd rebuild` goes on there; `syncd verify` names what differs until then")


async def _log_and_projection(config: Config, doors: Doors) -> AsyncIterator[Finding]:
    """Both; where the log cannot be opened, what is in the way."""
    try:
        async with doors.deployment(config) as deployment:
            started_s = time.perf_counter()
            end = await deployment.log.end(0)
            took_ms = (time.perf_counter() - started_s) * 1_000
            count = deployment.log.partitions
            text = f"{config.log}, partitions: {count}, the first ends at {end}; answers in {took_ms:.1f} ms"
            yield ok("log", text)
            yield await _projection(deployment)
    except SyncdError as error:
        advice = " ".join(getattr(error, "__notes__", ())) or "see that it runs and answers; SYNCD_LOG names it"
        yield fail("log", str(error), advice)


async def _projection(deployment: LogAndStore) -> Finding:
    """Whether the store was folded from this life of the log, and how far behind it is."""
    log, lag = deployment.log, 0
    for partition in range(log.partitions):
        checkpoint = await deployment.store.checkpoint(partition)
        end = await log.end(partition)
        if checkpoint.epoch not in ("", log.epoch(partition)):
            text = f"partition {partition} was folded in another epoch of the log, {checkpoint.epoch}"
            return warn("projection", text, "start the servers again: a projector goes on in the new epoch")
        if checkpoint.offset_next > end:
            text = f"partition {partition} is folded up to {checkpoint.offset_next}, but the log ends at {end}"
            return fail("projection", text, "the log was restored or reset: run `syncd migrate --new-epoch`")
        start = await log.start(partition)
        if checkpoint.epoch and checkpoint.offset_next < start:
            text = f"partition {partition} is folded up to {checkpoint.offset_next}, but the log begins at {start}"
            return fail("projection", text, "records were deleted unread: run `syncd migrate --new-epoch`, keep more")
        lag += end - checkpoint.offset_next
    text = f"{lag} records behind the log"
    if lag > LAG_RECORDS_WARN:
        return warn("projection", text, "see that a projector runs: `syncd serve`, or `syncd projector`")
    return ok("projection", text)
