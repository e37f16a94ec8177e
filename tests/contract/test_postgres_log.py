"""What only the log in Postgres can get wrong: lost notifications, lost answers, locks, other lives."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from logs_under_test import record, records
from postgres_sessions import PATIENCE_S, admin, eventually
from tunnel import Tunnel

from syncd import limits
from syncd.errors import ConfigError, EpochChanged, LogUnavailable
from syncd.log.port import Appended
from syncd.log.postgres import PostgresLog, appending, notifier
from syncd.log.record import Record
from syncd.postgres import database, listening
from syncd.store.migrate import new_epoch
from syncd.testing.postgres import VERSIONS, create_database, drop_database

pytestmark = pytest.mark.parametrize("postgres_version", VERSIONS)

POLL_S = limits.LOG_POLL_S + 2.0
"""A poll, and the slowness of a machine that is busy with other tests."""


@asynccontextmanager
async def opened(dsn: str, partitions: int | None = None) -> AsyncIterator[PostgresLog]:
    log = await PostgresLog.open(dsn, partitions=partitions)
    try:
        yield log
    finally:
        await log.close()


@asynccontextmanager
async def locked(dsn: str, statement: str = "select from log_partitions for update") -> AsyncIterator[None]:
    """Appends wait until the end of this transaction."""
    async with admin(dsn) as connection, connection.transaction():
        await connection.execute(statement)
        yield


async def until_blocked(connection: asyncpg.Connection[Any]) -> None:
    """Wait until one of our sessions waits for a lock. Not inside a transaction: it would see one moment only."""
    await eventually(lambda: connection.fetchval(f"select count(*) = 1 {BLOCKED}"))


OURS = "from pg_stat_activity where datname = current_database() and application_name like 'syncd%'"
LISTENING = f"{OURS} and application_name = 'syncd listening'"
BLOCKED = f"{OURS} and wait_event_type = 'Lock'"


# --- notifications ---


def test_polling_delivers_while_nobody_listens(postgres_dsn: str, postgres_admin_dsn: str) -> None:
    """The listening backend is killed for real and cannot come back; when it may, notifications work again."""

    async def story() -> None:
        name = urlsplit(postgres_dsn).path.lstrip("/")
        async with opened(postgres_dsn) as log, opened(postgres_dsn) as other, admin(postgres_dsn) as connection:
            await other.append(records(1))  # its connection is open before the door is shut
            assert await log.wait_beyond(0, 0, timeout_s=PATIENCE_S) == 1
            async with admin(postgres_admin_dsn) as superuser:
                await superuser.execute(f"alter database {name} allow_connections false")
                assert len(await connection.fetch(f"select pg_terminate_backend(pid) {LISTENING}")) == 2

                for end in (2, 3):
                    wait = asyncio.create_task(log.wait_beyond(0, end - 1, timeout_s=PATIENCE_S))
                    await other.append(records(1))
                    async with asyncio.timeout(POLL_S):
                        assert await wait == end
                assert await connection.fetchval(f"select count(*) {LISTENING}") == 0

                await superuser.execute(f"alter database {name} allow_connections true")
            # The loss itself was noticed: waiting for the next heartbeat would take longer.
            async with asyncio.timeout(listening.HEARTBEAT_S / 2):
                await eventually(lambda: both_listen(connection))
            assert await quickest_wake(log, other) < limits.LOG_POLL_S / 2

    asyncio.run(story())


async def both_listen(connection: asyncpg.Connection[Any]) -> bool:
    return bool(await connection.fetchval(f"select count(*) = 2 {LISTENING}"))


async def quickest_wake(log: PostgresLog, other: PostgresLog) -> float:
    """Seconds from another process' append to the end of a wait; the best of ten, since the machine may be busy."""
    found = []
    for _ in range(10):
        end = await other.end(0)
        wait = asyncio.create_task(log.wait_beyond(0, end, timeout_s=PATIENCE_S))
        await asyncio.sleep(0)
        await other.append(records(1))
        began = time.monotonic()
        assert await wait == end + 1
        found.append(time.monotonic() - began)
    return min(found)


def test_a_listening_connection_gone_silent_is_noticed(
    postgres_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing comes, as when nothing happens: only asking tells the two apart."""
    monkeypatch.setattr(listening, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr(listening, "HEARTBEAT_TIMEOUT_S", 1.0)

    async def story() -> None:
        async with (
            Tunnel.dug(postgres_dsn, tmp_path) as tunnel,
            opened(tunnel.dsn) as log,
            opened(postgres_dsn) as other,
        ):
            await other.append(records(1))
            monkeypatch.setattr(database, "ANSWER_TIMEOUT_S", 0.2)
            tunnel.silence()
            await eventually(lambda: answers(log))
            monkeypatch.setattr(database, "ANSWER_TIMEOUT_S", PATIENCE_S)
            await eventually(lambda: wakes_soon(log, other))

    asyncio.run(story())


def test_an_append_wakes_its_own_process_without_the_database(postgres_dsn: str) -> None:
    async def story() -> None:
        async with opened(postgres_dsn) as log:
            for end in (1, 2, 3):
                wait = asyncio.create_task(log.wait_beyond(0, end - 1, timeout_s=PATIENCE_S))
                await asyncio.sleep(0)
                await log.append(records(1))
                # A few turns of the loop are no round trip to anybody.
                for _ in range(3):
                    await asyncio.sleep(0)
                assert wait.done()
                assert await wait == end

    asyncio.run(story())


def test_only_who_is_not_alone_sends_notifications(postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They cost more than appends do. Who is alone finds out by getting no answer to his hello in time."""

    async def story() -> None:
        heard: list[str] = []
        async with admin(postgres_dsn) as connection:
            await connection.add_listener("syncd_log", lambda *said: heard.append(str(said[-1])))
            monkeypatch.setattr(notifier, "ANSWER_S", PATIENCE_S)
            async with opened(postgres_dsn) as log:
                await log.append(records(1))
                await eventually(lambda: contains(heard, "0:1"))
            monkeypatch.setattr(notifier, "ANSWER_S", 0.0)
            async with opened(postgres_dsn) as log:
                await log.append(records(1))
                async with opened(postgres_dsn) as other:
                    await eventually(lambda: contains(heard, "here"))
                    await other.append(records(1))
                    await eventually(lambda: contains(heard, "0:3"))
                    await log.append(records(1))
                    await eventually(lambda: contains(heard, "0:4"))
        assert [said.split()[0] for said in heard] == ["hello", "0:1", "hello", "hello", "here", "0:3", "0:4"]

    asyncio.run(story())


def test_who_has_gone_is_forgotten(postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifier, "ANSWER_S", 0.0)
    monkeypatch.setattr(notifier, "AUDIENCE_S", 1.0)

    async def story() -> None:
        heard: list[str] = []
        async with admin(postgres_dsn) as connection, opened(postgres_dsn) as log:
            await connection.add_listener("syncd_log", lambda *said: heard.append(str(said[-1])))
            await connection.execute("select pg_notify('syncd_log', 'here stranger')")
            await eventually(lambda: contains(heard, "here stranger"))
            await log.append(records(1))
            await eventually(lambda: contains(heard, "0:1"))
            await asyncio.sleep(1.1)
            await log.append(records(1))
            await connection.execute("select pg_notify('syncd_log', 'last')")
            await eventually(lambda: contains(heard, "last"))
            assert "0:2" not in heard

    asyncio.run(story())


async def answers(log: PostgresLog) -> bool:
    try:
        return await log.end(0) >= 0
    except LogUnavailable:
        return False


async def contains(heard: list[str], words: str) -> bool:
    return any(said.startswith(words) for said in heard)


def test_who_cannot_listen_does_not_believe_that_nobody_does(
    postgres_dsn: str, postgres_admin_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "ANSWER_S", 0.0)
    monkeypatch.setattr(notifier, "AUDIENCE_S", 0.0)

    async def story() -> None:
        name = urlsplit(postgres_dsn).path.lstrip("/")
        async with admin(postgres_dsn) as connection, opened(postgres_dsn) as log:
            await log.append(records(1))
            deaf = await connection.fetchval(f"select pid {LISTENING}")
            async with opened(postgres_dsn) as other, admin(postgres_admin_dsn) as superuser:
                # As many connections as they will need, before the door is shut.
                await asyncio.gather(*(one.end(0) for one in (log, other) for _ in range(2)))
                await superuser.execute(f"alter database {name} allow_connections false")
                await connection.execute("select pg_terminate_backend($1)", deaf)
                await eventually(lambda: wakes_soon(other, log))

    asyncio.run(story())


async def wakes_soon(log: PostgresLog, other: PostgresLog) -> bool:
    return await quickest_wake(log, other) < limits.LOG_POLL_S / 2


def test_a_busy_process_sends_less_than_a_notification_a_group(postgres_dsn: str) -> None:
    async def story() -> None:
        heard: list[str] = []
        async with admin(postgres_dsn) as connection, opened(postgres_dsn) as log, opened(postgres_dsn) as other:
            await connection.add_listener("syncd_log", lambda *said: heard.append(str(said[-1])))
            for _ in range(200):
                await log.append(records(1))
            assert await other.wait_beyond(0, 199, timeout_s=PATIENCE_S) == 200
            await eventually(lambda: contains(heard, "0:200"))
            ends = [int(said.removeprefix("0:")) for said in heard if said.startswith("0:")]
            assert ends == sorted(set(ends))
            assert len(ends) < 150

    asyncio.run(story())


def test_notifications_of_strangers_are_ignored(postgres_dsn: str) -> None:
    said = ["", "0", "0:", "x:1", "7:1", "0:-5", "0:1:2", "hello", "hello ", "here", "bye x", "here x y", "²:³"]

    async def story() -> None:
        errors: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        async with opened(postgres_dsn) as log, opened(postgres_dsn) as other, admin(postgres_dsn) as connection:
            for payload in said:
                await connection.execute("select pg_notify('syncd_log', $1)", payload)
            assert await log.wait_beyond(0, 0, timeout_s=0.05) == 0
            assert await quickest_wake(log, other) < limits.LOG_POLL_S / 2
        assert errors == []

    asyncio.run(story())


# --- outcomes ---


def test_an_append_whose_connection_dies_is_unknown_and_the_next_one_is_written(postgres_dsn: str) -> None:
    async def story() -> None:
        async with opened(postgres_dsn) as log, admin(postgres_dsn) as connection:
            async with locked(postgres_dsn):
                append = asyncio.create_task(log.append(records(2)))
                await until_blocked(connection)
                assert len(await connection.fetch(f"select pg_terminate_backend(pid) {BLOCKED}")) == 1
                (appended,) = await append
            assert appended.outcome == "unknown"
            assert list(appended.records) == records(2)
            (appended,) = await log.append(records(1))
            assert (appended.outcome, appended.offset_start) == ("written", 0)

    asyncio.run(story())


def test_an_append_whose_answer_is_lost_is_unknown_and_in_the_log(postgres_dsn: str, tmp_path: Path) -> None:
    """The reason for the third outcome: a client that took it for a failure and forgot the event would lose it."""

    async def story() -> None:
        async with Tunnel.dug(postgres_dsn, tmp_path) as tunnel, opened(tunnel.dsn) as log:
            (appended,) = await log.append(records(1))
            assert appended.outcome == "written"
            tunnel.losing_answers = True
            (appended,) = await log.append(records(1, first_seq=2))
            assert appended.outcome == "unknown"
            tunnel.losing_answers = False
            await eventually(lambda: is_written(log, appended))
            (appended,) = await log.append(records(1, first_seq=3))
            assert (appended.outcome, appended.offset_start) == ("written", 2)

    asyncio.run(story())


async def is_written(log: PostgresLog, appended: Appended) -> bool:
    (given,) = appended.records
    try:
        return await log.find(given.stream, given.writer, given.seq) is not None
    except LogUnavailable:  # the pool's connections went through the tunnel as well
        return False


def test_a_log_that_cannot_be_reached_refuses(postgres_dsn: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Tunnel.dug(postgres_dsn, tmp_path) as tunnel, opened(tunnel.dsn) as log:
            await tunnel.close()
            (appended,) = await log.append(records(1))
            assert appended.outcome == "refused"
            with pytest.raises(LogUnavailable):
                await log.end(0)
            with pytest.raises(LogUnavailable):
                await log.wait_beyond(0, 0, timeout_s=PATIENCE_S)

    asyncio.run(story())


def test_an_append_that_postgres_gave_up_is_refused(postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appending, "SERVER_TIMEOUT_S", 0.1)

    async def story() -> None:
        async with opened(postgres_dsn) as log:
            async with locked(postgres_dsn):
                (appended,) = await log.append(records(1))
                assert appended.outcome == "refused"
            assert await log.end(0) == 0

    asyncio.run(story())


def test_an_append_past_its_deadline_is_unknown(postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "APPEND_TIMEOUT_S", 0.2)

    async def story() -> None:
        async with opened(postgres_dsn) as log:
            async with locked(postgres_dsn):
                (appended,) = await log.append(records(1))
                assert appended.outcome == "unknown"
                # While it waits for its turn it has not been sent, so it certainly is not written.
                first, second = await asyncio.gather(log.append(records(1)), log.append(records(1)))
                assert (first[0].outcome, second[0].outcome) == ("unknown", "refused")
            monkeypatch.setattr(limits, "APPEND_TIMEOUT_S", PATIENCE_S)
            (appended,) = await log.append([record("a:last")])
            assert appended.outcome == "written"
            read = await log.read(0, 0, limit=10)
            assert read[-1].stream == "a:last"

    asyncio.run(story())


def test_an_append_into_silence_does_not_keep_the_next_one(
    postgres_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request to cancel it goes unanswered as well, so that connection is of no use to anybody."""

    async def story() -> None:
        async with Tunnel.dug(postgres_dsn, tmp_path) as tunnel, opened(tunnel.dsn) as log:
            await log.append(records(1))
            tunnel.silence()
            monkeypatch.setattr(limits, "APPEND_TIMEOUT_S", 0.2)
            (appended,) = await log.append(records(1))
            assert appended.outcome == "unknown"
            monkeypatch.setattr(limits, "APPEND_TIMEOUT_S", PATIENCE_S)
            (appended,) = await log.append(records(1))
            assert appended.outcome == "written"

            tunnel.silence()
            append = asyncio.create_task(log.append(records(1)))
            await asyncio.sleep(0.01)
            append.cancel()
            with pytest.raises(asyncio.CancelledError):
                await append
            async with asyncio.timeout(PATIENCE_S / 2):
                (appended,) = await log.append(records(1))
            assert appended.outcome == "written"

    asyncio.run(story())


def test_a_cancelled_append_leaves_a_log_that_works(postgres_dsn: str) -> None:
    async def story() -> None:
        async with opened(postgres_dsn) as log, admin(postgres_dsn) as connection:
            async with locked(postgres_dsn):
                append = asyncio.create_task(log.append(records(1)))
                await until_blocked(connection)
                append.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await append
            (appended,) = await log.append(records(1))
            assert appended.outcome == "written"

    asyncio.run(story())


def test_closing_ends_an_append_under_way_as_unknown_and_leaves_no_connection(postgres_dsn: str) -> None:
    async def story() -> None:
        async with admin(postgres_dsn) as connection:
            async with opened(postgres_dsn) as log, locked(postgres_dsn):
                append = asyncio.create_task(log.append(records(1)))
                await until_blocked(connection)
                await log.close()
                (appended,) = await append
                assert appended.outcome == "unknown"
            await eventually(lambda: connection.fetchval(f"select count(*) = 0 {OURS}"))

    asyncio.run(story())


def test_closing_while_the_appending_connection_opens_leaves_none(postgres_dsn: str) -> None:
    async def story() -> None:
        async with admin(postgres_dsn) as connection:
            for turns in range(0, 40, 3):
                async with opened(postgres_dsn) as log:
                    append = asyncio.create_task(log.append(records(1)))
                    for _ in range(turns):
                        await asyncio.sleep(0)
                await append
            await eventually(lambda: connection.fetchval(f"select count(*) = 0 {OURS}"))

    asyncio.run(story())


def test_a_commit_is_durable_where_the_database_says_it_need_not_be(postgres_dsn: str, postgres_admin_dsn: str) -> None:
    async def story() -> None:
        name = urlsplit(postgres_dsn).path.lstrip("/")
        async with admin(postgres_admin_dsn) as superuser:
            await superuser.execute(f"alter database {name} set synchronous_commit = off")
        async with admin(postgres_dsn) as connection, opened(postgres_dsn) as log:
            # What the appending session commits with, written down by the database while it appends.
            await connection.execute(
                """
                create table said (setting text);
                create function say() returns trigger language plpgsql as $$
                begin insert into said values (current_setting('synchronous_commit')); return null; end $$;
                create trigger say after insert on events for each statement execute function say();
                """
            )
            await log.append(records(1))
            assert await connection.fetchval("show synchronous_commit") == "off"
            assert await connection.fetchval("select setting from said") == "on"

    asyncio.run(story())


# --- partitions and lives ---


def test_the_number_of_partitions_is_written_down_once(postgres_dsn: str) -> None:
    async def story() -> None:
        async with opened(postgres_dsn, 3) as log, opened(postgres_dsn) as again:
            assert (log.partitions, again.partitions) == (3, 3)
        with pytest.raises(ConfigError, match="3 partitions, not 4"):
            await PostgresLog.open(postgres_dsn, partitions=4)

    asyncio.run(story())


def test_a_database_without_tables_says_what_to_do(postgres_admin_dsn: str) -> None:
    async def story() -> None:
        dsn = await create_database(postgres_admin_dsn, migrated=False)
        try:
            with pytest.raises(LogUnavailable, match="syncd migrate"):
                await PostgresLog.open(dsn)
        finally:
            await drop_database(postgres_admin_dsn, dsn)

    asyncio.run(story())


def test_nobody_at_the_address_is_said_in_our_words(tmp_path: Path, postgres_version: str) -> None:
    with pytest.raises(LogUnavailable, match="did not answer|failed"):
        asyncio.run(PostgresLog.open(f"postgresql://syncd@/syncd?host={tmp_path}"))


def test_a_new_epoch_shuts_out_who_knew_the_old_one(postgres_dsn: str) -> None:
    async def story() -> None:
        async with opened(postgres_dsn, 2) as log:
            before = log.epoch(0)
            await log.append([record("a:1"), record("a:2"), record("a:3")])
            end = await log.end(0)
            await new_epoch(postgres_dsn)
            for group in ([record("a:1")], [record(f"a:{number}") for number in range(9)]):
                assert {appended.outcome for appended in await log.append(group)} == {"refused"}
            with pytest.raises(EpochChanged, match=before):
                await log.wait_beyond(0, end, timeout_s=PATIENCE_S)
            async with opened(postgres_dsn) as again:
                assert again.epoch(0) != before
                assert await again.end(0) == end
                assert {appended.outcome for appended in await again.append([record("a:1")])} == {"written"}

    asyncio.run(story())


def test_the_largest_append_is_written_whole(postgres_dsn: str) -> None:
    given = [
        Record(f"a:{number}", "wwwwwwwwww", 2**53 - 1, "list.inserted", 1, bytes([number % 256]) * 3_000)
        for number in range(limits.APPEND_RECORDS_MAX)
    ]

    async def story() -> None:
        async with opened(postgres_dsn, 7) as log:
            assert {appended.outcome for appended in await log.append(given)} == {"written"}
            found = [one for part in range(7) for one in await log.read(part, 0, limit=limits.READ_RECORDS_MAX)]
            assert sorted(one[2:] for one in found) == sorted(tuple(one) for one in given)

    asyncio.run(story())


def test_a_read_of_large_records_stops_before_it_fills_the_memory(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Page after page, nothing is left out, whatever a page's limit in bytes cuts."""
    monkeypatch.setattr(limits, "READ_BYTES_MAX", 100_000)
    given = [record(seq=seq, body=bytes(30_000 if seq % 300 == 0 else 300)) for seq in range(1, 901)]

    async def story() -> None:
        async with opened(postgres_dsn) as log:
            await log.append(given)
            pages = []
            for read in (partial(log.read, 0), partial(log.read_stream, "a:1")):
                at = 0
                while page := await read(at, limit=900):
                    # What came uncounted before, and one record that may be large.
                    assert sum(len(one.body) for one in page) <= 100_000 + 200 * 300 + 2 * 30_000
                    assert [one.seq for one in page] == list(range(at + 1, at + len(page) + 1))
                    pages.append(len(page))
                    at += len(page)
                assert at == 900
            assert 900 not in pages

            monkeypatch.setattr(limits, "READ_BYTES_MAX", 1)
            assert len(await log.read_stream("a:1", 299, limit=10)) == 1
            assert len(await log.read(0, 299, limit=400)) == 201

    asyncio.run(story())
