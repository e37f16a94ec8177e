"""What a backup's folder holds: `manifest.json`, written last, and a compressed file for each table."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from syncd.errors import NotFound, Refused, Undecodable

FORMAT: Final = "syncd backup"
VERSION: Final = 1
"""Of the format; this program writes and reads this one."""
POSTGRES: Final = "postgres"
"""Where the log is, when it is in the backup."""
FILE_NAME: Final = "manifest.json"
MANIFEST_BYTES_MAX: Final = 16 * 1024 * 1024


class TableFile(Struct, frozen=True):
    """One table: Postgres' binary COPY format, compressed by gzip.

    Attributes:
        bytes: of the file.
        sha256: of the file.
    """

    name: str
    columns: list[str]
    file: str
    bytes: int
    sha256: str


class Manifest(Struct, frozen=True):
    """Everything about a backup.

    Attributes:
        syncd: the version of the program that took it.
        taken_ms: when, by its clock.
        postgres: of the server, as a number: 150004 is 15.4.
        migrations: versions that made the tables.
        log: `POSTGRES`, or the topic that holds the log and is not in the backup.
        epoch: the log's life then.
        tables: in the order in which they can be filled.
        sequences: name -> the last number given.
    """

    format: str
    version: int
    syncd: str
    taken_ms: int
    postgres: int
    migrations: list[str]
    log: str
    epoch: str
    tables: list[TableFile]
    sequences: dict[str, int]

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(table.bytes for table in self.tables)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Say what the folder holds, readable for people too."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    (folder / FILE_NAME).write_bytes(text + b"\n")


def read_manifest(folder: Path) -> Manifest:
    """Read what a folder holds.

    Raises:
        NotFound: there is no backup.
        Undecodable: its manifest is none, or of another version.
    """
    path = folder / FILE_NAME
    try:
        with path.open("rb") as file:
            text = file.read(MANIFEST_BYTES_MAX)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(f"{folder} holds no backup: there is no {FILE_NAME}") from error
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from error
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Undecodable(f"{path} is no manifest of a backup: {error}") from error
    if manifest.format != FORMAT or manifest.version != VERSION:
        raise Undecodable(f"{path} is of format {manifest.format!r}, version {manifest.version}; this reads {VERSION}")
    if any(Path(table.file).name != table.file for table in manifest.tables):
        raise Undecodable(f"{path} names files outside of its folder")
    return manifest
