"""State: a map of cells, and the one rule that merges it.

Of two writes to one cell the larger rank stays; on equal rank, which only a faulty writer can cause, the larger
canonical value. That makes joining commutative, associative and idempotent, so delivery may repeat and reorder as it
likes.
Source: merge.md section 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import TypeAlias

from msgspec import Struct

from syncd.model.canonical import Json, canonical


class Cell(Struct, frozen=True, array_like=True, gc=False):  # a value is JSON: it cannot be part of a cycle
    """The smallest unit of state: a value, and the rank that won it its place."""

    rank: str
    value: Json


Cells: TypeAlias = dict[str, Cell]
"""The cells of one stream by key."""


def wins(new: Cell, old: Cell | None) -> bool:
    """Whether `new` replaces `old`."""
    if old is None or new.rank > old.rank:
        return True
    if new.rank < old.rank:
        return False
    return canonical(new.value) > canonical(old.value)


def join(a: Cell, b: Cell) -> Cell:
    """The larger of two cells."""
    return b if wins(b, a) else a


def fold(cells: Cells, writes: Mapping[str, Cell] | Iterable[tuple[str, Cell]]) -> Cells:
    """Join writes into `cells`, in place.

    Returns:
        The cells that changed, by key.
    """
    changed: Cells = {}
    for key, cell in writes.items() if isinstance(writes, Mapping) else writes:
        if wins(cell, cells.get(key)):
            cells[key] = cell
            changed[key] = cell
    return changed


def merge(a: Mapping[str, Cell], b: Mapping[str, Cell]) -> Cells:
    """The join of two states, as a new one."""
    merged = dict(a)
    fold(merged, b)
    return merged


DIGEST_MODULUS = 2**64


def cell_hash(key: str, cell: Cell) -> int:
    """One cell's share of the digest: the first 8 bytes of SHA-256(key 0x00 rank 0x00 canonical value), big-endian."""
    data = b"\0".join((key.encode(), cell.rank.encode(), canonical(cell.value)))
    return int.from_bytes(sha256(data).digest()[:8], "big")


def digest(cells: Mapping[str, Cell]) -> str:
    """The sum of all cells' hashes modulo 2^64, as 16 hex digits; additive, so that order never matters."""
    return f"{sum(cell_hash(key, cell) for key, cell in cells.items()) % DIGEST_MODULUS:016x}"
