"""The way back: a backup into a database, and what the log's new life means.

A restored log has forgotten what was acked after the backup. So it begins a new life: every cursor that a device holds
leads to a snapshot, and no old offset is taken for a new one. A writer that went further than the backup knows is told
of a gap, says hello without its id, and gets a fresh one: it never uses a seq a second time, so nothing forks, and what
it had not been acked for is sent again. What was acked and lies only behind the backup is lost, which the operator is
told.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import asyncpg

from syncd.errors import ConfigError, Conflict, Refused, StoreUnavailable, Undecodable
from syncd.operations.advance import Advance, quiet
from syncd.operations.backup.manifest import Manifest, TableFile, read_manifest
from syncd.operations.backup.tables import our_tables
from syncd.operations.offline import require_nobody
from syncd.postgres.connection import connect, hang_up
from syncd.postgres.database import failures_as
from syncd.postgres.queries import load_queries
from syncd.store.migrate import Migration, known_migrations, migrate, migration_status, roll_back

_QUERIES = load_queries("syncd.operations", "backup.sql")

CHUNK_BYTES: Final = 1024 * 1024
GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS


def check_backup(folder: Path, *, progress: Advance = quiet) -> Manifest:
    """Prove that a backup is whole.

    Args:
        progress: (bytes read, of all).

    Raises:
        NotFound, Undecodable: it is none, or a file is missing, cut or damaged.
    """
    manifest = read_manifest(folder)
    done = 0
    for table in manifest.tables:
        digest, size = sha256(), 0
        for chunk in _chunks(folder, table):
            digest.update(chunk)
            size += len(chunk)
            progress(done + size, manifest.bytes)
        done += size
        if (size, digest.hexdigest()) != (table.bytes, table.sha256):
            raise Undecodable(f"{folder / table.file} is cut or damaged: {size} bytes, written were {table.bytes}")
    return manifest


async def restore(
    dsn: str, folder: Path, manifest: Manifest, *, log: str, replace: bool, progress: Advance = quiet
) -> None:  # fmt: skip
    """Put a checked backup into a database, and begin a new life of its log.

    The tables are made as they were, filled in one transaction, and brought up to date. Interrupted, the database is
    as it was or empty; restore again.

    Args:
        log: where the settings say that the log is.
        replace: whether what the database holds may be lost.
        progress: (bytes read, of all).

    Raises:
        Conflict: servers run there; or somebody lives there, and `replace` is False.
        ConfigError: the backup is of a newer program, or its log is elsewhere.
        StoreUnavailable: the database does not answer.
    """
    migrations = _migrations_of(manifest)
    if _topic(manifest.log) != _topic(log):
        raise ConfigError(f"SYNCD_LOG is {log}, but the backup's log is in {manifest.log}")
    with failures_as(StoreUnavailable, "restore"):
        connection = await connect(dsn, name="syncd restore", statement_timeout_s=0)
        try:
            await _make_room(connection, dsn, migrations, replace=replace)
            async with connection.transaction():
                await _fill(connection, folder, manifest, progress)
        finally:
            await hang_up(connection)
    await migrate(dsn)


def _topic(log: str) -> str:
    """What tells logs apart: brokers move."""
    return log.rpartition("/")[2]


def _migrations_of(manifest: Manifest) -> Sequence[Migration]:
    known = {migration.version: migration for migration in known_migrations()}
    if strangers := [version for version in manifest.migrations if version not in known]:
        raise ConfigError(
            f"the backup has migrations {', '.join(strangers)}, this program knows none after {max(known)}: "
            f"restore with syncd {manifest.syncd} or newer"
        )
    return [known[version] for version in manifest.migrations]


async def _make_room(
    connection: asyncpg.Connection[Any], dsn: str, migrations: Sequence[Migration], *, replace: bool
) -> None:
    """Bring the database's tables to the migrations of the backup, as empty as they may be."""
    status = await migration_status(dsn)
    if status.applied or status.unknown:
        await require_nobody(connection, to="restore")
        if status.unknown:
            raise ConfigError(f"the database has migrations {', '.join(status.unknown)}: run a newer syncd")
        if not replace and await connection.fetchval(_QUERIES["is_lived_in"]):
            raise Conflict("there are accounts or events in that database; --replace overwrites them")
    if list(status.applied) != [migration.file_name for migration in migrations]:
        while await roll_back(dsn) is not None:
            pass
        await migrate(dsn, migrations=migrations)


async def _fill(connection: asyncpg.Connection[Any], folder: Path, manifest: Manifest, progress: Advance) -> None:
    names = [table["name"] for table in await our_tables(connection)]
    await connection.execute("truncate " + ", ".join(map(_quoted, names)))
    done = 0
    for table in manifest.tables:
        source = _uncompressed(folder, table, done=done, of_all=manifest.bytes, progress=progress)
        await connection.copy_to_table(table.name, columns=table.columns, source=source, format="binary")
        done += table.bytes
    for name, last in manifest.sequences.items():
        await connection.execute(_QUERIES["set_sequence"], name, last)
    await connection.execute(_QUERIES["new_life"])
    await connection.execute(_QUERIES["end_leases"])


async def _uncompressed(
    folder: Path, table: TableFile, *, done: int, of_all: int, progress: Advance
) -> AsyncIterator[bytes]:
    decompressor = zlib.decompressobj(wbits=GZIP_WINDOW)
    for chunk in _chunks(folder, table):
        done += len(chunk)
        progress(done, of_all)
        if data := decompressor.decompress(chunk):
            yield data
    if rest := decompressor.flush():
        yield rest


def _chunks(folder: Path, table: TableFile) -> Iterator[bytes]:
    path = folder / table.file
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
    except FileNotFoundError as error:
        raise Undecodable(f"{path} is missing") from error
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
