"""A live service for the tests of a module: all roles in one background loop, real sockets, a real Postgres."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

import pytest
from raw_device import RawDevice, all_records

from syncd.accounts import LinkedDevice
from syncd.config import Config
from syncd.protocol.codec import JSON, MSGPACK, Codec
from syncd.testing.quiet import until_projected
from syncd.testing.service import Service, running_service

T = TypeVar("T")

STORY_S = 150.0
"""For one test; a story that hangs says where."""
NAMES = itertools.count()


@dataclass
class Live:
    """A service, and the loop that it and the tests' devices run on."""

    service: Service
    dsn: str
    loop: asyncio.AbstractEventLoop
    faults: list[dict[str, Any]] = field(default_factory=list)

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine beside the service."""
        return asyncio.run_coroutine_threadsafe(asyncio.wait_for(story, STORY_S), self.loop).result()

    async def account(self, *names: str) -> list[LinkedDevice]:
        """A fresh account with devices, under a name nobody else has."""
        return await self.service.account(f"listener {next(NAMES)}", *names)

    def device(self, linked: LinkedDevice, **more: Any) -> RawDevice:
        """A raw device with a login."""
        return RawDevice(self.service.ws_url, linked.token, **more)

    async def projected(self) -> None:
        """Wait until everything in the log is folded into the store."""
        await until_projected(self.service.deployment.log, self.service.deployment.store)


def on_live(story: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test told as a coroutine, run beside the service of the fixture `live`."""

    @wraps(story)
    def test(live: Live, **fixtures: Any) -> None:
        live.run(story(live, **fixtures))

    return test


BOTH = pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=["json", "msgpack"])


@asynccontextmanager
async def greeted(live: Live, *, codec: Codec = JSON, **more: Any) -> AsyncIterator[RawDevice]:
    """A device of a fresh account, after its welcome."""
    (linked,) = await live.account("phone")
    async with live.device(linked, codec=codec) as device:
        await device.arrive("a:me", **more)
        yield device


@asynccontextmanager
async def stranger(live: Live) -> AsyncIterator[RawDevice]:
    """A device of another account, with something of its own to steal."""
    async with greeted(live) as device:
        await device.emit_acked("settings.changed", {"secret": "their password hint"})
        yield device


async def records_of(live: Live, stream: str) -> int:
    return len([r for r in await all_records(live.service.deployment.log) if r.stream == stream])


@asynccontextmanager
async def fresh_server(live: Live, **settings: Any) -> AsyncIterator[str]:
    """The address of a second gateway on the same database, which remembers nothing; `settings` of its own."""
    config = Config(port=0, ws_port=0, database_url=live.dsn, **settings)
    async with running_service(config, frozenset({"gateway"})) as service:
        yield service.ws_url
