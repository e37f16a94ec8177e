"""A log of several partitions: a gateway follows those that its devices need, and serves any account all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import httpx
import pytest
from live_service import STORY_S
from raw_device import RawDevice, refolded, some_event
from websockets.exceptions import InvalidHandshake

from syncd.bootstrap import ROLES
from syncd.config import Config
from syncd.gateway import lately, tails
from syncd.log.postgres import PostgresLog
from syncd.store.migrate import new_epoch
from syncd.testing.patience import PATIENCE_S, eventually
from syncd.testing.quiet import until_projected
from syncd.testing.service import Service, running_service

PARTITIONS = 8


async def tailed(service: Service) -> int:
    """The gauge."""
    async with httpx.AsyncClient(base_url=service.http_url, timeout=PATIENCE_S) as client:
        lines = (await client.get("/metrics")).text.splitlines()
    (line,) = (line for line in lines if line.startswith("syncd_tailed_partitions "))
    return int(float(line.split()[1]))


async def until_tailed(service: Service, count: int) -> None:
    async def is_so() -> bool:
        return await tailed(service) == count

    await eventually(is_so)


@asynccontextmanager
async def eight_partitions(dsn: str, *, roles: frozenset[str] = ROLES) -> AsyncIterator[Service]:
    await (await PostgresLog.open(dsn, partitions=PARTITIONS)).close()
    async with running_service(Config(port=0, ws_port=0, database_url=dsn), roles) as service:
        yield service


def on_eight_partitions(story: Callable[[Service, str], Coroutine[Any, Any, None]]) -> Callable[[str], None]:
    def test(postgres_dsn: str) -> None:
        async def tell() -> None:
            async with asyncio.timeout(STORY_S), eight_partitions(postgres_dsn) as service:
                await story(service, postgres_dsn)

        asyncio.run(tell())

    test.__name__ = story.__name__
    return test


def playlist_elsewhere(service: Service, account: str) -> str:
    """A playlist of the account whose partition is not the account's."""
    log = service.deployment.log
    names = (f"p:{account}-list-of-songs-{n}" for n in range(100))
    return next(name for name in names if log.partition_of(name) != log.partition_of(f"a:{account}"))


@on_eight_partitions
async def test_a_gateway_follows_what_its_devices_need_and_deltas_cross_in_all_partitions(
    service: Service, dsn: str
) -> None:
    rng = Random(7)
    assert await tailed(service) == 0
    phone, laptop = await service.account("ann", "phone", "laptop")
    playlist = playlist_elsewhere(service, phone.account)
    song = {"list": "items", "parent": None, "side": "R", "items": [{"track": "t"}]}
    config = Config(port=0, ws_port=0, database_url=dsn)
    async with (
        running_service(config, frozenset({"gateway"})) as other,
        RawDevice(service.ws_url, phone.token) as here,
        RawDevice(other.ws_url, laptop.token) as there,
    ):
        await here.hello()
        assert await tailed(service) == 1, "the login of a device may end by its account's stream"
        await here.subscribed("a:me")
        assert await tailed(service) == 1
        await there.arrive("a:me")
        for _ in range(20):
            await here.emit(*some_event(rng))
            await there.emit(*some_event(rng))
        await here.emit_acked("list.inserted", song, stream=playlist)
        assert await tailed(service) == 2
        await there.subscribed(playlist)
        await there.emit_acked("list.inserted", song, stream=playlist)
        await here.subscribed(playlist)
        for device in (here, there):
            await device.settled(f"a:{device.account}")
        for stream in (f"a:{phone.account}", playlist):
            expected = await refolded(service.deployment.log, stream)
            for device in (here, there):
                await device.agrees(expected, stream)
                assert (await device.server_digest(stream)).digest == expected
    others = [(await service.account(f"listener {n}", "phone"))[0] for n in range(20)]
    devices = [await RawDevice(service.ws_url, each.token).connect() for each in others]
    for device in devices:
        await device.arrive("a:me")
    needed = {service.deployment.log.partition_of(f"a:{each.account}") for each in others}
    lingering = {service.deployment.log.partition_of(stream) for stream in (f"a:{phone.account}", playlist)}
    assert await tailed(service) == len(needed | lingering)
    for device in devices:
        await device.disconnect()


def test_a_device_that_returns_after_the_ring_has_gone_misses_nothing(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tails, "TAIL_LINGER_S", 0.05)
    monkeypatch.setattr(lately, "LEFT_KEPT_S", 0.01)

    async def tell() -> None:
        async with asyncio.timeout(STORY_S), eight_partitions(postgres_dsn) as service:
            phone, laptop = await service.account("ann", "phone", "laptop")
            here, there = RawDevice(service.ws_url, phone.token), RawDevice(service.ws_url, laptop.token)
            for turn in range(3):
                async with here:
                    await here.arrive("a:me")
                    await here.emit_acked("settings.changed", {"turn": turn})
                # The ring of a partition that is followed again begins where the store ends.
                await until_projected(service.deployment.log, service.deployment.store)
                await until_tailed(service, 0)
                async with there:
                    welcome = await there.arrive("a:me")
                    assert welcome.streams[0].resume == ("cells" if turn else "snapshot")
                    await there.agrees(here.digest())
                    await there.emit_acked("settings.changed", {"heard": turn})
                await until_tailed(service, 0)

    asyncio.run(tell())


def test_a_new_life_of_the_log_is_served_on_the_same_port(postgres_dsn: str) -> None:
    """What a gateway knows of the old life is worth nothing in the new one: it lets go of all, and begins anew."""

    async def tell() -> None:
        async with asyncio.timeout(STORY_S), eight_partitions(postgres_dsn) as service:
            (phone,) = await service.account("ann", "phone")
            device = RawDevice(service.ws_url, phone.token)
            async with device:
                await device.arrive("a:me")
                await device.emit_acked("settings.changed", {"before": 1})
                await new_epoch(postgres_dsn)
                assert (await device.closed())[0] == 4000, "its cursor will be judged by whoever comes next"

            async def comes_back() -> bool:
                try:
                    await device.connect()
                except (OSError, InvalidHandshake):
                    return False  # nobody listens for a moment, or somebody who drains
                return True

            await eventually(comes_back)
            welcome = await device.arrive("a:me")
            assert welcome.streams[0].resume == "snapshot"
            await device.emit_acked("settings.changed", {"after": 1})
            await device.agrees(device.digest())
            await device.disconnect()

    asyncio.run(tell())
