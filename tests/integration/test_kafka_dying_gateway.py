"""A gateway that dies between a record and its ack, and between its append and its publication, on a real broker."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from dying_gateway import STEPS

from syncd.accounts import LinkedDevice
from syncd.client import Device
from syncd.client.link import Link
from syncd.client.websocket_link import connect_websocket
from syncd.config import Config
from syncd.protocol.codec import Codec
from syncd.testing.listener import Listener
from syncd.testing.patience import until
from syncd.testing.ports import free_ports
from syncd.testing.quiet import state_of_store, until_projected
from syncd.testing.recorded_acks import AckBook, doubles, read_log
from syncd.testing.service import Service, running_service
from syncd.testing.tally import tally

STORY_S = 150.0
LIVES = 6
"""Appends before the end, so that some are acked and published before it."""
KINDS = ["adds", "inserts", "moves", "sets", "likes"]


class Route:
    """Where devices connect: to the gateway that will die, then, when the test lets them, to the other one."""

    def __init__(self, dying_url: str, other_url: str) -> None:
        self.died = asyncio.Event()
        self.go_on = asyncio.Event()
        self._dying_url = dying_url
        self._other_url = other_url

    async def connect(self, url: str, codec: Codec) -> Link:
        if not self.died.is_set():
            return await connect_websocket(self._dying_url, codec)
        await self.go_on.wait()
        return await connect_websocket(self._other_url, codec)


@asynccontextmanager
async def dying_gateway(config: Config, step: str, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SYNCD_")}
    settings = {"SYNCD_DATABASE_URL": config.database_url or "", "SYNCD_LOG": config.log}
    script = str(Path(__file__).with_name("dying_gateway.py"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, step, str(LIVES), "gateway", "--json", "--ws-port", str(port), "--metrics-port", "0",
        stdout=asyncio.subprocess.PIPE, env={**inherited, **settings},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        assert await process.stdout.readline(), f"it ended with {await process.wait()}"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class Worker(NamedTuple):
    """A device, and who uses it."""

    device: Device
    listener: Listener


@asynccontextmanager
async def at_work(route: Route, book: AckBook, logins: list[LinkedDevice]) -> AsyncIterator[list[Worker]]:
    workers = []
    async with AsyncExitStack() as stack:
        for n, login in enumerate(logins):
            device = Device("ws://unused", login.token, connect=route.connect)
            book.watch(f"d{n}", device)
            await stack.enter_async_context(device)
            await device.ready()
            workers.append(Worker(device, Listener(device, rng=random.Random(n), name=f"d{n}")))
        yield workers


@pytest.mark.parametrize("step", STEPS)
def test_a_gateway_that_dies_at_this_step_loses_and_doubles_nothing(
    postgres_dsn: str, kafka_address: str, step: str
) -> None:
    topic = f"kafka://{kafka_address}/test-{secrets.token_hex(8)}"
    config = Config(port=0, ws_port=0, database_url=postgres_dsn, log=topic, log_partitions=1)

    async def story() -> None:
        async with running_service(config) as service:
            logins = await service.account("ann", "phone", "laptop")
            (port,) = free_ports(1)
            route, book = Route(f"ws://127.0.0.1:{port}/v1/sync", service.ws_url), AckBook()
            async with dying_gateway(config, step, port) as dying, at_work(route, book, logins) as workers:
                while dying.returncode is None:
                    for worker in workers:
                        worker.listener.does_something(KINDS)
                    await asyncio.sleep(0.02)
                assert dying.returncode == -signal.SIGKILL
                route.died.set()
                await until(lambda: not any(worker.device.connected for worker in workers))
                for worker in workers:
                    worker.listener.does_something(KINDS)  # nobody waits for a gateway
                writers = {worker.device._state.header.writer for worker in workers}
                await check_the_gap(service, step, book, writers)
                route.go_on.set()
                await until(lambda: all(worker.device.connected and not worker.device.owed for worker in workers))
                await check(service, logins[0].account, workers, book)

    asyncio.run(asyncio.wait_for(story(), STORY_S))


async def check_the_gap(service: Service, step: str, book: AckBook, writers: set[str]) -> None:
    """The death came where it should: the log holds what nobody was told, maybe of a writer that was told nothing."""
    told = {(ack.stream, ack.writer, ack.seq) for ack in book.acks}
    in_log = await read_log(service.deployment.log)
    by_devices = {name for name in in_log.times if name[1] in writers}
    assert told < by_devices or (step == "under way" and told <= by_devices)


async def check(service: Service, account: str, workers: list[Worker], book: AckBook) -> None:
    log, store = service.deployment.log, service.deployment.store
    await until_projected(log, store)
    made = [event for worker in workers for event in worker.listener.events]
    counted = tally({account: made}, book.acks, await read_log(log))
    assert counted.problems == []
    assert counted.acked + counted.found == counted.events > LIVES
    assert await book.problems(log, store) == []
    stored = await state_of_store(log, store, f"a:{account}")
    assert doubles(stored.cells, [track for worker in workers for track in worker.listener.added]) == []
    for worker in workers:
        verified = await worker.device.verify()
        assert {verified.ours, verified.theirs} == {stored.digest}
