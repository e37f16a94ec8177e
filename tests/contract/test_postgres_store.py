"""What only the store in Postgres can get wrong: lost connections, missing tables, rows that nobody reads yet."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from postgres_sessions import admin
from tunnel import Tunnel

from syncd.errors import StoreUnavailable
from syncd.postgres import database as postgres_database
from syncd.store.port import Batch, CellRow, DeadLetterRow, Lease, SlotsRow, WriterRow
from syncd.store.postgres import PostgresStore
from syncd.store.postgres.projection import GENTLE_ROWS
from syncd.testing.patience import PATIENCE_S, eventually, until
from syncd.testing.postgres import VERSIONS, create_database, drop_database

pytestmark = pytest.mark.parametrize("postgres_version", VERSIONS)


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[PostgresStore]:
    store = await PostgresStore.open(dsn)
    try:
        yield store
    finally:
        await store.close()


async def leased(store: PostgresStore) -> Lease:
    lease = await store.acquire(0, holder="me", ttl_s=60)
    assert lease is not None
    return lease


def test_a_dead_letter_is_kept_whole_once_for_each_epoch(postgres_dsn: str) -> None:
    letter = DeadLetterRow(0, 3, "a:1", "wwwwwwwwww", 7, "list.inserted", 9, b"\x00\xff", "version 9 is unknown\n\x1f")

    async def story() -> None:
        async with opened(postgres_dsn) as store, admin(postgres_dsn) as connection:
            lease = await leased(store)
            await store.commit(Batch(lease, "e1", 0, 4, dead_letters=[letter]))
            await store.begin_epoch(lease, epoch="e2", offset_next=0)
            await store.commit(Batch(lease, "e2", 0, 4, dead_letters=[letter]))
            await store.commit(Batch(lease, "e2", 4, 5, dead_letters=[replaced(letter)]))
            rows = await connection.fetch("select * from dead_letters order by epoch")
            assert [tuple(row) for row in rows] == [
                (0, epoch, 3, "a:1", "wwwwwwwwww", 7, "list.inserted", 9, b"\x00\xff", "version 9 is unknown\n\x1f")
                for epoch in ("e1", "e2")
            ]

    asyncio.run(story())


def replaced(letter: DeadLetterRow) -> DeadLetterRow:
    """The same position again, as after a commit whose outcome was unknown."""
    return letter._replace(reason="another reason")


@pytest.mark.parametrize(
    "batch",
    [
        Batch(Lease(0, "me", 1), "e1", 0, 1, cells=[CellRow("a:1", "k\0", "1", b"1", 0)]),
        Batch(Lease(0, "me", 1), "e1", 0, 1, cells=[CellRow("a:1", "k\x1fl", "1", b"1", 0)]),
        Batch(Lease(0, "me", 1), "e1", 0, 1, cells=[CellRow("a:1", "\udc80", "1", b"1", 0)]),
        Batch(Lease(0, "me", 1), "e1", 0, 1, cells=[CellRow("a:1", "k", "1", b"1", 0)] * 2),
        Batch(Lease(0, "me", 1), "e1", 0, 1, cells=[CellRow("a:1", "k", "1", b"1", 2**63)]),
        Batch(Lease(0, "me", 1), "e1", 0, 1, cells=[CellRow("a:1", "k", "1", b"", 0)]),
        Batch(Lease(0, "me", 1), "e1", 0, 1, writers=[WriterRow("w", "a:1", 1, 1, 0)] * 2),
    ],
    ids=["NUL", "separator", "surrogate", "cell twice", "bigint", "no value", "writer twice"],
)
def test_what_postgres_cannot_take_is_no_reason_to_try_again(postgres_dsn: str, batch: Batch) -> None:
    """`StoreUnavailable` would make a projector repeat it for ever."""

    async def story() -> None:
        async with opened(postgres_dsn) as store:
            lease = await leased(store)
            with pytest.raises(ValueError, match="cannot take") as caught:
                await store.commit(batch)
            assert caught.value.__cause__ is not None
            assert (await store.checkpoint(0)).offset_next == 0
            await store.commit(replace(batch, lease=lease, cells=[], writers=[]))

    asyncio.run(story())


def test_lost_connections_are_said_in_our_words_and_replaced(postgres_dsn: str) -> None:
    async def story() -> None:
        async with opened(postgres_dsn) as store, admin(postgres_dsn) as connection:
            await asyncio.gather(*(store.checkpoint(0) for _ in range(20)))
            # A statement under way when its backend dies.
            async with admin(postgres_dsn) as blocker, blocker.transaction():
                await blocker.execute("lock table checkpoints in access exclusive mode")
                under_way = asyncio.create_task(store.checkpoint(0))
                kill = "select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'"
                await eventually(lambda: connection.fetch(f"{kill} and datname = current_database()"))
                with pytest.raises(StoreUnavailable) as caught:
                    await under_way
                assert isinstance(caught.value.__cause__, asyncpg.PostgresError)
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and application_name like 'syncd%'"
            )
            await eventually(lambda: answers(store))

    asyncio.run(story())


def test_a_connection_that_broke_while_nobody_used_it_is_replaced_unnoticed(postgres_dsn: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Tunnel.dug(postgres_dsn, tmp_path) as tunnel, opened(tunnel.dsn) as store:
            assert (await store.checkpoint(0)).offset_next == 0
            tunnel.cut()
            await until(lambda: all(idle.is_closed() for idle, _ in store._database._idle))
            assert (await store.checkpoint(0)).offset_next == 0

    asyncio.run(story())


async def answers(store: PostgresStore) -> bool:
    try:
        return (await store.checkpoint(0)).offset_next == 0
    except StoreUnavailable:
        return False


def test_a_connection_gone_silent_is_left_in_time(
    postgres_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A firewall forgot it: nobody answers a statement, nor the request to cancel it."""

    async def story() -> None:
        async with Tunnel.dug(postgres_dsn, tmp_path) as tunnel, opened(tunnel.dsn) as store:
            assert (await store.checkpoint(0)).offset_next == 0
            tunnel.silence()
            monkeypatch.setattr(postgres_database, "ANSWER_TIMEOUT_S", 0.2)
            async with asyncio.timeout(PATIENCE_S):
                with pytest.raises(StoreUnavailable, match="in time"):
                    await store.checkpoint(0)
            monkeypatch.setattr(postgres_database, "ANSWER_TIMEOUT_S", PATIENCE_S)
            assert (await store.checkpoint(0)).offset_next == 0

    asyncio.run(story())


def test_a_connection_unused_for_long_is_not_trusted(
    postgres_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_database, "IDLE_CONNECTION_S", 0.0)

    async def story() -> None:
        async with Tunnel.dug(postgres_dsn, tmp_path) as tunnel, opened(tunnel.dsn) as store:
            await asyncio.sleep(0)
            tunnel.silence()
            async with asyncio.timeout(PATIENCE_S):
                assert (await store.checkpoint(0)).offset_next == 0

    asyncio.run(story())


def test_a_database_that_does_not_answer_in_time_is_unavailable(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:

    async def story() -> None:
        async with opened(postgres_dsn) as store:
            monkeypatch.setattr(postgres_database, "ANSWER_TIMEOUT_S", 0.1)
            async with admin(postgres_dsn) as connection, connection.transaction():
                await connection.execute("lock table checkpoints in access exclusive mode")
                # More than the pool holds: those that wait for a connection have a deadline as well.
                asked = [store.checkpoint(0) for _ in range(8)]
                ended = await asyncio.gather(*asked, return_exceptions=True)
                assert {type(end) for end in ended} == {StoreUnavailable}
                assert {str(end) for end in ended} == {"store: the database did not answer in time"}
            monkeypatch.setattr(postgres_database, "ANSWER_TIMEOUT_S", PATIENCE_S)
            assert (await store.checkpoint(0)).offset_next == 0

    asyncio.run(story())


def test_missing_tables_say_what_to_do(postgres_admin_dsn: str) -> None:
    async def story() -> None:
        dsn = await create_database(postgres_admin_dsn, migrated=False)
        try:
            async with opened(dsn) as store:
                with pytest.raises(StoreUnavailable, match="syncd migrate"):
                    await store.checkpoint(0)
        finally:
            await drop_database(postgres_admin_dsn, dsn)

    asyncio.run(story())


def test_nobody_at_the_address_is_unavailable(tmp_path: Path, postgres_version: str) -> None:
    with pytest.raises(StoreUnavailable):
        asyncio.run(PostgresStore.open(f"postgresql://syncd@/syncd?host={tmp_path}"))


def test_a_wrong_database_name_is_unavailable(postgres_admin_dsn: str) -> None:
    dsn = urlunsplit(urlsplit(postgres_admin_dsn)._replace(path="/nothing"))
    with pytest.raises(StoreUnavailable, match="the database does not exist on its server"):
        asyncio.run(PostgresStore.open(dsn))


def test_a_closed_store_is_unavailable(postgres_dsn: str) -> None:
    async def story() -> None:
        async with opened(postgres_dsn) as store:
            await store.close()
            with pytest.raises(StoreUnavailable):
                await store.checkpoint(0)

    asyncio.run(story())


def test_resume_reads_the_index_of_spans(postgres_dsn: str) -> None:
    """One change in a playlist of 10,000 items must not cost a walk through the playlist."""

    async def story() -> None:
        async with opened(postgres_dsn) as store, admin(postgres_dsn) as connection:
            lease = await leased(store)
            cells = [CellRow("p:x", f"items/at/w.{n}", "1", b"1" * 20, n) for n in range(10_000)]
            await store.commit(Batch(lease, "e1", 0, 10_000, cells=cells))
            await connection.execute("analyze cells")
            await connection.execute("set plan_cache_mode = force_generic_plan")
            await connection.execute(
                "prepare resume (text, bigint) as select array_agg(key), array_agg(log_offset) from cells "
                "where stream = $1 and log_span >= $2 >> 14 and log_offset >= $2"
            )
            plan = "\n".join(row[0] for row in await connection.fetch("explain execute resume ('p:x', 9999)"))
            assert "cells_by_span" in plan, plan

    asyncio.run(story())


STAYED = 0.95
"""Of the rows, where pages have room; without it nine in ten do."""


def test_what_rises_with_every_event_stays_on_its_page(postgres_dsn: str) -> None:
    """A new version on another page is an entry in each index, too: of three rows for an event that is folded.

    What others have open on the same server, in any database, may keep room from being taken again: Postgres looks at
    that only now and then. So there are some rounds, each on empty pages, and one has to be as it should.
    """
    accounts, part, rounds = 800, 40, 10
    tables = "cells, writers, list_slots"

    def batch(lease: Lease, offset: int, numbers: range) -> Batch:
        writers = [WriterRow(f"w{n:09}", f"a:{n}", offset + 1, offset + 1, offset) for n in numbers]
        cells = [CellRow(f"a:{n}", "playing/position", f"{offset:09}", b"1" * 20, offset) for n in numbers]
        slots = [SlotsRow(f"a:{n}", "queue", 1) for n in numbers]
        return Batch(lease, "e1", offset, offset + 1, cells=cells, writers=writers, slots=slots)

    async def written(number: int) -> None:
        async with opened(postgres_dsn) as store:
            lease = await leased(store)
            first = number * (1 + accounts // part)
            await store.commit(batch(lease, first, range(accounts)))
            for n in range(accounts // part):
                await store.commit(batch(lease, first + 1 + n, range(n, accounts, accounts // part)))
            await store.release(lease)

    async def stayed(connection: asyncpg.Connection[asyncpg.Record], updates: int) -> list[int] | None:
        """How many did, of each table, once all updates are counted: by backends that have ended."""
        counts = await connection.fetch(
            "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables "
            f"where relname = any(string_to_array('{tables}', ', ')) order by relname"
        )
        assert len(counts) == 3
        return [hot for _, hot in counts] if all(updated == updates for updated, _ in counts) else None

    async def story() -> None:
        async with admin(postgres_dsn) as connection:
            before = [0, 0, 0]
            for number in range(rounds):
                await connection.execute(f"truncate {tables}")
                await written(number)
                after = await eventually(partial(stayed, connection, (number + 1) * accounts))
                if all(new - old >= accounts * STAYED for new, old in zip(after, before, strict=True)):
                    return
                before = after
            raise AssertionError(f"rows left their pages: {before} of {rounds * accounts} stayed")

    asyncio.run(story())


def test_a_batch_does_not_wait_for_the_disk_and_what_must_not_be_lost_does(postgres_dsn: str) -> None:
    async def story() -> None:
        async with opened(postgres_dsn) as store, admin(postgres_dsn) as connection:
            # What each session commits with, written down by the database while it writes.
            await connection.execute(
                """
                create table said (place serial, setting text);
                create function say() returns trigger language plpgsql as $$
                begin insert into said (setting) values (current_setting('synchronous_commit')); return null; end $$;
                create trigger say after update on checkpoints for each statement execute function say();
                """
            )
            lease = await leased(store)
            await store.commit(Batch(lease, "e1", 0, 1, cells=[CellRow("a:1", "k", "1", b"1", 0)]))
            await store.make_durable(0)
            await store.begin_epoch(lease, epoch="e2", offset_next=0)
            said = await connection.fetch("select setting from said order by place")
            assert [setting for (setting,) in said] == ["on", "off", "on", "on"]

    asyncio.run(story())


def test_a_gentle_commit_rests_between_its_rows(postgres_dsn: str) -> None:
    """Each rest is a millisecond at least, so a hundred of them are a tenth of a second, on whatever machine."""

    async def story() -> None:
        async with opened(postgres_dsn) as store, admin(postgres_dsn) as connection:
            lease = await leased(store)
            cells = [CellRow("a:1", f"k{n}", "1", b"1", 0) for n in range(100 * GENTLE_ROWS)]
            started_s = time.monotonic()
            assert await store.commit(Batch(lease, "e1", 0, 1, cells=cells), gently=True) == len(cells)
            assert time.monotonic() - started_s >= 0.1
            assert await connection.fetchval("select count(*) from cells") == len(cells)

    asyncio.run(story())
