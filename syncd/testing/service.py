"""A whole service inside a test: all roles, real sockets on free ports, a real Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from syncd.accounts import LinkedDevice
from syncd.bootstrap import ROLES, Deployment, Running, open_deployment, run_roles
from syncd.config import Config
from syncd.operations import devices

START_TIMEOUT_S = 60.0
"""The first start of an embedded Postgres on a busy machine."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running service, and a second door to what it works on."""

    ws_url: str
    http_url: str
    deployment: Deployment

    async def account(self, name: str, *device_names: str) -> list[LinkedDevice]:
        """A fresh account with linked devices."""
        work = self.deployment
        account = (await work.accounts.create(name)).account
        return [
            await devices.link_device(work.accounts, work.log, work.clock, account, name=device)
            for device in device_names
        ]


@asynccontextmanager
async def running_service(config: Config, roles: frozenset[str] = ROLES) -> AsyncIterator[Service]:
    """Serve until the block ends; then drain. `config` should take free ports (0)."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[Running] = loop.create_future()
    stop = asyncio.Event()
    task = asyncio.create_task(run_roles(config, roles, on_ready=ready.set_result, stop=stop))
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            await asyncio.wait((task, ready), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        where = ready.result()
        async with open_deployment(config) as deployment:
            yield Service(where.ws_url or "", where.http_url or "", deployment)
    finally:
        stop.set()
        await task
