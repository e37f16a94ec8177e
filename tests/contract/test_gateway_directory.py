"""The exam of the directories of gateways and processes: in memory and in Postgres. Source: syncd/store/port.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

import pytest

from syncd.store.memory import MemoryStore
from syncd.store.port import GatewayDirectory, LiveGateway, ProcessDirectory
from syncd.store.postgres import PostgresStore
from syncd.testing.patience import PATIENCE_S, eventually
from syncd.testing.postgres import Version, create_database, drop_database

ONE = LiveGateway("one", "wss://one.example/v1/sync", 8081)
TWO = LiveGateway("two", None, 9081)
LONG_S = 600.0
SHORT_S = 0.2


class Directory(GatewayDirectory, ProcessDirectory, Protocol):
    """Both."""


Told = Callable[[Callable[[Directory], Coroutine[Any, Any, None]]], None]


@asynccontextmanager
async def opened(dsn: str | None) -> AsyncIterator[Directory]:
    if dsn is None:
        yield MemoryStore()
        return
    store = await PostgresStore.open(dsn)
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture(params=["memory", "15", "18"], ids=["memory", "postgres-15", "postgres-18"])
def told(request: pytest.FixtureRequest) -> Iterator[Told]:
    """Tells a story on each adapter in turn."""
    dsn, admin_dsn = None, ""
    if request.param != "memory":
        version: Version = request.param
        admin_dsn = request.getfixturevalue("postgres_servers")(version)
        dsn = asyncio.run(create_database(admin_dsn))

    def tell(story: Callable[[Directory], Coroutine[Any, Any, None]]) -> None:
        async def run() -> None:
            async with opened(dsn) as directory:
                await story(directory)

        asyncio.run(run())

    yield tell
    if dsn is not None:
        asyncio.run(drop_database(admin_dsn, dsn))


def test_those_who_said_so_are_here_and_nobody_else(told: Told) -> None:
    async def story(directory: GatewayDirectory) -> None:
        assert list(await directory.live_gateways(ttl_s=LONG_S)) == []
        for gateway in (TWO, ONE, TWO):
            await directory.announce(gateway, draining=False)
        assert list(await directory.live_gateways(ttl_s=LONG_S)) == [ONE, TWO]

    told(story)


def test_one_that_drains_takes_no_more_devices(told: Told) -> None:
    async def story(directory: GatewayDirectory) -> None:
        for gateway in (ONE, TWO):
            await directory.announce(gateway, draining=False)
        await directory.announce(ONE, draining=True)
        assert list(await directory.live_gateways(ttl_s=LONG_S)) == [TWO]

    told(story)


def test_one_that_moved_is_known_by_its_new_address(told: Told) -> None:
    async def story(directory: GatewayDirectory) -> None:
        await directory.announce(ONE, draining=False)
        moved = LiveGateway("one", None, 1)
        await directory.announce(moved, draining=False)
        assert list(await directory.live_gateways(ttl_s=LONG_S)) == [moved]

    told(story)


def test_one_that_fell_silent_is_gone_after_its_time(told: Told) -> None:
    async def story(directory: GatewayDirectory) -> None:
        await directory.announce(ONE, draining=False)

        async def is_gone() -> bool:
            return not await directory.live_gateways(ttl_s=SHORT_S)

        await eventually(is_gone)
        await directory.announce(TWO, draining=False)
        assert TWO in await directory.live_gateways(ttl_s=LONG_S)
        await directory.announce(ONE, draining=False)
        assert list(await directory.live_gateways(ttl_s=LONG_S)) == [ONE, TWO]

    told(story)


def test_many_that_speak_at_once_do_not_hinder_each_other(told: Told) -> None:
    async def story(directory: GatewayDirectory) -> None:
        many = [LiveGateway(f"{n:02}", None, n + 1) for n in range(20)]
        for _ in range(3):
            await asyncio.gather(*(directory.announce(gateway, draining=False) for gateway in many))
        assert list(await directory.live_gateways(ttl_s=LONG_S)) == many

    told(story)


def test_a_process_is_known_by_its_last_word(told: Told) -> None:
    async def story(directory: ProcessDirectory) -> None:
        assert list(await directory.processes(ttl_s=LONG_S)) == []
        for name, figures in (("b", b"1"), ("a", b"2"), ("b", b"3")):
            await directory.report(name, roles="gateway", figures=figures)
        reports = await directory.processes(ttl_s=LONG_S)
        assert [report[:3] for report in reports] == [("a", "gateway", b"2"), ("b", "gateway", b"3")]
        assert all(0 <= report.age_s < PATIENCE_S for report in reports)

    told(story)


def test_a_process_that_fell_silent_is_gone_after_its_time(told: Told) -> None:
    async def story(directory: ProcessDirectory) -> None:
        await directory.report("a", roles="projector", figures=b"")

        async def is_gone() -> bool:
            return not await directory.processes(ttl_s=SHORT_S)

        await eventually(is_gone)
        await directory.report("b", roles="projector", figures=b"")
        assert "b" in [report.process for report in await directory.processes(ttl_s=LONG_S)]

    told(story)
