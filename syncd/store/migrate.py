"""Brings a database's tables to what this program needs: numbered plain SQL, in dbmate's format.

    migrations/0001_log_and_store.sql
        -- migrate:up
        create table …
        -- migrate:down
        drop table …

Each file runs once, in a transaction of its own, in the order of its number, under a lock that lets one runner work at
a time; `schema_migrations` (dbmate's table) remembers which ran. The files lie in `migrations/` of a checkout, to which
`syncd/migrations` is a link, and so they are the package data of `syncd.migrations` in a wheel.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import asyncpg

from syncd.errors import ConfigError, StoreUnavailable
from syncd.postgres.connection import connect, hang_up
from syncd.postgres.database import failures_as

LOCK_KEY = 0x73796E6364  # "syncd": which advisory lock of the database is ours
LOCK_TIMEOUT_S = 60.0
"""For another runner to finish, and for any table's lock; then the migration fails, and nothing of it stays."""

_FILE_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_SECTIONS = re.compile(r"-- migrate:up\n(.*)-- migrate:down\n(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Migration:
    """`version`: the number at the front of the file's name, four digits."""

    version: str
    file_name: str
    up: str
    down: str


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """File names, ascending. `unknown`: versions that the database has and this program does not."""

    applied: Sequence[str]
    pending: Sequence[str]
    unknown: Sequence[str]

    @property
    def current(self) -> bool:
        """Whether the database is just what this program needs."""
        return not self.pending and not self.unknown


@cache
def known_migrations() -> tuple[Migration, ...]:
    """All migrations of this program, ascending.

    Raises:
        ValueError: a file is misnamed, lacks a section, or shares its number.
    """
    found = [
        parse_migration(entry.name, entry.read_text(encoding="utf-8"))
        for entry in files("syncd.migrations").iterdir()
        if entry.name.endswith(".sql")
    ]
    found.sort(key=lambda migration: migration.version)
    versions = [migration.version for migration in found]
    if len(set(versions)) != len(versions):
        raise ValueError(f"two migrations share a number: {[migration.file_name for migration in found]}")
    return tuple(found)


def parse_migration(file_name: str, text: str) -> Migration:
    """One file. Raises `ValueError` when it is misnamed or lacks a section."""
    name, sections = _FILE_NAME.fullmatch(file_name), _SECTIONS.search(text)
    if name is None:
        raise ValueError(f"migration {file_name!r} must be named like 0001_what_it_makes.sql")
    if sections is None:
        raise ValueError(f"migration {file_name!r} must hold `-- migrate:up`, then `-- migrate:down`")
    return Migration(name[1], file_name, sections[1], sections[2])


async def migrate(dsn: str, *, migrations: Sequence[Migration] | None = None) -> list[str]:
    """Apply what is pending and return the names of the files applied; none when the database was current.

    Runners may meet: one works, the others wait and find nothing to do.

    Args:
        migrations: those of this program when None.

    Raises:
        ConfigError: the database has migrations that this program does not know. Nothing was applied.
        StoreUnavailable: no answer, or a migration failed; those before it stay applied.
    """
    known = known_migrations() if migrations is None else migrations
    applied = []
    async with _alone(dsn) as connection:
        status = await _status(connection, known)
        if status.unknown:
            raise ConfigError(
                f"the database has migrations {', '.join(status.unknown)}, this program knows none after "
                f"{known[-1].version}: run a newer syncd"
            )
        for migration in known:
            if migration.file_name in status.pending:
                note = "insert into schema_migrations values ($1)"
                await _run(connection, migration, migration.up, note)
                applied.append(migration.file_name)
    return applied


async def roll_back(dsn: str, *, migrations: Sequence[Migration] | None = None) -> str | None:
    """Undo the newest migration applied, with the data in its tables, and return its name; None when there is none."""
    known = known_migrations() if migrations is None else migrations
    async with _alone(dsn) as connection:
        status = await _status(connection, known)
        newest = next((m for m in reversed(known) if m.file_name in status.applied), None)
        if newest is None:
            return None
        await _run(connection, newest, newest.down, "delete from schema_migrations where version = $1")
        return newest.file_name


async def migration_status(dsn: str, *, migrations: Sequence[Migration] | None = None) -> MigrationStatus:
    """What is applied and what is not. Changes nothing, waits for no runner. Raises `StoreUnavailable`."""
    with failures_as(StoreUnavailable, "migrations"):
        connection = await connect(dsn)
        try:
            return await _status(connection, known_migrations() if migrations is None else migrations)
        finally:
            await hang_up(connection)


async def new_epoch(dsn: str) -> None:
    """Begin a new life of the log: every cursor handed out so far leads to a snapshot.

    For after a database was restored from a copy of its files, a log was reset, or a topic is to be taken over: what
    devices saw may be gone.
    Servers that run are refused from then on, and must be started again. Raises `StoreUnavailable`.
    """
    async with _alone(dsn) as connection, connection.transaction():
        # Whichever topic is there now is the log from here on, though it was made again or somebody else filled it.
        renew = "update deployment set life = gen_random_uuid(), topic_id = '', epoch = null returning life"
        life = await connection.fetchval(renew)
        await connection.execute("update log_partitions set life = $1", life)


@asynccontextmanager
async def _alone(dsn: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A connection that holds the runners' lock until it is closed."""
    with failures_as(StoreUnavailable, "migrations"):
        connection = await connect(dsn, statement_timeout_s=0)  # a large table's migration takes the time it takes
        try:
            await connection.execute(f"set lock_timeout = '{LOCK_TIMEOUT_S:.0f}s'")
            await connection.execute("select pg_advisory_lock($1)", LOCK_KEY)
            await connection.execute(
                'create table if not exists schema_migrations (version varchar(128) collate "C" primary key)'
            )
            yield connection
        finally:
            await hang_up(connection)  # a closed session drops its locks


async def _run(connection: asyncpg.Connection[Any], migration: Migration, script: str, note: str) -> None:
    """Run one direction of a migration and note that it ran, both or neither."""
    try:
        async with connection.transaction():
            await connection.execute(script)
            await connection.execute(note, migration.version)
    except asyncpg.PostgresError as error:
        # What Postgres says here is about tables, and nobody's data; without it nobody could mend the file.
        raise StoreUnavailable(f"migration {migration.file_name} failed: {error}") from error


async def _status(connection: asyncpg.Connection[Any], known: Sequence[Migration]) -> MigrationStatus:
    there = await connection.fetchval("select to_regclass('schema_migrations')")
    rows = await connection.fetch("select version from schema_migrations") if there else []
    versions = {row["version"] for row in rows}
    return MigrationStatus(
        applied=[m.file_name for m in known if m.version in versions],
        pending=[m.file_name for m in known if m.version not in versions],
        unknown=sorted(versions - {m.version for m in known}),
    )
