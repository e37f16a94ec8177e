"""A map that keeps in memory what was used last, and the rest in a temporary file: as large as a disk, with a bound."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import islice
from typing import Final, Generic, TypeAlias, TypeVar

import msgspec

Key: TypeAlias = tuple[str, str]
V = TypeVar("V")

KEPT_MAX: Final = 50_000
"""Entries in memory; some 40 MB of what an import knows of writers."""


class Spilled(Generic[V]):
    """Keys and values that msgspec can write. A value may be changed in place until the next one is asked for."""

    def __init__(self, type_: type[V]) -> None:
        self._kept: dict[Key, V] = {}  # in the order of their last use
        self._file: sqlite3.Connection | None = None
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(type_).decode

    def get(self, key: Key) -> V | None:
        """The value, None where there is none."""
        value = self._kept.pop(key, None)
        if value is None and self._file is not None:
            row = self._file.execute("select value from spilled where a = ? and b = ?", key).fetchone()
            value = None if row is None else self._decode(row[0])
        if value is not None:
            self[key] = value
        return value

    def __setitem__(self, key: Key, value: V) -> None:
        self._kept.pop(key, None)
        self._kept[key] = value
        if len(self._kept) > KEPT_MAX:
            self._spill()

    def items(self) -> Iterator[tuple[Key, V]]:
        """All of them, in no order. Change nothing meanwhile."""
        yield from self._kept.items()
        if self._file is not None:
            for a, b, value in self._file.execute("select a, b, value from spilled"):
                if (a, b) not in self._kept:
                    yield (a, b), self._decode(value)

    def close(self) -> None:
        """Delete the file."""
        if self._file is not None:
            self._file.close()

    def _spill(self) -> None:
        """Put the half that was not used for longest into the file."""
        if self._file is None:
            self._file = sqlite3.connect("", isolation_level=None)  # a file without a name, gone when it is closed
            self._file.execute("create table spilled (a text, b text, value blob, primary key (a, b)) without rowid")
        oldest = list(islice(self._kept, len(self._kept) // 2))
        rows = ((*key, self._encode(self._kept.pop(key))) for key in oldest)
        self._file.execute("begin")
        self._file.executemany("insert or replace into spilled values (?, ?, ?)", rows)
        self._file.execute("commit")
