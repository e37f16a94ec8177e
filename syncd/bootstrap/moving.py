"""Moving a deployment's log from Postgres into a topic, under running servers."""

from __future__ import annotations

from contextlib import AsyncExitStack

from syncd.bootstrap.deployment import open_database
from syncd.bootstrap.present_log import open_log, open_topic
from syncd.config import Config
from syncd.errors import Refused
from syncd.log.postgres import PostgresLog
from syncd.operations.advance import Advance, quiet
from syncd.operations.move_log import LogMove, Moved
from syncd.store.deployment_row import MOVE_LOCK_KEY, deployment_row
from syncd.store.migrate import migrate


async def move_log(config: Config, topic: str, *, progress: Advance = quiet) -> Moved:
    """Move it; see `syncd.operations.move_log`.

    Args:
        topic: its URL, as `SYNCD_LOG` should name it from then on; made where there is none.
        progress: (records copied, of all).

    Raises:
        Refused: the log is in Kafka already.
        ConfigError: the topic cannot be used.
        Others as `LogMove.run`.
    """
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(open_database(config))
        await migrate(dsn)
        written = await deployment_row(dsn)
        if written.log not in (None, "postgres"):
            raise Refused(f"the log is in {written.log} already")
        source = await open_log(config, dsn, making=False, serves_devices=False)
        stack.push_async_callback(source.close)
        assert isinstance(source, PostgresLog)
        target = await open_topic(config, topic, partitions=source.partitions, life=written.life)
        stack.push_async_callback(target.close)
        return await LogMove(
            dsn, target, topic, target.topic_id, source.epoch(0), MOVE_LOCK_KEY, progress
        ).run()  # fmt: skip
