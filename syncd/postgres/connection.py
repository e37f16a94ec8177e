"""Connections to Postgres with our settings."""

from __future__ import annotations

import asyncpg

from syncd import limits

CONNECT_TIMEOUT_S = 5.0
"""From the first packet to the login. Postgres forks a process for it: 5-20 ms here, seconds on a loaded machine."""


def settings(*, statement_timeout_s: float = limits.STATEMENT_TIMEOUT_S) -> dict[str, str]:
    """Server settings of every connection of ours."""
    return {
        "application_name": "syncd",
        "statement_timeout": str(round(statement_timeout_s * 1000)),
        # Our statements are short; compiling one costs more than running it.
        "jit": "off",
        "timezone": "UTC",
    }


async def connect(dsn: str, *, statement_timeout_s: float = limits.STATEMENT_TIMEOUT_S) -> asyncpg.Connection:
    """One connection of one's own. Raises the driver's errors; deadline `CONNECT_TIMEOUT_S`."""
    return await asyncpg.connect(
        dsn, timeout=CONNECT_TIMEOUT_S, server_settings=settings(statement_timeout_s=statement_timeout_s)
    )
