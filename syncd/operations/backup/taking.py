"""Taking a backup, beside running servers."""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from graphlib import TopologicalSorter
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Final

import asyncpg

import syncd
from syncd.errors import Conflict, Refused, StoreUnavailable
from syncd.operations.advance import Advance, quiet
from syncd.operations.backup.manifest import FORMAT, VERSION, Manifest, TableFile, write_manifest
from syncd.operations.backup.tables import made_by_migrations, our_tables
from syncd.postgres.connection import connect, hang_up
from syncd.postgres.database import failures_as
from syncd.postgres.queries import load_queries

_QUERIES = load_queries("syncd.operations", "backup.sql")

COMPRESSION: Final = 1
"""The fastest: reading the tables shall not wait for it. Our JSON still shrinks to a third."""
GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
FOLDER_MODE: Final = 0o700
"""A backup holds everything, hashes of tokens too."""


async def take_backup(dsn: str, folder: Path, *, epoch: str, now_ms: int, progress: Advance = quiet) -> Manifest:
    """Copy all tables as they are at one moment into a new folder.

    It appears under its name when it is whole; interrupted, nothing of it stays.

    Args:
        epoch: the log's present life.
        progress: (bytes copied, of about so many).

    Raises:
        Conflict: there is something under that name.
        Refused: the folder cannot be written.
        StoreUnavailable: the database does not answer, or is not migrated.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    if _exists(folder):
        raise Conflict(f"{folder} is there already; name a new folder")
    try:
        _make(partial)
        with failures_as(StoreUnavailable, "backup"):
            connection = await connect(dsn, name="syncd backup", statement_timeout_s=0)  # tables may be large
            try:
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    manifest = await _copy_all(connection, partial, epoch=epoch, now_ms=now_ms, progress=progress)
            finally:
                await hang_up(connection)
        write_manifest(partial, manifest)
        partial.rename(folder)
    except OSError as error:
        raise Refused(f"{folder} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            shutil.rmtree(partial, ignore_errors=True)
    return manifest


def _exists(folder: Path) -> bool:
    return folder.exists()


def _make(folder: Path) -> None:
    """A fresh folder; what an interrupted try left under the name goes."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=FOLDER_MODE)


async def _copy_all(
    connection: asyncpg.Connection[Any], folder: Path, *, epoch: str, now_ms: int, progress: Advance
) -> Manifest:
    tables = [table for table in await our_tables(connection) if table["is_logged"]]
    of_all, done = sum(table["bytes"] for table in tables), 0
    columns = {table["name"]: list(table["columns"]) for table in tables}
    files = []
    for name in _in_order(list(columns), await connection.fetch(_QUERIES["references"])):
        copied = await _copy(connection, name, columns[name], folder, _Counter(done, of_all, progress))
        files.append(copied)
        done += next(table["bytes"] for table in tables if table["name"] == name)
        progress(done, of_all)
    sequences = await connection.fetch(_QUERIES["sequences"], made_by_migrations())
    return Manifest(
        format=FORMAT,
        version=VERSION,
        syncd=syncd.__version__,
        taken_ms=now_ms,
        postgres=await connection.fetchval(_QUERIES["postgres_version"]),
        migrations=[row["version"] for row in await connection.fetch(_QUERIES["migrations"])],
        log=await connection.fetchval(_QUERIES["log_home"]),
        epoch=epoch,
        tables=files,
        sequences={row["name"]: row["last_value"] for row in sequences if row["last_value"] is not None},
    )


def _in_order(names: Sequence[str], references: Sequence[Any]) -> list[str]:
    """Tables such that each comes after those it refers to."""
    sorter: TopologicalSorter[str] = TopologicalSorter({name: set() for name in sorted(names)})
    for row in references:
        if row["child"] in names and row["parent"] in names:
            sorter.add(row["child"], row["parent"])
    return list(sorter.static_order())


async def _copy(
    connection: asyncpg.Connection[Any], table: str, columns: list[str], folder: Path, counter: _Counter
) -> TableFile:
    path = folder / f"{table}.copy.gz"
    with path.open("xb") as file:
        sink = _CompressedSink(file, counter)
        await connection.copy_from_table(table, columns=columns, output=sink.write, format="binary")
        sink.finish()
    return TableFile(table, columns, path.name, sink.bytes, sink.digest.hexdigest())


@dataclass(slots=True)
class _Counter:
    """Tells how many bytes were copied; a table of more than its size on disk stands still at its end."""

    done: int
    of_all: int
    progress: Advance

    def count(self, more: int) -> None:
        self.done = min(self.done + more, self.of_all)
        self.progress(self.done, self.of_all)


class _CompressedSink:
    """Takes what Postgres sends."""

    def __init__(self, file: IO[bytes], counter: _Counter) -> None:
        self._file = file
        self._counter = counter
        self._compressor = zlib.compressobj(COMPRESSION, wbits=GZIP_WINDOW)
        self.digest = sha256()
        self.bytes = 0

    async def write(self, data: bytes) -> None:
        self._put(self._compressor.compress(data))
        self._counter.count(len(data))

    def finish(self) -> None:
        """Write what is left."""
        self._put(self._compressor.flush())

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self.digest.update(data)
        self.bytes += len(data)
