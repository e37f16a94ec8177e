"""The runner of migrations, and the migrations themselves: up, down, and up again, from empty, in every version."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from syncd.errors import ConfigError, StoreUnavailable
from syncd.store import migrate as migrating
from syncd.store.migrate import (
    LOCK_KEY,
    Migration,
    known_migrations,
    migrate,
    migration_status,
    new_epoch,
    roll_back,
)
from syncd.testing.postgres import VERSIONS, create_database, drop_database

pytestmark = pytest.mark.parametrize("postgres_version", VERSIONS)

FIRST = Migration("0001", "0001_songs.sql", "create table songs (title text);", "drop table songs;")
SECOND = Migration("0002", "0002_years.sql", "alter table songs add year int;", "alter table songs drop year;")
BROKEN = Migration("0003", "0003_broken.sql", "create table albums (title text); create table songs ();", "")


@pytest.fixture
def empty_dsn(postgres_admin_dsn: str) -> Iterator[str]:
    """A database without a table."""
    dsn = asyncio.run(create_database(postgres_admin_dsn, migrated=False))
    yield dsn
    asyncio.run(drop_database(postgres_admin_dsn, dsn))


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def schema_of(dsn: str) -> list[tuple[object, ...]]:
    """Every column with its type, collation and default, every index and constraint, as Postgres would write them."""
    async with connected(dsn) as connection:
        rows = await connection.fetch(
            """
            select 'column', c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod),
                   a.attcollation::regcollation::text || a.attnotnull || a.attstorage::text
                   || coalesce(pg_get_expr(d.adbin, d.adrelid), '') || coalesce(c.reloptions::text, '')
            from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
            where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
            union all
            select 'index', tablename::text, indexname::text, indexdef, '' from pg_indexes where schemaname = 'public'
            union all
            select 'constraint', conrelid::regclass::text, conname::text, pg_get_constraintdef(oid), ''
            from pg_constraint where connamespace = 'public'::regnamespace
            order by 1, 2, 3
            """
        )
        return [tuple(row) for row in rows if row[1] != "schema_migrations"]


def test_every_migration_goes_up_and_down_and_up_again(empty_dsn: str) -> None:
    """What down leaves is just what up found, one by one, and the second way up ends where the first one did."""
    names = [migration.file_name for migration in known_migrations()]

    async def story() -> None:
        found = [await schema_of(empty_dsn)]
        for count in range(1, len(names) + 1):
            assert await migrate(empty_dsn, migrations=known_migrations()[:count]) == [names[count - 1]]
            found.append(await schema_of(empty_dsn))
        for count in reversed(range(len(names))):
            assert await roll_back(empty_dsn) == names[count]
            assert await schema_of(empty_dsn) == found[count]
        assert found[0] == []
        assert await roll_back(empty_dsn) is None
        assert await migrate(empty_dsn) == names
        assert await schema_of(empty_dsn) == found[-1]

    asyncio.run(story())


def test_text_that_orders_or_compares_goes_by_bytes(postgres_dsn: str) -> None:
    async def story() -> None:
        async with connected(postgres_dsn) as connection:
            rows = await connection.fetch(
                """
                select c.relname::text, a.attname::text, a.attcollation::regcollation::text
                from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                where c.relname in ('events', 'cells', 'writers', 'voids', 'streams', 'writer_ids', 'list_slots')
                and c.relkind = 'r' and a.atttypid = 'text'::regtype
                """
            )
        loose = {(table, column) for table, column, collation in rows if collation != '"C"'}
        assert loose == {("voids", "reason")}  # read by people, compared by nobody

    asyncio.run(story())


def test_the_second_run_has_nothing_to_do(empty_dsn: str) -> None:
    async def story() -> None:
        names = [migration.file_name for migration in known_migrations()]
        status = await migration_status(empty_dsn)
        assert (list(status.applied), list(status.pending), status.current) == ([], names, False)
        assert await migrate(empty_dsn) == names
        assert await migrate(empty_dsn) == []
        status = await migration_status(empty_dsn)
        assert (list(status.applied), list(status.pending), status.current) == (names, [], True)

    asyncio.run(story())


def test_runners_who_meet_apply_each_migration_once(empty_dsn: str) -> None:
    async def story() -> None:
        applied = await asyncio.gather(*(migrate(empty_dsn) for _ in range(6)))
        assert sorted(name for names in applied for name in names) == [m.file_name for m in known_migrations()]
        assert sum(bool(names) for names in applied) == 1

    asyncio.run(story())


def test_a_runner_waits_for_another_and_gives_up_in_time(empty_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with connected(empty_dsn) as other:
            await other.execute("select pg_advisory_lock($1)", LOCK_KEY)
            with monkeypatch.context() as hasty:
                hasty.setattr(migrating, "LOCK_TIMEOUT_S", 1.0)
                with pytest.raises(StoreUnavailable, match="LockNotAvailableError"):
                    await migrate(empty_dsn)
            assert not (await migration_status(empty_dsn)).current  # asking waits for nobody
        assert await migrate(empty_dsn)

    asyncio.run(story())


def test_a_migration_that_fails_leaves_nothing_and_those_before_it_stay(empty_dsn: str) -> None:
    async def story() -> None:
        with pytest.raises(StoreUnavailable, match=r'0003_broken.sql failed: relation "songs" already exists'):
            await migrate(empty_dsn, migrations=[FIRST, SECOND, BROKEN])
        status = await migration_status(empty_dsn, migrations=[FIRST, SECOND, BROKEN])
        assert (list(status.applied), list(status.pending)) == (
            ["0001_songs.sql", "0002_years.sql"],
            ["0003_broken.sql"],
        )
        assert {row[1] for row in await schema_of(empty_dsn)} == {"songs"}
        # The lock was given back, so that a mended program can go on.
        mended = Migration("0003", "0003_broken.sql", "create table albums ();", "drop table albums;")
        assert await migrate(empty_dsn, migrations=[FIRST, SECOND, mended]) == ["0003_broken.sql"]

    asyncio.run(story())


def test_a_migration_that_cannot_be_noted_is_not_applied(empty_dsn: str) -> None:
    async def story() -> None:
        nameless = Migration("1" * 200, "long.sql", "create table albums (title text);", "drop table albums;")
        with pytest.raises(StoreUnavailable, match="long.sql failed: value too long"):
            await migrate(empty_dsn, migrations=[FIRST, nameless])
        assert {row[1] for row in await schema_of(empty_dsn)} == {"songs"}

    asyncio.run(story())


def test_a_database_newer_than_the_program_is_refused(empty_dsn: str) -> None:
    async def story() -> None:
        await migrate(empty_dsn, migrations=[FIRST, SECOND])
        status = await migration_status(empty_dsn, migrations=[FIRST])
        assert (list(status.unknown), status.current) == (["0002"], False)
        with pytest.raises(ConfigError, match="0002.*none after 0001.*newer syncd"):
            await migrate(empty_dsn, migrations=[FIRST])

    asyncio.run(story())


def test_a_migration_between_applied_ones_is_still_applied(empty_dsn: str) -> None:
    """Two branches that were merged: the order of numbers decides only among what is pending."""

    async def story() -> None:
        third = Migration("0003", "0003_albums.sql", "create table albums ();", "drop table albums;")
        await migrate(empty_dsn, migrations=[FIRST, third])
        assert await migrate(empty_dsn, migrations=[FIRST, SECOND, third]) == ["0002_years.sql"]

    asyncio.run(story())


def test_a_new_epoch_changes_the_life_of_every_partition(postgres_dsn: str) -> None:
    async def story() -> None:
        async with connected(postgres_dsn) as connection:
            await connection.execute("insert into log_partitions select 0, life, 3, 9 from deployment")
            before = await connection.fetchval("select life from deployment")
            await new_epoch(postgres_dsn)
            after = await connection.fetchval("select life from deployment")
            assert after != before
            assert await connection.fetch("select * from log_partitions") == [(0, after, 3, 9)]

    asyncio.run(story())
