"""Moving a deployment's log from its topic into a new one with another number of partitions."""

from __future__ import annotations

from contextlib import AsyncExitStack

from syncd.bootstrap.deployment import open_database
from syncd.bootstrap.present_log import open_log, open_topic
from syncd.config import Config
from syncd.errors import Conflict, Refused
from syncd.log.port import EventLog
from syncd.operations.advance import Advance, quiet
from syncd.operations.offline import nobody_works_on
from syncd.operations.repartition import Repartitioned, change_over, copy_log
from syncd.store.deployment_row import deployment_row
from syncd.store.postgres import PostgresStore


async def repartition_topic(config: Config, topic: str, partitions: int, *, progress: Advance = quiet) -> Repartitioned:
    """Copy the log into a topic, which is made where there is none, and make that the deployment's log.

    Interrupted before the change-over, the deployment is as it was; do it again with the same topic.

    Args:
        topic: its URL, as `SYNCD_LOG` will have to name it.
        progress: (records read, of all).

    Raises:
        Refused: the log is not in Kafka, or that is its topic already.
        Conflict: servers run, or ran meanwhile.
        ConfigError: the topic cannot be used.
        LogUnavailable, AppendUnknown, StoreUnavailable: no answer.
    """
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(open_database(config))
        written = await deployment_row(dsn)
        if written.log is None or written.log == "postgres":
            raise Refused("the log is not in Kafka: leave --topic out")
        if written.log.rpartition("/")[2] == topic.rpartition("/")[2]:
            raise Refused(f"the log is in {written.log} already; name a new topic")
        await nobody_works_on(dsn, to="change the partitions")
        source = await open_log(config, dsn, making=False, serves_devices=False)
        stack.push_async_callback(source.close)
        target = await open_topic(config, topic, partitions=partitions, life=written.life)
        stack.push_async_callback(target.close)
        ends = await _ends(source)
        store = await PostgresStore.open(dsn, connections=1)
        stack.push_async_callback(store.close)
        records, begin = await copy_log(source, target, erased=await store.erased_streams(), progress=progress)
        if await _ends(source) != ends:
            raise Conflict("somebody appended meanwhile: stop all servers, and do it again")
        await change_over(
            dsn, seen=written.life, topic=topic, topic_id=target.topic_id, partitions=partitions, begin=begin
        )
        return Repartitioned(source.partitions, partitions, records)


async def _ends(log: EventLog) -> list[int]:
    return [await log.end(partition) for partition in range(log.partitions)]
