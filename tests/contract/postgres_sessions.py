"""Sessions of the test itself on the database that an adapter works on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

PATIENCE_S = 15.0
"""For what should happen at once or within a reconnection; only a broken adapter waits so long."""


@asynccontextmanager
async def admin(dsn: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A connection of the test's own."""
    connection = await asyncpg.connect(dsn, server_settings={"application_name": "test"})
    try:
        yield connection
    finally:
        await connection.close()


async def eventually(condition: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    """Wait until a condition holds that has to be asked for."""
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():  # noqa: ASYNC110 - another process has no event to wait for
            await asyncio.sleep(0.01)
