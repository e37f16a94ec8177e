"""A small pool of connections that speaks in our errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg

from syncd import limits
from syncd.errors import Unavailable
from syncd.postgres.connection import CONNECT_TIMEOUT_S, settings
from syncd.postgres.failures import DRIVER_ERRORS, is_bad_data, sentence

IDLE_CONNECTION_S = 300.0
"""A pooled connection that nobody used for so long is closed, down to one."""

ANSWER_TIMEOUT_S = limits.STATEMENT_TIMEOUT_S + 1.0
"""From asking for a connection to the last row. The server's own timeout comes first and says more."""


@contextmanager
def failures_as(unavailable: type[Unavailable], what: str) -> Iterator[None]:
    """Turn the driver's errors into ours.

    Raises:
        ValueError: Postgres cannot take what it was given, as a NUL in text. Admission refuses such; this is a bug.
        `unavailable`: everything else; asking again may help.
    """
    try:
        yield
    except DRIVER_ERRORS as error:
        if is_bad_data(error):
            raise ValueError(f"{what}: Postgres cannot take what it was given: {type(error).__name__}") from error
        raise unavailable(f"{what}: {sentence(error)}") from error


class Database:
    """Runs one statement at a time on any of its connections, each a transaction of its own.

    Every method raises as `failures_as`, within `ANSWER_TIMEOUT_S`. When cancelled, a statement that writes may or may
    not have been committed.
    """

    def __init__(self, pool: asyncpg.Pool, unavailable: type[Unavailable], what: str) -> None:
        self._pool = pool
        self._unavailable = unavailable
        self._what = what

    @classmethod
    async def open(
        cls,
        dsn: str,
        *,
        size: int,
        unavailable: type[Unavailable],
        what: str,
        init: Callable[[asyncpg.Connection[asyncpg.Record]], Coroutine[Any, Any, None]] | None = None,
    ) -> Database:
        """Open a pool of one to `size` connections.

        Args:
            unavailable: the error that driver errors become.
            what: who speaks, the first word of its text.
            init: called once with each new connection; its errors leave by whoever asked for a connection.
        """
        with failures_as(unavailable, what):
            pool = await asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=size,
                max_inactive_connection_lifetime=IDLE_CONNECTION_S,
                timeout=CONNECT_TIMEOUT_S,
                server_settings=settings(),
                init=init,
                reset=_nothing_to_reset,
            )
        return cls(pool, unavailable, what)

    async def rows(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """All rows of a statement's result."""
        with failures_as(self._unavailable, self._what):
            async with asyncio.timeout(ANSWER_TIMEOUT_S), self._pool.acquire() as connection:
                return await connection.fetch(query, *arguments)

    async def row(self, query: str, *arguments: object) -> asyncpg.Record | None:
        """The first row of a statement's result, None when there is none."""
        with failures_as(self._unavailable, self._what):
            async with asyncio.timeout(ANSWER_TIMEOUT_S), self._pool.acquire() as connection:
                return await connection.fetchrow(query, *arguments)

    async def close(self) -> None:
        """Cut all connections; statements under way fail. Twice is harmless."""
        self._pool.terminate()


async def _nothing_to_reset(connection: Any) -> None:
    # The driver's own reset costs a round trip per use of a pooled connection. Ours never change a setting, keep a
    # cursor or an advisory lock, or LISTEN: those who do have a connection of their own.
    return None
