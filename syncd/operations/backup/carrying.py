"""Telling the restored store that it was folded from the restored log.

A new life of the log makes projectors fold everything once more, because nobody knows what the log has become. Here it
is known: store and log are of one moment, and where the log is a topic, its offsets are what they were. So checkpoints
are carried over into the new life, and state is there at once, without a projector.
"""

from __future__ import annotations

from syncd.errors import StoreUnavailable
from syncd.log.port import EventLog
from syncd.postgres.connection import connect, hang_up
from syncd.postgres.database import failures_as
from syncd.postgres.queries import load_queries

_QUERIES = load_queries("syncd.operations", "backup.sql")


async def carry_checkpoints(dsn: str, log: EventLog, *, old_epoch: str) -> None:
    """Carry the checkpoints that stand in `old_epoch` over into the log's present life. Twice is harmless.

    One that the log does not reach, back or forth, stays: a projector folds what is there, from the log's beginning.

    Raises:
        LogUnavailable, StoreUnavailable: no answer.
    """
    kept = [(await log.start(partition), await log.end(partition)) for partition in range(log.partitions)]
    with failures_as(StoreUnavailable, "restore"):
        connection = await connect(dsn, name="syncd restore", statement_timeout_s=0)
        try:
            async with connection.transaction():
                for partition, (start, end) in enumerate(kept):
                    epochs = old_epoch, log.epoch(partition)
                    await connection.execute(_QUERIES["carry_checkpoint"], partition, *epochs, start, end)
                await connection.execute(_QUERIES["carry_slots"], old_epoch, log.epoch(0))
        finally:
            await hang_up(connection)
