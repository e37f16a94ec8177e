"""How an append to the log in Postgres ends when connections die, fall silent or are too late."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from logs_under_test import postgres_log, record, records
from postgres_sessions import BLOCKED, OURS, admin, locked, until_blocked
from tunnel import Tunnel

from syncd import limits
from syncd.errors import LogUnavailable
from syncd.log.port import Appended
from syncd.log.postgres import PostgresLog, appending
from syncd.testing.patience import PATIENCE_S, eventually, until
from syncd.testing.postgres import VERSIONS

pytestmark = pytest.mark.parametrize("postgres_version", VERSIONS)


def test_an_append_whose_connection_dies_is_unknown_and_the_next_one_is_written(postgres_dsn: str) -> None:
    async def story() -> None:
        async with postgres_log(postgres_dsn) as log, admin(postgres_dsn) as connection:
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
        async with Tunnel.dug(postgres_dsn, tmp_path) as tunnel, postgres_log(tunnel.dsn) as log:
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


async def is_unknown(log: PostgresLog) -> bool:
    """What becomes of an append; one that a slow machine did not even send in time is refused."""
    (appended,) = await log.append(records(1))
    assert appended.outcome in ("unknown", "refused")
    return appended.outcome == "unknown"


async def is_written(log: PostgresLog, appended: Appended) -> bool:
    (given,) = appended.records
    try:
        return await log.find(given.stream, given.writer, given.seq) is not None
    except LogUnavailable:  # the pool's connections went through the tunnel as well
        return False


def test_a_log_that_cannot_be_reached_refuses(postgres_dsn: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Tunnel.dug(postgres_dsn, tmp_path) as tunnel, postgres_log(tunnel.dsn) as log:
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
        async with postgres_log(postgres_dsn) as log:
            async with locked(postgres_dsn):
                (appended,) = await log.append(records(1))
                assert appended.outcome == "refused"
            assert await log.end(0) == 0

    asyncio.run(story())


def test_an_append_past_its_deadline_is_unknown(postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "APPEND_TIMEOUT_S", 0.2)

    async def story() -> None:
        async with postgres_log(postgres_dsn) as log:
            async with locked(postgres_dsn):
                await eventually(lambda: is_unknown(log))

                async def one_is_sent() -> bool:
                    """While the other waits for its turn it has not been sent, so it certainly is not written."""
                    both = await asyncio.gather(log.append(records(1)), log.append(records(1)))
                    assert both[1][0].outcome == "refused"
                    return both[0][0].outcome == "unknown"

                await eventually(one_is_sent)
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
        async with Tunnel.dug(postgres_dsn, tmp_path) as tunnel, postgres_log(tunnel.dsn) as log:
            await log.append(records(1))
            tunnel.silence()
            monkeypatch.setattr(limits, "APPEND_TIMEOUT_S", 0.2)
            await eventually(lambda: is_unknown(log))
            monkeypatch.setattr(limits, "APPEND_TIMEOUT_S", PATIENCE_S)
            (appended,) = await log.append(records(1))
            assert appended.outcome == "written"

            tunnel.silence()
            swallowed = tunnel.swallowed
            append = asyncio.create_task(log.append(records(1)))
            await until(lambda: tunnel.swallowed > swallowed, "the append was not sent")
            append.cancel()
            with pytest.raises(asyncio.CancelledError):
                await append
            async with asyncio.timeout(PATIENCE_S / 2):
                (appended,) = await log.append(records(1))
            assert appended.outcome == "written"

    asyncio.run(story())


def test_a_cancelled_append_leaves_a_log_that_works(postgres_dsn: str) -> None:
    async def story() -> None:
        async with postgres_log(postgres_dsn) as log, admin(postgres_dsn) as connection:
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
            async with postgres_log(postgres_dsn) as log, locked(postgres_dsn):
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
                async with postgres_log(postgres_dsn) as log:
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
        async with admin(postgres_dsn) as connection, postgres_log(postgres_dsn) as log:
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
