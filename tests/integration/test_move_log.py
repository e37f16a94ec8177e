"""Moving the log from Postgres into Kafka: record for record, interrupted, and under connected devices."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine
from typing import Any
from uuid import uuid4

import pytest
from raw_device import all_records

from syncd.bootstrap import move_log, open_deployment
from syncd.client import Device
from syncd.config import Config
from syncd.errors import Conflict, Refused, Unavailable
from syncd.log.kafka import KafkaLog
from syncd.log.postgres import PostgresLog
from syncd.log.record import LoggedRecord, Record
from syncd.operations.verify import verify
from syncd.postgres.connection import connected
from syncd.store.deployment_row import MOVE_LOCK_KEY
from syncd.testing.beside import beside
from syncd.testing.patience import until
from syncd.testing.quiet import until_projected
from syncd.testing.recorded_acks import AckBook
from syncd.testing.service import running_service

STORY_S = 150.0
PARTITIONS = 2


def record(n: int) -> Record:
    return Record(f"a:{n % 7}", "wwwwwwwwww", n, "settings.changed", 1, b'{"n":%d}' % n)


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, STORY_S))


@pytest.fixture
def topic(kafka_address: str) -> str:
    return f"kafka://{kafka_address}/test-{secrets.token_hex(8)}"


async def filled(dsn: str, count: int) -> PostgresLog:
    log = await PostgresLog.open(dsn, partitions=PARTITIONS)
    for n in range(0, count, 100):
        await log.append([record(i) for i in range(n, min(n + 100, count))])
    return log


async def move(dsn: str, topic: str) -> Any:
    return await move_log(Config(database_url=dsn), topic)


def test_every_record_keeps_its_place_and_the_epoch_its_name(postgres_dsn: str, topic: str) -> None:
    """Also where the table has forgotten its oldest records."""

    async def story() -> None:
        source = await filled(postgres_dsn, 3_000)
        await source.trim(0, 700)
        bounds = [(await source.start(p), await source.end(p)) for p in range(PARTITIONS)]
        before = [await source.read(p, bounds[p][0], limit=2_000) for p in range(PARTITIONS)]
        moved = await move(postgres_dsn, topic)
        assert (moved.records, moved.partitions) == (sum(end for _, end in bounds), PARTITIONS)
        (refused,) = await source.append([record(1)])
        assert refused.outcome == "refused", "nobody appends to the table any more"
        # The setting still says Postgres.
        async with open_deployment(Config(database_url=postgres_dsn)) as deployment:
            log = deployment.log
            assert isinstance(log, KafkaLog)
            assert [log.epoch(p) for p in range(PARTITIONS)] == [source.epoch(p) for p in range(PARTITIONS)]
            assert [(await log.start(p), await log.end(p)) for p in range(PARTITIONS)] == bounds
            for partition, records in enumerate(before):
                at = bounds[partition][0]
                found: list[LoggedRecord] = []
                while len(found) < len(records):
                    page = await log.read(partition, at, limit=2_000)
                    found += page
                    at = page[-1].offset + 1
                assert found[: len(records)] == records
        with pytest.raises(Refused, match="is in kafka://.* already"):
            await move(postgres_dsn, topic)
        await source.close()

    run(story())


def test_an_interrupted_copy_goes_on_and_another_topic_s_records_are_noticed(postgres_dsn: str, topic: str) -> None:
    async def story() -> None:
        source = await filled(postgres_dsn, 500)
        address, _, name = topic.removeprefix("kafka://").partition("/")
        target = await KafkaLog.open(address, name, partitions=PARTITIONS)
        await target.append([record(n) for n in range(200)])
        assert (await move(postgres_dsn, topic)).records == 500
        assert sum([await target.end(p) for p in range(PARTITIONS)]) == 500
        await target.close()
        await source.close()

    run(story())


def test_a_topic_that_holds_something_else_is_refused_and_the_table_stays_open(postgres_dsn: str, topic: str) -> None:
    async def story() -> None:
        source = await filled(postgres_dsn, 500)
        address, _, name = topic.removeprefix("kafka://").partition("/")
        target = await KafkaLog.open(address, name, partitions=PARTITIONS)
        await target.append([record(9)])
        with pytest.raises(Conflict, match="holds other records at offset 0"):
            await move(postgres_dsn, topic)
        (appended,) = await source.append([record(1)])
        assert appended.outcome == "written"
        await target.close()
        await source.close()

    run(story())


def test_a_table_that_a_dead_mover_closed_is_opened_by_the_next_who_comes(postgres_dsn: str) -> None:
    async def story() -> None:
        source = await filled(postgres_dsn, 10)
        config = Config(database_url=postgres_dsn)
        async with connected(postgres_dsn) as mover:
            assert await mover.fetchval("select pg_try_advisory_lock($1)", MOVE_LOCK_KEY)
            await mover.execute("update log_partitions set life = $1", uuid4())
            with pytest.raises(Unavailable, match="closed while it moves"):
                async with open_deployment(config):
                    pass
            (appended,) = await source.append([record(1)])
            assert appended.outcome == "refused"
            with pytest.raises((Conflict, Unavailable)):
                await move(postgres_dsn, "kafka://127.0.0.1:1/never-asked")
        async with open_deployment(config) as deployment:
            (appended,) = await deployment.log.append([record(1)])
            assert appended.outcome == "written"
        await source.close()

    run(story())


def test_devices_that_write_all_the_time_lose_and_double_nothing(postgres_dsn: str, topic: str) -> None:
    config = Config(port=0, ws_port=0, database_url=postgres_dsn, log_partitions=PARTITIONS)

    async def story() -> None:
        async with running_service(config) as service:
            logins = await service.account("alice", "phone", "laptop", "tv")
            devices = [Device(service.ws_url, login.token) for login in logins]
            book = AckBook()
            for login, device in zip(logins, devices, strict=True):
                book.watch(login.name, device)

            async def write(device: Device) -> None:
                for n in range(1_000_000):
                    device.settings.set(f"k{n % 50}", n)
                    await asyncio.sleep(0.01)

            for device in devices:
                await device.__aenter__()
                await device.ready()
            async with beside(*map(write, devices)):
                await until(lambda: len(book.acks) > 300, "devices are not acked")
                moved = await move(postgres_dsn, topic)
                assert moved.records >= 300
                acked = len(book.acks)
                await until(lambda: len(book.acks) > acked + 300, "devices have not come back", timeout_s=STORY_S)
            for device in devices:
                await device.settled()
            async with open_deployment(config) as deployment:
                log, store = deployment.log, deployment.store
                assert isinstance(log, KafkaLog)
                await until_projected(log, store)
                assert await book.problems(log, store) == []
                found = await verify(log, store, seed=1)
                assert found.agrees
                ids = [(r.writer, r.seq) for r in await all_records(log) if r.kind == "settings.changed"]
                assert len(ids) == len(set(ids)), "an event is in the log twice"
                for device in devices:
                    assert (await device.verify()).agrees
                    await device.close()

    run(story())
