"""A real Postgres for tests: started once, and a fresh, migrated database for each test in well under 100 ms.

    with running_postgres("18", data_dir) as admin_dsn:
        async with fresh_database(admin_dsn) as dsn:
            log = await PostgresLog.open(dsn)

Processes that name the same data folder share one Postgres (as `syncd.store.embedded` does it), and so do the workers
of a parallel test run; databases have random names, so tests do not meet.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from syncd.postgres.connection import connect, hang_up
from syncd.store.embedded import join
from syncd.store.migrate import known_migrations, migrate

Version = Literal["15", "18"]

VERSIONS: Final[tuple[Version, ...]] = ("15", "18")
"""The oldest Postgres we support, and the one we bring along."""

_DEBIAN_15: Final = Path("/usr/lib/postgresql/15/bin")
_TEMPLATE_LOCK: Final = 0x74656D706C  # "templ": one process makes the template, the others wait

# Nothing here shall outlive the machine, so nothing is forced to disk: a database is made in half the time, and a
# commit takes as long as its processor time. A Postgres killed with SIGKILL still keeps every commit, because the
# kernel keeps what was written; only a power cut would not. Never for a server.
_FOR_SPEED: Final = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "128MB"}


def binaries_of(version: Version) -> Path | None:
    """The folder with that version's programs: bundled for 18, where Debian puts them for 15; None when there is none.

    Raises:
        FileNotFoundError: this machine has no Postgres 15; says where it was looked for.
    """
    if version == "18":
        return None  # `join` knows where the bundled ones are
    if not (_DEBIAN_15 / "postgres").is_file():
        raise FileNotFoundError(f"no Postgres {version} in {_DEBIAN_15}")
    return _DEBIAN_15


def installed_versions() -> list[Version]:
    """Those of `VERSIONS` that can be started on this machine, ascending."""
    return [version for version in VERSIONS if version == "18" or (_DEBIAN_15 / "postgres").is_file()]


@contextmanager
def running_postgres(version: Version, data_dir: Path, *, durable: bool = False) -> Iterator[str]:
    """A Postgres that runs until the last one who asked for this data folder leaves; yields its administrator's DSN.

    Args:
        durable: force commits to disk, as a server does. Whoever comes first decides.

    Raises:
        FileNotFoundError: as `binaries_of`.
        EmbeddedPostgresError: it does not start; says why.
    """
    postgres = asyncio.run(join(data_dir, binaries=binaries_of(version)))
    try:
        if not durable:
            asyncio.run(_hurry(postgres.dsn))
        yield postgres.dsn
    finally:
        asyncio.run(postgres.close(wait_stopped=True))


@asynccontextmanager
async def fresh_database(admin_dsn: str) -> AsyncIterator[str]:
    """A database with all migrations applied and nothing in it, dropped at the end whoever is still connected."""
    dsn = await create_database(admin_dsn)
    try:
        yield dsn
    finally:
        await drop_database(admin_dsn, dsn)


async def create_database(admin_dsn: str, *, migrated: bool = True) -> str:
    """A new database under a random name; its DSN.

    Args:
        migrated: False leaves it as `create database` makes it, without a table.
    """
    name = f"test_{secrets.token_hex(8)}"
    admin = await connect(admin_dsn)
    try:
        template = await _template(admin, admin_dsn) if migrated else "template0"
        # Copying files beats writing every page through the write-ahead log, which is the default since 15.
        await admin.execute(f"create database {name} template {template} strategy file_copy")
    finally:
        await hang_up(admin)
    return _named(admin_dsn, name)


async def drop_database(admin_dsn: str, dsn: str) -> None:
    """Drop a database that `create_database` made, and cut those who are connected to it."""
    admin = await connect(admin_dsn)
    try:
        await admin.execute(f"drop database if exists {urlsplit(dsn).path.lstrip('/')} with (force)")
    finally:
        await hang_up(admin)


async def _hurry(admin_dsn: str) -> None:
    admin = await connect(admin_dsn)
    try:
        for name, value in _FOR_SPEED.items():
            await admin.execute(f"alter system set {name} = '{value}'")
        await admin.execute("select pg_reload_conf()")
    finally:
        await hang_up(admin)


async def _template(admin: asyncpg.Connection[Any], admin_dsn: str) -> str:
    """The database to copy, made by whoever needs it first; its name changes with the migrations."""
    text = "".join(migration.up for migration in known_migrations())
    name = f"template_{sha256(text.encode()).hexdigest()[:16]}"
    there = "select 1 from pg_database where datname = $1"
    if await admin.fetchval(there, name):
        return name
    await admin.execute("select pg_advisory_lock($1)", _TEMPLATE_LOCK)
    try:
        if not await admin.fetchval(there, name):
            making = f"{name}_making"
            await admin.execute(f"drop database if exists {making} with (force)")
            await admin.execute(f"create database {making} template template0")
            await migrate(_named(admin_dsn, making))
            # Renamed when complete, and closed to everybody: a database in use cannot be copied.
            await admin.execute(f"alter database {making} rename to {name}")
            await admin.execute(f"alter database {name} allow_connections false")
    finally:
        await admin.execute("select pg_advisory_unlock($1)", _TEMPLATE_LOCK)
    return name


def _named(dsn: str, database: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))
