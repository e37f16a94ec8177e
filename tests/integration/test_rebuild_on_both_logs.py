"""Cells built anew by the command, killed in the middle, on either log; and from a topic that holds what was erased."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import pytest

from syncd.accounts import LinkedDevice
from syncd.bootstrap import Deployment
from syncd.client import Device
from syncd.client.playlist import new_playlist_id
from syncd.config import Config
from syncd.operations.advance import quiet
from syncd.operations.erase import Eraser
from syncd.operations.rebuild import rebuild_all
from syncd.operations.transfer.gather import Place, Selection, gather
from syncd.operations.transfer.lines import RecordLine
from syncd.postgres.connection import connect, hang_up
from syncd.projector.rebuild import rebuild
from syncd.store.migrate import new_epoch
from syncd.testing.patience import eventually
from syncd.testing.quiet import until_projected, verified
from syncd.testing.service import Service, running_service

STORY_S = 150.0
IS_WAITING = """
    select count(*) = 1 from pg_stat_activity where application_name = 'syncd rebuild' and wait_event_type = 'Lock'
"""


@pytest.fixture
def on_kafka(postgres_dsn: str, kafka_address: str) -> Config:
    topic = f"kafka://{kafka_address}/test-{secrets.token_hex(8)}"
    return Config(port=0, ws_port=0, database_url=postgres_dsn, log=topic, log_partitions=2)


@pytest.fixture(params=["postgres", "kafka"])
def config(request: pytest.FixtureRequest, postgres_dsn: str) -> Config:
    """On either log, in two partitions."""
    if request.param == "kafka":
        kafka: Config = request.getfixturevalue("on_kafka")
        return kafka
    return Config(port=0, ws_port=0, database_url=postgres_dsn, log_partitions=2)


@asynccontextmanager
async def by_hand(config: Config) -> AsyncIterator[asyncpg.Connection[Any]]:
    """SQL behind everybody's back."""
    assert config.database_url is not None
    connection = await connect(config.database_url)
    try:
        yield connection
    finally:
        await hang_up(connection)


async def one_in_each_partition(service: Service) -> list[LinkedDevice]:
    """A device of an account in partition 0, and of another in partition 1."""
    found: dict[int, LinkedDevice] = {}
    while len(found) < 2:
        (phone,) = await service.account(f"account {secrets.token_hex(4)}", "phone")
        found.setdefault(service.deployment.log.partition_of(f"a:{phone.account}"), phone)
    return [found[0], found[1]]


async def differing(work: Deployment) -> list[str]:
    return [each.stream for each in (await verified(work.log, work.store)).differences]


async def command(config: Config) -> Process:
    """`syncd rebuild` in a process of its own."""
    settings = {"SYNCD_DATABASE_URL": str(config.database_url), "SYNCD_LOG": config.log}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "syncd.cli", "rebuild", "--json", stdout=PIPE, env={**os.environ, **settings}
    )


def test_killed_between_two_swaps_nothing_is_silent_and_the_next_one_goes_on(config: Config) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            service = await stack.enter_async_context(running_service(config))
            logins = await one_in_each_partition(service)
            devices = [await stack.enter_async_context(Device(service.ws_url, login.token)) for login in logins]
            for device in devices:
                device.library.add("tracks", "t1", "t2")
                await device.settled()
            work = service.deployment
            assert await differing(work) == []
            first, second = (f"a:{login.account}" for login in logins)
            async with by_hand(config) as sql, by_hand(config) as holder:
                await sql.execute("delete from cells where key like 'library/%'")
                async with holder.transaction():
                    await holder.fetch("select * from checkpoints where partition = 1 for update")
                    process = await command(config)
                    await eventually(lambda: sql.fetchval(IS_WAITING), "it did not come to the second swap")
                    process.kill()
                    await process.communicate()
                assert sorted(await differing(work)) == [second], "the first was swapped, the second waits as it was"

                async def over() -> bool:
                    """The killed one's connection has ended, and with it its right."""
                    return not await sql.fetchval(
                        "select count(*) from pg_stat_activity where application_name = 'syncd rebuild'"
                    )

                await eventually(over, "its connection stands")
            process = await command(config)
            said, _ = await process.communicate()
            done = json.loads(said)
            assert [each["stream"] for each in done["differences"]] == [second]
            assert done["resumed"] > 0
            assert await differing(work) == []
            for device in devices:
                assert (await device.verify()).agrees
                assert device.library.has("tracks", "t2")

    asyncio.run(asyncio.wait_for(story(), STORY_S))


def test_no_refold_brings_back_an_account_that_was_erased(on_kafka: Config) -> None:
    """The topic still holds its records: a rebuild, another life of the log, and an export leave them out."""

    async def story() -> None:
        playlist = new_playlist_id()
        async with running_service(on_kafka) as service:
            work = service.deployment
            (hers,), (his,) = await service.account("alice", "phone"), await service.account("bob", "car")
            for login in (hers, his):
                async with Device(service.ws_url, login.token) as device:
                    device.library.add("tracks", "t1")
                    if login is hers:
                        device.playlist(playlist).add("t1")
                    await device.settled()
            await until_projected(work.log, work.store)
            eraser = Eraser(work.log, work.store, work.accounts, work.side_channel, work.clock)
            plan = await eraser.plan(await work.accounts.find("alice"), hand_over=False)
            await eraser.erase(plan, close_s=0)
            gone = [f"a:{hers.account}", f"p:{playlist}"]
            async with by_hand(on_kafka) as sql:
                await sql.execute("delete from cells where stream = $1", f"a:{his.account}")
            parts = (work.log, work.store, work.rebuilds, work.clock)
            done = await rebuild_all(*parts, dry_run=False)
            assert [each.stream for each in done.differences] == [f"a:{his.account}"]
            assert (await rebuild(*parts, streams=gone, dry_run=False, progress=quiet)).differences == []
            assert await differing(work) == []
            lines = gather(Place(work.log, work.store, work.accounts), Selection())
            streams = {line.stream async for line in lines if isinstance(line, RecordLine)}
            assert f"a:{his.account}" in streams
            assert not streams & {*gone}
        assert on_kafka.database_url is not None
        await new_epoch(on_kafka.database_url)
        async with running_service(on_kafka) as service:
            work = service.deployment
            assert await differing(work) == []
            assert await work.store.streams_with_cells(after="", limit=10) == [f"a:{his.account}"]

    asyncio.run(asyncio.wait_for(story(), STORY_S))
