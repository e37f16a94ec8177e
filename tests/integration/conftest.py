"""The live service of a module, in one background loop of the session; and houses for operations."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvloop
from house import Story, Tell, opened_house
from live_service import NAMES, STORY_S, Live
from raw_device import DEADLINE_S, RawDevice
from shell_inside import InsideShell

from syncd.config import Config
from syncd.protocol.messages import Error, Nack, Unsubscribed
from syncd.testing.postgres import Version, create_database, drop_database
from syncd.testing.service import Service, running_service

T = TypeVar("T")


@pytest.fixture(scope="session")
def background_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """uvloop in a thread, as in production; services outlive single tests."""
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10.0)
    loop.close()


@pytest.fixture(scope="module")
def live(background_loop: asyncio.AbstractEventLoop, postgres_servers: Callable[[Version], str]) -> Iterator[Live]:
    """One service for a module. What nobody may ever meet, an unhandled exception, fails the module's last test."""
    admin_dsn = postgres_servers("18")
    dsn = asyncio.run(create_database(admin_dsn))
    stack = AsyncExitStack()
    faults: list[dict[str, Any]] = []

    async def start() -> Service:
        background_loop.set_exception_handler(lambda _, context: faults.append(context))
        return await stack.enter_async_context(running_service(Config(port=0, ws_port=0, database_url=dsn)))

    def wait(story: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(story, background_loop).result(STORY_S)

    yield Live(wait(start()), dsn, background_loop, faults)
    wait(stack.aclose())
    asyncio.run(drop_database(admin_dsn, dsn))
    assert not faults, f"exceptions that nobody handled: {faults}"


@pytest.fixture
def shell(
    tmp_path: Path, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> InsideShell:
    """Commands on the test's database; nothing else runs there."""
    monkeypatch.chdir(tmp_path)
    return InsideShell(monkeypatch, capsys, {"SYNCD_DATABASE_URL": postgres_dsn})


@pytest.fixture(scope="module")
def bystanders(live: Live) -> Iterator[list[RawDevice]]:
    """Two devices of an account that has nothing to do with the test, connected all the time."""

    async def arrive() -> list[RawDevice]:
        devices = [await live.device(linked).connect() for linked in await live.account("one", "two")]
        for device in devices:
            await device.arrive("a:me")
        return devices

    async def leave() -> None:
        for device in devices:
            await device.disconnect()

    devices = live.run(arrive())
    yield devices
    live.run(leave())


@pytest.fixture
def other_connections_notice_nothing(live: Live, bystanders: list[RawDevice]) -> Iterator[None]:
    """After a test: same sockets, an event from one to the other, and nothing unexpected in between."""
    yield

    async def speak() -> None:
        one, two = bystanders
        await two.knows(await one.emit_acked("settings.changed", {"spoken": next(NAMES)}))
        await one.agrees(two.digest())
        assert not [m for m in (*one.heard, *two.heard) if isinstance(m, Error | Nack | Unsubscribed)]

    live.run(speak())


@pytest.fixture(params=["memory", "postgres"])
def tell(request: pytest.FixtureRequest) -> Tell:
    """Runs a story in an empty house."""
    dsn = None if request.param == "memory" else request.getfixturevalue("postgres_dsn")

    async def run(story: Story) -> None:
        async with asyncio.timeout(DEADLINE_S), opened_house(dsn) as house:
            await story(house)

    return lambda story: asyncio.run(run(story))


@pytest.fixture
def other_dsn(postgres_admin_dsn: str) -> Iterator[str]:
    """An empty deployment beside it."""
    dsn = asyncio.run(create_database(postgres_admin_dsn))
    yield dsn
    asyncio.run(drop_database(postgres_admin_dsn, dsn))
