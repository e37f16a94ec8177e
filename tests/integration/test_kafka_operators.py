"""What operators do where the log is in Kafka, on a real broker: the store is one half, the topic the other."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from pathlib import Path

import pytest

from syncd.bootstrap import Deployment, open_deployment, restore_deployment
from syncd.client import Device
from syncd.client.playlist import new_playlist_id
from syncd.config import Config
from syncd.errors import NotFound
from syncd.operations.backup.restoring import check_backup
from syncd.operations.backup.taking import take_backup
from syncd.operations.erase import Eraser
from syncd.operations.log_trim import Before, plan_trim, trim
from syncd.operations.state import account_state
from syncd.operations.transfer.file import write_file
from syncd.operations.transfer.gather import Place, Selection, gather
from syncd.operations.transfer.importing import import_file
from syncd.testing.quiet import until_projected, verified
from syncd.testing.service import running_service

STORY_S = 150.0
NOW_MS = 1_763_870_000_000


@pytest.fixture
def config(postgres_dsn: str, kafka_address: str) -> Config:
    topic = f"kafka://{kafka_address}/test-{secrets.token_hex(8)}"
    return Config(port=0, ws_port=0, database_url=postgres_dsn, log=topic, log_partitions=2)


async def digests(deployment: Deployment, account: str) -> object:
    await until_projected(deployment.log, deployment.store)
    return (await account_state(deployment.log, deployment.store, account, NOW_MS))["digests"]


def test_a_deployment_on_kafka_is_exported_trimmed_and_forgets_what_it_can(
    config: Config, other_dsn: str, tmp_path: Path
) -> None:
    async def story() -> None:
        async with running_service(config) as service:
            (phone,) = await service.account("alice", "phone")
            here = service.deployment
            async with Device(service.ws_url, phone.token) as device:
                await device.queue.add("t1", "t2")
                await device.settled()
            before = await digests(here, phone.account)
            content = gather(Place(here.log, here.store, here.accounts), Selection())
            await write_file(tmp_path / "all.gz", content, what="deployment", now_ms=NOW_MS)
            async with open_deployment(Config(database_url=other_dsn)) as there:
                await import_file(Place(there.log, there.store, there.accounts), tmp_path / "all.gz")
                assert (await account_state(there.log, there.store, phone.account, NOW_MS))["digests"] == before

            partition = here.log.partition_of(f"a:{phone.account}")
            plan = await plan_trim(here.log, here.store, Before(offset=1), partitions=[partition])
            await trim(here.log, here.store, plan)
            assert await here.log.start(partition) == 1
            assert await digests(here, phone.account) == before

            eraser = Eraser(here.log, here.store, here.accounts, here.side_channel, here.clock)
            erasure = await eraser.plan(await here.accounts.find("alice"), hand_over=False)
            assert erasure.log_remains
            erased = await eraser.erase(erasure, close_s=0)
            assert (erased.records, erased.cells > 0) == (0, True)
            with pytest.raises(NotFound):
                await here.accounts.find("alice")

    asyncio.run(asyncio.wait_for(story(), STORY_S))


def test_a_store_that_was_restored_beside_its_topic_has_everything_and_nobody_can_take_a_playlist(
    config: Config, other_dsn: str, tmp_path: Path
) -> None:
    """What came after the backup is in the topic: state, and who was first in a playlist."""

    async def story() -> None:
        store = str(tmp_path / "phone.db")
        playlist = new_playlist_id()
        async with running_service(config) as service:
            phone, _ = await service.account("alice", "phone", "car")
            async with Device(service.ws_url, phone.token, store=store) as device:
                await device.queue.add("before")
                await device.settled()
                dsn, epoch = service.deployment.dsn, service.deployment.log.epoch(0)
                await take_backup(dsn, tmp_path / "b", epoch=epoch, now_ms=NOW_MS)
                await device.queue.add("after")
                await device.playlist(playlist).add("t1")
                await device.settled()
        manifest = check_backup(tmp_path / "b")
        again = replace(config, database_url=other_dsn)
        await restore_deployment(again, tmp_path / "b", manifest, replace=True)
        async with open_deployment(again) as deployment:
            assert await deployment.store.streams_owned(phone.account) == [f"p:{playlist}"]
        async with running_service(again) as service, Device(service.ws_url, phone.token, store=store) as device:
            await device.ready()
            assert device.queue.tracks == ["before", "after"]
            await device.queue.add("new")
            await device.settled()
            assert (await device.verify()).agrees
            work = service.deployment
            found = await verified(work.log, work.store)
            assert (found.agrees, found.behind) == (True, 0)

    asyncio.run(asyncio.wait_for(story(), STORY_S))
