"""An export as a file: JSON lines, compressed by gzip, with a last line that proves that nothing is missing.

It is written under another name and renamed when it is whole, so a file of the right name was written to its end.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Final

import syncd
from syncd.errors import Conflict, NotFound, Refused, Undecodable
from syncd.operations.advance import Advance, quiet
from syncd.operations.transfer.lines import FORMAT, VERSION, Content, EndLine, Header, decode_line, encode_line

COMPRESSION: Final = 6
"""gzip's own default: 9 takes twice the time for 1 % of such text."""
LINE_BYTES_MAX: Final = 4 * 1024 * 1024
"""Of one line. Ours are far below; but a log may hold what no gateway wrote, as one of the largest message that brokers
take by default, 1 MiB, which base64 makes longer. What is longer is no export."""


@dataclass(frozen=True, slots=True)
class Written:
    """`bytes_`: of the file, compressed."""

    path: Path
    lines: int
    records: int
    bytes_: int


async def write_file(
    path: Path, content: AsyncIterator[Content], *, what: str, now_ms: int, replace: bool = False
) -> Written:
    """Write an export.

    Args:
        what: as in `Header`.
        replace: whether a file that is there may be overwritten.

    Raises:
        Conflict: there is a file, and `replace` is False.
        Refused: there is something else, or the folder cannot be written to.
        Whatever `content` raises; nothing of the file is left then.
    """
    _check_free(path, replace=replace)
    partial = path.with_name(f"{path.name}.partial")
    try:
        with _created(partial) as raw, gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=COMPRESSION) as file:
            lines, records = await _write(file, content, what=what, now_ms=now_ms)
        partial.replace(path)
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return Written(path, lines, records, path.stat().st_size)  # noqa: ASYNC240 - as above


def _check_free(path: Path, *, replace: bool) -> None:
    if not path.exists():
        return
    if not path.is_file():
        raise Refused(f"{path} is there and no file")  # as a device, which a rename would replace
    if not replace:
        raise Conflict(f"{path} is there already; --force overwrites it")


def _created(path: Path) -> IO[bytes]:
    """A fresh file that nobody else may read: it says what people listen to."""
    return open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600))


async def _write(
    file: gzip.GzipFile, content: AsyncIterator[Content], *, what: str, now_ms: int
) -> tuple[int, int]:  # fmt: skip
    digest = sha256()
    lines = records = 0
    first = encode_line(Header(FORMAT, VERSION, syncd.__version__, now_ms, what))
    file.write(first)
    digest.update(first)
    async for line in content:
        text = encode_line(line)
        file.write(text)
        digest.update(text)
        lines += 1
        records += text.startswith(b'{"type":"record"')
    file.write(encode_line(EndLine(lines + 1, digest.hexdigest())))
    return lines, records


def read_header(path: Path) -> Header:
    """The first line of an export. Raises `NotFound`, and `Undecodable` when it is none of a version known here."""
    for line in _lines(path):
        header = decode_line(line)
        if not isinstance(header, Header) or header.format != FORMAT:
            break
        if header.version != VERSION:
            raise Undecodable(f"{path} is an export of version {header.version}; this program reads {VERSION}")
        return header
    raise Undecodable(f"{path} is no export: its first line is none")


def read_file(path: Path, *, progress: Advance = quiet) -> Iterator[Content]:
    """Everything between the first line and the last.

    Args:
        progress: (compressed bytes read, of all).

    Raises:
        NotFound: there is no such file.
        Undecodable: it is no export, or is cut or damaged; found out at the latest at its end.
    """
    digest, lines, end = sha256(), 0, None
    for text in _lines(path, progress):
        if end is not None:
            raise Undecodable(f"{path} goes on behind its last line")
        line = decode_line(text)
        if isinstance(line, EndLine):
            end = line
            continue
        digest.update(text)
        lines += 1
        if not isinstance(line, Header):
            yield line
        elif lines > 1:
            raise Undecodable(f"{path} has a second first line, line {lines}")
    if end is None:
        raise Undecodable(f"{path} is cut: it has {lines} lines and no last one")
    if (end.lines, end.sha256) != (lines, digest.hexdigest()):
        raise Undecodable(f"{path} is damaged: its last line speaks of {end.lines} lines with another sum")


def _lines(path: Path, progress: Advance = quiet) -> Iterator[bytes]:
    try:
        of_all = path.stat().st_size
        with path.open("rb") as raw, gzip.GzipFile(fileobj=raw) as file:
            while text := file.readline(LINE_BYTES_MAX):
                if not text.endswith(b"\n"):
                    raise Undecodable(f"{path} has a line that does not end, or of over {LINE_BYTES_MAX} bytes")
                progress(raw.tell(), of_all)
                yield text
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {path}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Undecodable(f"{path} is cut or damaged: {error}") from error
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from error
