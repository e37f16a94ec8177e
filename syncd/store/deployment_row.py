"""What the store has written down of the deployment itself: where its log is, and in which of its lives."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from syncd.errors import ConfigError, StoreUnavailable
from syncd.postgres.connection import connect, hang_up
from syncd.postgres.database import Database, failures_as
from syncd.postgres.queries import load_queries

LOOK_S = 0.5
"""Between two looks at where the log is."""
MOVE_LOCK_KEY = 0x6D6F7665  # "move": the advisory lock of whoever moves the log, held as long as he lives
_QUERIES = load_queries("syncd.store", "deployment.sql")


@dataclass(frozen=True, slots=True)
class DeploymentRow:
    """See migrations 0001, 0003 and 0007.

    Attributes:
        life: drawn when the deployment was made, and again by `syncd migrate --new-epoch`.
        partitions: None until the log was opened first.
        log: `postgres`, or the URL of a topic; None until then, too.
        topic_id: of the topic, hexadecimal. Empty: take whichever is there. None: never opened.
        epoch: the name that a log kept when it moved into its topic; None where it never moved.
    """

    life: UUID
    partitions: int | None
    log: str | None
    topic_id: str | None
    epoch: str | None


async def deployment_row(dsn: str) -> DeploymentRow:
    """What is written down.

    Raises:
        ConfigError: nothing, since the database was not migrated.
        StoreUnavailable: no answer.
    """
    row = await _row(dsn, "deployment")
    if row is None:
        raise ConfigError("the database says of no deployment: run `syncd migrate`")
    return DeploymentRow(*row)


async def claim_topic(dsn: str, seen: DeploymentRow, *, log: str, topic_id: str, partitions: int) -> bool:
    """Write down that the log is in a topic, unless something else than `seen` is written by now; then False.

    Raises `StoreUnavailable`.
    """
    return await _row(dsn, "claim_topic", log, topic_id, partitions, seen.life) is not None


async def until_log_moves(dsn: str, seen: DeploymentRow) -> None:
    """Return when the log is about to be somewhere else, or in another life, than was seen. Troubles are waited out."""
    database = await Database.open(dsn, size=1, unavailable=StoreUnavailable, what="deployment")
    try:
        while True:
            with suppress(StoreUnavailable):
                place = await database.row(_QUERIES["place"])
                if place is None or place["life"] != seen.life or place["is_closed"]:
                    return
                if seen.log is not None and place["log"] != seen.log:
                    return
            await asyncio.sleep(LOOK_S)
    finally:
        await database.close()


async def open_abandoned(dsn: str) -> bool:
    """Open a log in Postgres again that `syncd move-log` closed and then died; whether it is open now.

    Raises `StoreUnavailable`.
    """
    return await _row(dsn, "open_abandoned", MOVE_LOCK_KEY) is not None


async def _row(dsn: str, query: str, *values: object) -> Any:
    with failures_as(StoreUnavailable, "deployment"):
        connection = await connect(dsn)
        try:
            return await connection.fetchrow(_QUERIES[query], *values)
        finally:
            await hang_up(connection)
