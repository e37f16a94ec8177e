"""What may happen to a topic under a deployment: each is noticed by every role, also by one with nothing to do, and
named; nothing jumps to the latest record. On a real broker and a real Postgres.

A topic whose disk was lost is in test_kafka_hazards.py.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from raw_device import RawDevice, offset_in

from syncd.bootstrap import life, open_database, open_deployment, run_roles
from syncd.client import Device
from syncd.clock import SystemClock
from syncd.config import Config, Resolved
from syncd.errors import EpochChanged, OffsetExpired
from syncd.log.kafka import KafkaAddress
from syncd.log.port import TrimmableLog
from syncd.operations import doctor
from syncd.operations.verify import verify
from syncd.store.migrate import new_epoch
from syncd.testing.patience import PATIENCE_S, eventually
from syncd.testing.quiet import until_projected
from syncd.testing.service import running_service

STORY_S = 150.0
PARTITIONS = 2
DOORS = doctor.Doors(open_database, lambda config: open_deployment(config, migrating=False))
GATEWAY, PROJECTOR, API = frozenset({"gateway"}), frozenset({"projector"}), frozenset({"api"})


@pytest.fixture
def config(postgres_dsn: str, kafka_address: str) -> Config:
    topic = f"kafka://{kafka_address}/test-{secrets.token_hex(8)}"
    return Config(port=0, ws_port=0, database_url=postgres_dsn, log=topic, log_partitions=PARTITIONS)


@asynccontextmanager
async def administrator(config: Config) -> AsyncIterator[tuple[AIOKafkaAdminClient, str]]:
    address = KafkaAddress.of_url(config.log)
    admin = AIOKafkaAdminClient(bootstrap_servers=list(address.servers))
    await admin.start()
    try:
        yield admin, address.topic
    finally:
        await admin.close()


def tell(story: Any) -> None:
    asyncio.run(asyncio.wait_for(story, STORY_S))


@asynccontextmanager
async def serving(config: Config, roles: frozenset[str]) -> AsyncIterator[asyncio.Task[None]]:
    """A process with these roles, and nobody at them; what ended it is the task's."""
    ready, stop = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(run_roles(config, roles, on_ready=lambda _: ready.set(), stop=stop))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        yield task
    finally:
        stop.set()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("roles", [GATEWAY, PROJECTOR, API], ids=lambda roles: next(iter(roles)))
def test_a_role_without_anything_to_do_notices_that_the_topic_was_deleted(
    config: Config, roles: frozenset[str]
) -> None:
    async def story() -> None:
        async with serving(config, roles) as process:
            async with administrator(config) as (admin, topic):
                await admin.delete_topics([topic])
            with pytest.raises(EpochChanged, match=f"topic {topic} was deleted"):
                await process

    tell(story())


def test_whether_to_send_traffic_is_told_where_the_topic_is_gone(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "CHECK_S", STORY_S)  # in between nobody else looks

    async def story() -> None:
        async with (
            running_service(config, API) as service,
            httpx.AsyncClient(base_url=service.http_url, timeout=PATIENCE_S) as http,
        ):
            assert (await http.get("/readyz")).status_code == 200
            async with administrator(config) as (admin, topic):
                await admin.delete_topics([topic])

            async def reasons() -> list[str]:
                answer = await http.get("/readyz")
                assert answer.status_code in (200, 503)
                return list(answer.json()["reasons"])

            assert await eventually(reasons) == [f"log: topic {topic} was deleted"]

    tell(story())


def test_a_lone_projector_and_a_gateway_without_devices_go_on_in_a_new_epoch(config: Config) -> None:
    async def story() -> None:
        async with running_service(config, GATEWAY) as gateway, serving(config, PROJECTOR):
            work = gateway.deployment
            (phone,) = await gateway.account("alice", "phone")
            await until_projected(work.log, work.store)
            await new_epoch(work.dsn)
            async with open_deployment(config) as anew:
                assert anew.log.epoch(0) != work.log.epoch(0)

                partition = anew.log.partition_of(f"a:{phone.account}")  # the other one was never folded at all

                async def began() -> bool:
                    return (await work.store.checkpoint(partition)).epoch == anew.log.epoch(partition)

                await eventually(began, "the lone projector has not begun the new epoch")

            async def serves_again() -> bool:
                try:
                    async with RawDevice(gateway.ws_url, phone.token) as device:
                        return (await device.hello("a:me")).streams[0].resume == "snapshot"
                except (OSError, AssertionError, TimeoutError):
                    return False

            await eventually(serves_again, "the gateway does not serve the new epoch")

    tell(story())


def test_more_partitions_of_the_topic_are_named_and_what_runs_goes_on(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        async with running_service(config) as service:
            (phone,) = await service.account("alice", "phone")
            async with administrator(config) as (admin, topic):
                await admin.create_partitions({topic: NewPartitions(5)})

            async def is_named() -> bool:
                return f"topic {topic} has 5 partitions, the deployment {PARTITIONS}: see `syncd repartition`" in str(
                    [record.msg for record in caplog.records]
                )

            await eventually(is_named)
            async with RawDevice(service.ws_url, phone.token) as device:
                await device.arrive("a:me")
                await device.emit_acked("settings.changed", {"theme": "dark"})
            await until_projected(service.deployment.log, service.deployment.store)

    with caplog.at_level(logging.ERROR):
        tell(story())


def test_a_device_whose_cursor_retention_has_passed_misses_nothing(config: Config) -> None:
    """What the log forgot is in the store: the device is told which cells changed, and takes no snapshot."""

    async def story() -> None:
        async with running_service(config) as service:
            work = service.deployment
            phone, laptop = await service.account("alice", "phone", "laptop")
            async with RawDevice(service.ws_url, laptop.token) as away:
                await away.arrive("a:me")
            async with RawDevice(service.ws_url, phone.token) as device:
                await device.arrive("a:me")
                for theme in ("dark", "light"):
                    last = await device.emit_acked("settings.changed", {"theme": theme})
            await until_projected(work.log, work.store)
            await trimmed(work.log, 1_000)
            partition = work.log.partition_of(f"a:{phone.account}")
            assert await work.log.start(partition) == await work.log.end(partition) == offset_in(last.cursor or "")
        async with running_service(config) as service:  # another process: nothing of it is in memory
            away.url = service.ws_url
            async with away:
                assert (await away.hello("a:me")).streams[0].resume == "cells"
                await away.agrees(device.digest())

    tell(story())


async def trimmed(log: TrimmableLog, before: int) -> None:
    """As retention does, and nobody is asked."""
    for partition in range(log.partitions):
        await log.trim(partition, min(before, await log.end(partition)))


@pytest.mark.parametrize("roles", [GATEWAY, PROJECTOR], ids=lambda roles: next(iter(roles)))
def test_what_retention_deleted_before_anybody_folded_it_is_named(config: Config, roles: frozenset[str]) -> None:
    async def story() -> None:
        async with open_deployment(config) as work:
            async with running_service(config) as service:
                (phone,) = await service.account("alice", "phone")
                await until_projected(work.log, work.store)
            partition = work.log.partition_of(f"a:{phone.account}")
            async with running_service(config, GATEWAY) as service, RawDevice(service.ws_url, phone.token) as device:
                await device.arrive("a:me")
                for theme in ("dark", "light"):
                    await device.emit_acked("settings.changed", {"theme": theme})
            await trimmed(work.log, 2)
            said = f"partition {partition} begins at 2, only 1 were folded: .* run `syncd migrate --new-epoch`"
            async with serving(config, roles) as process:
                with pytest.raises(OffsetExpired, match=said):
                    await process
            examined = doctor.examine(Resolved(config, {}, None, ()), SystemClock(), DOORS)
            assert [one.verdict async for one in examined if one.name == "projection"] == ["fail"]
            with pytest.raises(OffsetExpired):
                await verify(work.log, work.store, seed=1)

        await new_epoch(config.database_url or "")
        async with running_service(config) as service, Device(service.ws_url, phone.token) as device:
            await device.ready()
            assert device.settings.get("theme") == "light"
            assert (await device.verify()).agrees

    tell(story())
