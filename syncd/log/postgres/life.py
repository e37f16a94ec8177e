"""Which life of the log a database holds."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

import asyncpg

from syncd.errors import EpochChanged
from syncd.postgres.queries import load_queries

_IDENTITY = load_queries("syncd.log", "log.sql")["identity"]

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_EPOCH_CHARS = 12
"""36^12 is 2^62: two lives of one deployment will not meet by chance."""


@dataclass(frozen=True, slots=True)
class Life:
    """One unbroken life of all partitions.

    Attributes:
        epoch: its name, from the cluster's system identifier, its timeline and `marker`.
        marker: drawn when the database was migrated, and again by `syncd migrate --new-epoch`.
    """

    epoch: str
    marker: UUID


async def life_of(connection: asyncpg.Connection[Any]) -> Life:
    """Ask a database which life its log lives. Raises the driver's errors."""
    row = await connection.fetchrow(_IDENTITY)
    assert row is not None, "a select without a table has one row"
    return Life(epoch_name(row["system_identifier"], row["timeline"], row["marker"]), row["marker"])


async def check_life(connection: asyncpg.Connection[Any], life: Life) -> None:
    """Raise `EpochChanged` when the database at the other end lives another life than `life`."""
    found = await life_of(connection)
    if found != life:
        raise EpochChanged(f"the log lives epoch {found.epoch} now, not {life.epoch}: open it anew")


def epoch_name(system_identifier: int, timeline: str, marker: UUID) -> str:
    """The same everywhere and for ever for the same life."""
    text = f"{system_identifier}/{timeline}/{marker}"
    number = int.from_bytes(sha256(text.encode()).digest(), "big")
    digits = []
    for _ in range(_EPOCH_CHARS):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(digits)
