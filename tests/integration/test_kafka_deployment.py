"""A deployment whose log is a Kafka topic, on a real broker and a real Postgres: it works, and knows its own log."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from raw_device import RawDevice

from syncd.bootstrap import Deployment, open_database, open_deployment
from syncd.clock import SystemClock
from syncd.config import Config, Resolved
from syncd.errors import ConfigError
from syncd.log.kafka import KafkaLog
from syncd.operations import doctor
from syncd.operations.devices import link_device
from syncd.operations.log_show import Filter, show
from syncd.operations.state import account_state
from syncd.operations.verify import verify
from syncd.operations.why import why
from syncd.store.migrate import new_epoch
from syncd.testing.patience import PATIENCE_S, eventually
from syncd.testing.postgres import create_database, drop_database
from syncd.testing.service import running_service

STORY_S = 150.0


@dataclass(frozen=True)
class Place:
    """An empty database, and the name of a topic that is not there yet."""

    dsn: str
    address: str
    topic: str

    @property
    def config(self) -> Config:
        return Config(port=0, ws_port=0, database_url=self.dsn, log=f"kafka://{self.address}/{self.topic}")

    def opened(self, **settings: Any) -> AbstractAsyncContextManager[Deployment]:
        return open_deployment(replace(self.config, **settings))

    async def refusal(self, **settings: Any) -> str:
        """Why it cannot be opened, notes included."""
        with pytest.raises(ConfigError) as caught:
            async with self.opened(**settings):
                pass
        return " ".join([str(caught.value), *getattr(caught.value, "__notes__", ())])


@pytest.fixture
def place(postgres_dsn: str, kafka_address: str) -> Place:
    return Place(postgres_dsn, kafka_address, f"test-{secrets.token_hex(8)}")


def told(story: Callable[[Place], Coroutine[Any, Any, None]]) -> Callable[[Place], None]:
    """A test told as a coroutine."""

    def test(place: Place) -> None:
        asyncio.run(asyncio.wait_for(story(place), STORY_S))

    test.__name__, test.__doc__ = story.__name__, story.__doc__
    return test


async def change_topic(place: Place, change: Callable[[AIOKafkaAdminClient], Coroutine[Any, Any, Any]]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=place.address)
    await admin.start()
    try:
        await change(admin)
    finally:
        await admin.close()


@told
async def test_devices_the_api_and_operators_work_on_it(place: Place) -> None:
    async with running_service(replace(place.config, log_partitions=3)) as service:
        work = service.deployment
        assert work.log.partitions == 3
        phone, laptop = await service.account("alice", "phone", "laptop")
        async with RawDevice(service.ws_url, phone.token) as device, RawDevice(service.ws_url, laptop.token) as other:
            await device.arrive("a:me")
            await other.arrive("a:me")
            for theme in ("dark", "light"):
                await other.knows(await device.emit_acked("settings.changed", {"theme": theme}))
            assert device.digest() == other.digest()
        stream = f"a:{phone.account}"
        partition = work.log.partition_of(stream)
        end = await work.log.end(partition)

        async def projected() -> bool:
            return (await work.store.checkpoint(partition)).offset_next >= end

        await eventually(projected)
        async with httpx.AsyncClient(base_url=service.http_url, timeout=PATIENCE_S) as http:
            shown = (await http.get("/v1/state", headers={"Authorization": f"Bearer {phone.token}"})).json()
            assert shown["settings"] == {"theme": "light"}
            assert (await http.get("/readyz")).json()["lag_records"] == 0
        explained = await why(work.log, work.store, stream, "settings/theme")
        assert [(write.value, write.stands) for write in explained.writes] == [("dark", False), ("light", True)]
        for at_ms, settings in ((explained.writes[0].admitted_ms - 1, {}), (work.clock.now_ms(), {"theme": "light"})):
            then = await account_state(work.log, work.store, phone.account, work.clock.now_ms(), at_ms=at_ms)
            assert then["settings"] == settings
        found = await verify(work.log, work.store, seed=1)
        assert (found.agrees, found.streams, found.behind) == (True, 1, 0)
        kinds = [record.kind async for record in show(work.log, Filter(stream=stream))]
        assert kinds == ["device.described"] * 2 + ["settings.changed"] * 2
        findings = [f async for f in doctor.examine(Resolved(place.config, {}, None, ()), SystemClock(), DOORS)]
        assert [f.verdict for f in findings if f.name in ("log", "projection")] == ["ok", "ok"]


DOORS = doctor.Doors(open_database, lambda config: open_deployment(config, migrating=False))


@told
async def test_the_number_of_partitions_is_written_down_by_the_first_opening(place: Place) -> None:
    async with place.opened(log_partitions=2) as deployment:
        assert deployment.log.partitions == 2
    assert "SYNCD_LOG_PARTITIONS is 3, but the log has 2: `syncd repartition`" in await place.refusal(log_partitions=3)
    await change_topic(place, lambda admin: admin.create_partitions({place.topic: NewPartitions(5)}))
    assert f"topic {place.topic} has 5 partitions, the deployment 2: see `syncd repartition`" in await place.refusal()


@told
async def test_a_new_epoch_of_the_deployment_is_one_of_its_topic(place: Place) -> None:
    async with place.opened() as deployment:
        before = deployment.log.epoch(0)
    async with place.opened() as deployment:
        assert deployment.log.epoch(0) == before
    await new_epoch(place.dsn)
    async with place.opened() as deployment:
        assert deployment.log.epoch(0) != before


@told
async def test_a_topic_that_is_gone_is_named_and_not_made_again(place: Place) -> None:
    async with place.opened():
        pass
    await change_topic(place, lambda admin: admin.delete_topics([place.topic]))
    for _ in range(2):
        said = await place.refusal()
        assert f"there is no topic {place.topic}" in said
        assert "bring the topic back" in said
    (finding,) = [
        f async for f in doctor.examine(Resolved(place.config, {}, None, ()), SystemClock(), DOORS) if f.name == "log"
    ]
    assert (finding.verdict, "bring the topic back" in finding.advice) == ("fail", True)
    other = await KafkaLog.open(place.address, place.topic, partitions=4)
    await other.close()
    assert "it was deleted and made again" in await place.refusal()
    await new_epoch(place.dsn)
    async with place.opened() as deployment:
        assert await deployment.log.end(0) == 0


@pytest.fixture
def stranger(place: Place, postgres_admin_dsn: str) -> Iterator[Place]:
    """Another deployment that is given the same topic."""
    dsn = asyncio.run(create_database(postgres_admin_dsn))
    yield replace(place, dsn=dsn)
    asyncio.run(drop_database(postgres_admin_dsn, dsn))


def test_the_topic_of_another_deployment_is_not_taken_unless_it_is_told_to(place: Place, stranger: Place) -> None:
    async def story() -> None:
        async with place.opened(log_partitions=1) as deployment:
            account = (await deployment.accounts.create("alice")).account
            await link_device(deployment.accounts, deployment.log, deployment.clock, account, name="phone")
            said = await stranger.refusal()
            assert f"topic {place.topic} holds 1 records that this deployment has not written" in said
            assert "syncd migrate --new-epoch" in said
            await new_epoch(stranger.dsn)
            async with stranger.opened() as taken:
                assert await taken.log.end(0) == 1
                assert taken.log.epoch(0) != deployment.log.epoch(0)

    asyncio.run(asyncio.wait_for(story(), STORY_S))


@told
async def test_a_setting_that_leads_to_another_log_is_refused(place: Place) -> None:
    async with place.opened():
        pass
    assert f"SYNCD_LOG is {place.config.log}2, but this deployment's log is in {place.config.log}" in (
        await place.refusal(log=f"{place.config.log}2")
    )
    # Left at its default it leads nowhere else: the row says where the log is.
    async with place.opened(log="postgres") as deployment:
        assert isinstance(deployment.log, KafkaLog)


@told
async def test_a_deployment_on_postgres_is_not_led_to_an_empty_topic(place: Place) -> None:
    async with place.opened(log="postgres"):
        pass
    said = await place.refusal()
    assert f"SYNCD_LOG is {place.config.log}, but this deployment's log is in Postgres: `syncd move-log`" in said
