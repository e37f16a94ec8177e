"""Devices that know only a server: they are sent to the gateway that owns their partition, and on when it goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx
from live_service import STORY_S
from raw_device import RawDevice

from syncd.bootstrap import Running, run_roles
from syncd.client import Device
from syncd.client.link import Link
from syncd.client.websocket_link import connect_websocket
from syncd.config import Config
from syncd.gateway.owners import ranked
from syncd.log.postgres import PostgresLog
from syncd.protocol.codec import Codec
from syncd.protocol.messages import Drain
from syncd.store.port import LiveGateway
from syncd.testing.patience import PATIENCE_S, eventually
from syncd.testing.ports import free_ports
from syncd.testing.service import Service, running_service

PARTITIONS = 8


@dataclass
class RunningGateway:
    """A gateway that can be stopped."""

    url: str
    stop: asyncio.Event
    serving: asyncio.Task[None]

    async def stopped(self) -> None:
        self.stop.set()
        await self.serving


@asynccontextmanager
async def gateway(dsn: str, *, public: bool = True) -> AsyncIterator[RunningGateway]:
    (port,) = free_ports(1)
    url = f"ws://127.0.0.1:{port}/v1/sync"
    config = Config(port=0, ws_port=port, database_url=dsn, public_ws_url=url if public else None)
    running: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    roles = run_roles(config, frozenset({"gateway"}), on_ready=running.set_result, stop=stop)
    serving = asyncio.create_task(roles)
    await asyncio.wait((running, serving), return_when=asyncio.FIRST_COMPLETED)
    it = RunningGateway(url, stop, serving)
    try:
        yield it
    finally:
        await it.stopped()


@asynccontextmanager
async def api(dsn: str) -> AsyncIterator[Service]:
    await (await PostgresLog.open(dsn, partitions=PARTITIONS)).close()
    config = Config(port=0, ws_port=0, database_url=dsn)
    async with running_service(config, frozenset({"api", "projector"})) as service:
        yield service


async def sent_to(service: Service, token: str) -> str:
    """What `/v1/connect` says to a device."""
    async with httpx.AsyncClient(base_url=service.http_url, timeout=PATIENCE_S) as client:
        answer = await client.get("/v1/connect", headers={"authorization": f"Bearer {token}"})
    return str(answer.json()["url"])


async def owner(service: Service, account: str) -> LiveGateway | None:
    work = service.deployment
    gateways = ranked(work.log.partition_of(f"a:{account}"), await work.store.live_gateways(ttl_s=60.0))
    return gateways[0] if gateways else None


class Followed:
    """A device of the SDK, and where it connected."""

    def __init__(self, service: Service, token: str) -> None:
        self.urls: list[str] = []
        self.device = Device(service.http_url, token, connect=self._connect)

    async def _connect(self, url: str, codec: Codec) -> Link:
        self.urls.append(url)
        return await connect_websocket(url, codec)


def test_all_devices_of_an_account_are_sent_to_the_gateway_that_owns_its_partition(postgres_dsn: str) -> None:
    async def tell() -> None:
        async with asyncio.timeout(STORY_S), AsyncExitStack() as stack:
            service = await stack.enter_async_context(api(postgres_dsn))
            for _ in range(2):
                await stack.enter_async_context(gateway(postgres_dsn))
            for n in range(10):
                phone, laptop = await service.account(f"listener {n}", "phone", "laptop")
                best = await owner(service, phone.account)
                assert best is not None
                for device in (phone, laptop):

                    async def is_sent_there(token: str = device.token, url: str | None = best.ws_url) -> bool:
                        return await sent_to(service, token) == url

                    await eventually(is_sent_there)  # what the API knows may be a second old

    asyncio.run(tell())


def test_a_draining_gateway_sends_its_devices_to_the_next_owner_and_the_server_knows(postgres_dsn: str) -> None:
    async def tell() -> None:
        async with asyncio.timeout(STORY_S), AsyncExitStack() as stack:
            service = await stack.enter_async_context(api(postgres_dsn))
            gateways = [await stack.enter_async_context(gateway(postgres_dsn)) for _ in range(2)]
            phone, laptop = await service.account("ann", "phone", "laptop")
            there = Followed(service, phone.token)
            await stack.enter_async_context(there.device)
            await there.device.ready()
            first = next(each for each in gateways if each.url == there.urls[0])
            other = next(each for each in gateways if each is not first)
            async with RawDevice(first.url, laptop.token) as raw:
                await raw.arrive("a:me")
                await first.stopped()
                assert (await raw.expect(Drain)).url == other.url
            there.device.library.add("tracks", "t1")
            await there.device.settled()
            assert there.urls == [first.url, other.url], "at the first attempt, without asking"

            async def is_sent_there() -> bool:
                return await sent_to(service, laptop.token) == other.url

            await eventually(is_sent_there)

    asyncio.run(tell())


def test_a_device_that_is_sent_to_a_gateway_that_died_is_sent_on(postgres_dsn: str) -> None:
    """A gateway that was killed is handed out for some seconds more: whoever meets it there says so."""

    async def tell() -> None:
        async with asyncio.timeout(STORY_S), AsyncExitStack() as stack:
            service = await stack.enter_async_context(api(postgres_dsn))
            alive = await stack.enter_async_context(gateway(postgres_dsn))
            (port,) = free_ports(1)
            dead = f"ws://127.0.0.1:{port}/v1/sync"
            listeners = [(await service.account(f"listener {n}", "phone"))[0] for n in range(4)]
            async with AsyncExitStack() as devices:
                await service.deployment.store.announce(LiveGateway("dead", dead, port), draining=False)
                followed = [Followed(service, each.token) for each in listeners]
                for each in followed:
                    await devices.enter_async_context(each.device)
                for each in followed:
                    await each.device.ready()
                    assert each.urls[-1] == alive.url

    asyncio.run(tell())


def test_gateways_without_an_address_of_their_own_are_found_on_the_host_that_was_asked(postgres_dsn: str) -> None:
    async def tell() -> None:
        async with asyncio.timeout(STORY_S), api(postgres_dsn) as service, gateway(postgres_dsn, public=False) as only:
            (phone,) = await service.account("ann", "phone")

            async def is_known() -> bool:
                return await sent_to(service, phone.token) == only.url

            await eventually(is_known)
            there = Followed(service, phone.token)
            async with there.device:
                await there.device.ready()
            assert there.urls == [only.url]

    asyncio.run(tell())
