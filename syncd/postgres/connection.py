"""Connections to Postgres with our settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from syncd import limits
from syncd.postgres.failures import DRIVER_ERRORS
from syncd.postgres.niceness import lower_backend

CONNECT_TIMEOUT_S = 5.0
"""From the first packet to the login. Postgres forks a process for it: 5-20 ms here, seconds on a loaded machine."""

HANG_UP_TIMEOUT_S = 2.0
"""For the polite end of a connection; then it is cut."""


async def connect(
    dsn: str,
    *,
    name: str = "syncd",
    statement_timeout_s: float = limits.STATEMENT_TIMEOUT_S,
    answer_timeout_s: float | None = None,
) -> asyncpg.Connection[Any]:
    """One connection of one's own. Deadline `CONNECT_TIMEOUT_S`.

    Args:
        name: what an operator sees in `pg_stat_activity`.
        statement_timeout_s: after which Postgres gives a statement up; 0 for never.
        answer_timeout_s: after which we give one up, and the connection is closed; None leaves that to the caller.

    Raises:
        DRIVER_ERRORS: with a note for the operator, which names the database; never its user, nor a password.
    """
    try:
        connection: asyncpg.Connection[Any] = await asyncpg.connect(
            dsn,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=answer_timeout_s,
            server_settings={
                "application_name": name,
                "statement_timeout": str(round(statement_timeout_s * 1000)),
                # Our statements are short; compiling one costs more than running it.
                "jit": "off",
                "timezone": "UTC",
            },
        )
    except DRIVER_ERRORS as error:
        where = urlsplit(dsn)
        error.add_note(f"the database is {where.netloc.rpartition('@')[2] or 'on a socket here'}{where.path}")
        raise
    try:
        await lower_backend(connection)
    except BaseException:  # cancelled
        connection.terminate()
        raise
    return connection


async def hang_up(connection: asyncpg.Connection[Any]) -> None:
    """End a connection, politely if the other end still listens. Never raises the driver's errors."""
    try:
        await connection.close(timeout=HANG_UP_TIMEOUT_S)
    except DRIVER_ERRORS:
        connection.terminate()


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """`connect`, and `hang_up` at the end of the block, whatever ended it."""
    connection = await connect(dsn)
    try:
        yield connection
    finally:
        await hang_up(connection)
