"""Which tables are ours: a database may hold other people's beside them, which are none of our business."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import asyncpg

from syncd.postgres.queries import load_queries
from syncd.store.migrate import known_migrations

_QUERIES = load_queries("syncd.operations", "backup.sql")
_MAKES = re.compile(r"^create (?:unlogged )?table (?:if not exists )?(\w+)", re.MULTILINE | re.IGNORECASE)


def made_by_migrations() -> list[str]:
    """Every table that a migration of this program makes."""
    return sorted({name for migration in known_migrations() for name in _MAKES.findall(migration.up)})


async def our_tables(connection: asyncpg.Connection[Any]) -> Sequence[asyncpg.Record]:
    """Those that are there: name, columns in order, size on disk, and whether they survive a crash of Postgres.

    Those that do not hold nothing that anybody would miss.
    """
    return await connection.fetch(_QUERIES["tables"], made_by_migrations())
