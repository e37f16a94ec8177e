"""Sessions of the test itself on the database that an adapter works on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from syncd.testing.patience import eventually

OURS = "from pg_stat_activity where datname = current_database() and application_name like 'syncd%'"
LISTENING = f"{OURS} and application_name = 'syncd listening'"
BLOCKED = f"{OURS} and wait_event_type = 'Lock'"


@asynccontextmanager
async def admin(dsn: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A connection of the test's own."""
    connection = await asyncpg.connect(dsn, server_settings={"application_name": "test"})
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def locked(dsn: str, statement: str = "select from log_partitions for update") -> AsyncIterator[None]:
    """Appends wait until the end of this transaction."""
    async with admin(dsn) as connection, connection.transaction():
        await connection.execute(statement)
        yield


async def until_blocked(connection: asyncpg.Connection[Any]) -> None:
    """Wait until one of our sessions waits for a lock. Not inside a transaction: it would see one moment only."""
    await eventually(lambda: connection.fetchval(f"select count(*) = 1 {BLOCKED}"))
