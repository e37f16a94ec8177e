"""Another number of partitions for a log in Kafka: a new topic, on a real broker and a real Postgres."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace

import pytest

from syncd.bootstrap import open_deployment, repartition_topic
from syncd.client import Device
from syncd.config import Config
from syncd.errors import ConfigError, Conflict, OffsetExpired, Refused
from syncd.log.kafka import KafkaLog
from syncd.log.memory import MemoryLog
from syncd.log.record import Record
from syncd.operations.refold import stream_pages
from syncd.operations.repartition import copy_log
from syncd.testing.quiet import verified
from syncd.testing.service import running_service

STORY_S = 150.0


def test_devices_go_on_where_they_were_and_the_old_topic_is_refused(
    postgres_dsn: str, kafka_address: str, tmp_path: object
) -> None:
    name = f"test-{secrets.token_hex(8)}"
    config = Config(
        port=0, ws_port=0, database_url=postgres_dsn, log=f"kafka://{kafka_address}/{name}", log_partitions=2
    )
    other = f"kafka://{kafka_address}/{name}-b"

    async def story() -> None:
        store = f"{tmp_path}/phone.db"
        async with running_service(config) as service:
            (phone,) = await service.account("alice", "phone")
            async with Device(service.ws_url, phone.token, store=store) as device:
                await device.queue.add("t1")
                await device.settled()
        async with Device(service.ws_url, phone.token, store=store) as device:
            await device.queue.add("t2")
        with pytest.raises(Refused, match="already"):
            await repartition_topic(config, config.log, 3)
        done = await repartition_topic(config, other, 3)
        assert (done.partitions_old, done.partitions) == (2, 3)
        with pytest.raises(ConfigError, match=f"{name}-b"):
            async with open_deployment(config):
                pass
        moved = replace(config, log=other, log_partitions=None)
        async with running_service(moved) as service, Device(service.ws_url, phone.token, store=store) as device:
            await device.settled()
            assert device.queue.tracks == ["t1", "t2"]
            assert (await device.verify()).agrees
            work = service.deployment
            found = await verified(work.log, work.store)
            assert (found.agrees, found.behind) == (True, 0)

    asyncio.run(asyncio.wait_for(story(), STORY_S))


def test_a_copy_from_before_a_trim_is_not_taken_for_one_from_after_it() -> None:
    async def story() -> None:
        source, target = MemoryLog(), MemoryLog()
        await source.append([Record("a:somebody", "w" * 10, seq, "settings.changed", 1, b"{}") for seq in (1, 2)])
        assert await copy_log(source, target, erased=()) == (2, 0)
        await source.trim(0, 1)
        with pytest.raises(Conflict, match="name another topic"):
            await copy_log(source, target, erased=())

    asyncio.run(asyncio.wait_for(story(), STORY_S))


def test_a_copy_that_was_interrupted_goes_on_keeps_order_and_does_not_look_whole_when_it_is_not(
    kafka_address: str,
) -> None:
    async def story() -> None:
        name = f"test-{secrets.token_hex(8)}"
        source = await KafkaLog.open(kafka_address, f"{name}-a", partitions=2)
        target = await KafkaLog.open(kafka_address, f"{name}-b", partitions=3)
        body = b'{"t":1,"data":{},"account":"x","device":"d","admitted_ms":1}'
        try:
            stream = "a:somebody"
            records = [Record(stream, "w" * 10, seq, "settings.changed", 1, body) for seq in range(1, 9)]
            await source.append(records[:4])
            await source.append([Record("no stream of ours", "w" * 10, 1, "settings.changed", 1, body)])
            await source.trim(source.partition_of(stream), 2)
            assert await copy_log(source, target, erased=()) == (2, 1)
            await source.append(records[4:])
            for _ in range(2):
                assert await copy_log(source, target, erased=()) == (6, 1)
            seqs = [record.seq async for page in stream_pages(target, stream, from_=1) for record in page]
            assert seqs == [3, 4, 5, 6, 7, 8]
            with pytest.raises(OffsetExpired, match="begins at offset 1"):
                assert [page async for page in stream_pages(target, stream)]
        finally:
            await source.close()
            await target.close()

    asyncio.run(asyncio.wait_for(story(), STORY_S))
