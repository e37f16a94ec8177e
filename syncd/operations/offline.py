"""Making sure that nobody works on a deployment while it is changed from below."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import asyncpg

from syncd.errors import Conflict, StoreUnavailable
from syncd.postgres.connection import connect, hang_up
from syncd.postgres.database import failures_as
from syncd.postgres.listening import NAME as LISTENING
from syncd.postgres.queries import load_queries

_QUERIES = load_queries("syncd.operations", "offline.sql")

PATIENCE_S: Final = 6.0
"""For a server that was stopped just now to be gone, and for the lease of one that was killed to end."""
POLL_S: Final = 0.2


async def nobody_works_on(dsn: str, *, to: str) -> None:
    """As `require_nobody`, on a connection of its own. Raises `StoreUnavailable` instead of the driver's errors."""
    with failures_as(StoreUnavailable, to):
        connection = await connect(dsn)
        try:
            await require_nobody(connection, to=to)
        finally:
            await hang_up(connection)


async def require_nobody(connection: asyncpg.Connection[Any], *, to: str) -> None:
    """Return when no other process of syncd uses the database, and no projector holds a lease.

    Args:
        to: what it is for, for the error, as "restore".

    Raises:
        Conflict: somebody still does after `PATIENCE_S`.
        The driver's errors.
    """
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while True:
        others = await connection.fetchval(_QUERIES["others"], LISTENING)
        leases = await connection.fetchval(_QUERIES["leases"])
        if not others and not leases:
            return
        if asyncio.get_running_loop().time() >= deadline:
            raise Conflict(
                f"{others} connections of other processes of syncd and {leases} leases of projectors are in use there: "
                f"stop all servers and commands to {to}"
            )
        await asyncio.sleep(POLL_S)
