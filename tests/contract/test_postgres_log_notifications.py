"""How one process learns that another appended: notifications, and polling where they are lost."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from logs_under_test import postgres_log, records
from postgres_sessions import LISTENING, admin
from tunnel import Tunnel

from syncd import limits
from syncd.errors import LogUnavailable
from syncd.log.postgres import PostgresLog, notifier
from syncd.postgres import database, listening
from syncd.testing.patience import PATIENCE_S, eventually, until
from syncd.testing.postgres import VERSIONS

pytestmark = pytest.mark.parametrize("postgres_version", VERSIONS)

LONG_S = 10 * PATIENCE_S
"""What does not happen during a test."""


def test_polling_delivers_while_nobody_listens(
    postgres_dsn: str, postgres_admin_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The listening backend is killed for real and cannot come back; when it may, notifications work again."""
    monkeypatch.setattr(listening, "HEARTBEAT_S", LONG_S)  # the loss itself is noticed

    async def story() -> None:
        name = urlsplit(postgres_dsn).path.lstrip("/")
        async with (
            postgres_log(postgres_dsn) as log,
            postgres_log(postgres_dsn) as other,
            admin(postgres_dsn) as connection,
        ):
            await other.append(records(1))  # its connection is open before the door is shut
            assert await log.wait_beyond(0, 0, timeout_s=PATIENCE_S) == 1
            async with admin(postgres_admin_dsn) as superuser:
                await superuser.execute(f"alter database {name} allow_connections false")
                assert len(await connection.fetch(f"select pg_terminate_backend(pid) {LISTENING}")) == 2

                for end in (2, 3):
                    wait = asyncio.create_task(log.wait_beyond(0, end - 1, timeout_s=LONG_S))
                    await other.append(records(1))
                    async with asyncio.timeout(PATIENCE_S):
                        assert await wait == end
                assert await connection.fetchval(f"select count(*) {LISTENING}") == 0

                await superuser.execute(f"alter database {name} allow_connections true")
            await eventually(lambda: both_listen(connection))
            await eventually(lambda: wakes_soon(log, other))

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
            postgres_log(tunnel.dsn) as log,
            postgres_log(postgres_dsn) as other,
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
        async with postgres_log(postgres_dsn) as log:
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
    monkeypatch.setattr(listening, "HEARTBEAT_S", LONG_S)
    monkeypatch.setattr(notifier, "AUDIENCE_S", LONG_S)

    async def story() -> None:
        heard: list[str] = []
        async with admin(postgres_dsn) as connection:
            await connection.add_listener("syncd_log", lambda *said: heard.append(str(said[-1])))
            monkeypatch.setattr(notifier, "ANSWER_S", LONG_S)
            async with postgres_log(postgres_dsn) as log:
                await until(lambda: has_audience(log))  # itself, for now
                await log.append(records(1))
                await until(lambda: contains(heard, "0:1"))
            monkeypatch.setattr(notifier, "ANSWER_S", 0.0)
            async with postgres_log(postgres_dsn) as log:
                await log.append(records(1))
                async with postgres_log(postgres_dsn) as other:
                    await until(lambda: contains(heard, "here"))
                    await until(lambda: has_audience(other))
                    await other.append(records(1))
                    await until(lambda: contains(heard, "0:3"))
                    await log.append(records(1))
                    await until(lambda: contains(heard, "0:4"))
        assert [said.split()[0] for said in heard] == ["hello", "0:1", "hello", "hello", "here", "0:3", "0:4"]

    asyncio.run(story())


def test_who_has_gone_is_forgotten(postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifier, "ANSWER_S", 0.0)
    monkeypatch.setattr(notifier, "AUDIENCE_S", 1.0)

    async def story() -> None:
        heard: list[str] = []
        async with admin(postgres_dsn) as connection, postgres_log(postgres_dsn) as log:
            await connection.add_listener("syncd_log", lambda *said: heard.append(str(said[-1])))

            async def told() -> bool:
                await connection.execute("select pg_notify('syncd_log', 'here stranger')")
                await log.append(records(1))
                return contains(heard, "0:")

            await eventually(told)
            await until(lambda: not has_audience(log))
            end = await log.end(0)
            await log.append(records(1))
            await connection.execute("select pg_notify('syncd_log', 'last')")
            await until(lambda: contains(heard, "last"))
            assert f"0:{end + 1}" not in heard

    asyncio.run(story())


def has_audience(log: PostgresLog) -> bool:
    """Whether it believes that somebody listens. Who was told so last, is not to be seen from outside."""
    return log._notifier._interval_ms() is not None


async def answers(log: PostgresLog) -> bool:
    try:
        return await log.end(0) >= 0
    except LogUnavailable:
        return False


def contains(heard: list[str], words: str) -> bool:
    return any(said.startswith(words) for said in heard)


def test_who_cannot_listen_does_not_believe_that_nobody_does(
    postgres_dsn: str, postgres_admin_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "ANSWER_S", 0.0)
    monkeypatch.setattr(notifier, "AUDIENCE_S", 0.0)

    async def story() -> None:
        name = urlsplit(postgres_dsn).path.lstrip("/")
        async with admin(postgres_dsn) as connection, postgres_log(postgres_dsn) as log:
            await log.append(records(1))
            deaf = await connection.fetchval(f"select pid {LISTENING}")
            async with postgres_log(postgres_dsn) as other, admin(postgres_admin_dsn) as superuser:
                # As many connections as they will need, before the door is shut.
                await asyncio.gather(*(one.end(0) for one in (log, other) for _ in range(2)))
                await superuser.execute(f"alter database {name} allow_connections false")
                await connection.execute("select pg_terminate_backend($1)", deaf)
                await eventually(lambda: wakes_soon(other, log))

    asyncio.run(story())


async def wakes_soon(log: PostgresLog, other: PostgresLog) -> bool:
    return await quickest_wake(log, other) < limits.LOG_POLL_S / 2


def test_who_is_in_no_hurry_is_told_less_often(postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A projector beside a busy gateway must not cost it a notification for every group."""
    an_hour = 3_600_000
    monkeypatch.setattr(notifier, "LATER_MS", an_hour)
    monkeypatch.setattr(notifier, "ANSWER_S", 0.0)

    async def told_after(*others_ms: int) -> list[str]:
        """The ends that were told of two appends, with such others listening."""
        heard: list[str] = []
        async with AsyncExitStack() as stack:
            connection = await stack.enter_async_context(admin(postgres_dsn))
            await connection.add_listener("syncd_log", lambda *said: heard.append(str(said[-1])))
            log = await stack.enter_async_context(postgres_log(postgres_dsn, news_within_ms=an_hour))
            for ms in others_ms:
                await stack.enter_async_context(postgres_log(postgres_dsn, news_within_ms=ms))
            await until(lambda: sum(said.startswith("hello") for said in heard) == 1 + len(others_ms))
            await until(lambda: log._notifier._interval_ms() == min(others_ms))
            end = await log.end(0)
            await log.append(records(1))
            await until(lambda: contains(heard, f"0:{end + 1}"))
            await log.append(records(1))
            if notifier.SOON_MS in others_ms:
                await until(lambda: contains(heard, f"0:{end + 2}"))
            await connection.execute("select pg_notify('syncd_log', 'last')")
            await until(lambda: contains(heard, "last"))
        return [str(int(said.removeprefix("0:")) - end) for said in heard if said.startswith("0:")]

    async def story() -> None:
        assert await told_after(an_hour) == ["1"]
        assert await told_after(an_hour, notifier.SOON_MS) == ["1", "2"]

    asyncio.run(story())


def test_a_busy_process_sends_less_than_a_notification_a_group(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "SOON_MS", 500)  # so that no machine is too slow to append twice in that time

    async def story() -> None:
        heard: list[str] = []
        async with (
            admin(postgres_dsn) as connection,
            postgres_log(postgres_dsn) as log,
            postgres_log(postgres_dsn) as other,
        ):
            await connection.add_listener("syncd_log", lambda *said: heard.append(str(said[-1])))
            for _ in range(200):
                await log.append(records(1))
            assert await other.wait_beyond(0, 199, timeout_s=PATIENCE_S) == 200
            await until(lambda: contains(heard, "0:200"))
            ends = [int(said.removeprefix("0:")) for said in heard if said.startswith("0:")]
            assert ends == sorted(set(ends))
            assert len(ends) < 150

    asyncio.run(story())


def test_notifications_of_strangers_are_ignored(postgres_dsn: str) -> None:
    said = ["", "0", "0:", "x:1", "7:1", "0:-5", "0:1:2", "hello", "hello ", "here", "bye x", "here x y", "²:³"]

    async def story() -> None:
        errors: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        async with (
            postgres_log(postgres_dsn) as log,
            postgres_log(postgres_dsn) as other,
            admin(postgres_dsn) as connection,
        ):
            for payload in said:
                await connection.execute("select pg_notify('syncd_log', $1)", payload)
            assert await log.wait_beyond(0, 0, timeout_s=0.05) == 0
            await eventually(lambda: wakes_soon(log, other))
        assert errors == []

    asyncio.run(story())
