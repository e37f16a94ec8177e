"""The exam of the side channel: in memory and through Postgres. Source: syncd/store/port.py."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Protocol

import asyncpg
import pytest

from syncd.store.port import SideChannel
from syncd.store.side_channel import PAYLOAD_BYTES_MAX, MemorySideChannel, PostgresSideChannel
from syncd.testing.postgres import Version, create_database, drop_database

PATIENCE_S = 15.0


class SideChannelUnderTest(Protocol):
    @asynccontextmanager
    def open(self) -> AsyncIterator[SideChannel]: ...


class MemoryUnderTest:
    def __init__(self) -> None:
        self.side_channel = MemorySideChannel()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[SideChannel]:
        yield self.side_channel


class PostgresUnderTest:
    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    @asynccontextmanager
    async def open(self) -> AsyncIterator[SideChannel]:
        side_channel = await PostgresSideChannel.open(self.dsn)
        try:
            yield side_channel
        finally:
            await side_channel.close()


@pytest.fixture(params=["memory", "15", "18"], ids=["memory", "postgres-15", "postgres-18"])
def under_test(request: pytest.FixtureRequest) -> Iterator[SideChannelUnderTest]:
    """Each adapter in turn; Postgres in both versions."""
    if request.param == "memory":
        yield MemoryUnderTest()
        return
    version: Version = request.param
    admin_dsn = request.getfixturevalue("postgres_servers")(version)
    dsn = asyncio.run(create_database(admin_dsn))
    yield PostgresUnderTest(dsn)
    asyncio.run(drop_database(admin_dsn, dsn))


class Heard:
    """What a listener was told, and the wait for so much of it."""

    def __init__(self) -> None:
        self.payloads: list[str] = []
        self._changed = asyncio.Event()

    def __call__(self, payload: str) -> None:
        self.payloads.append(payload)
        self._changed.set()

    async def until(self, condition: Callable[[list[str]], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition(self.payloads):
                self._changed.clear()
                await self._changed.wait()


def test_everybody_who_listens_to_a_topic_hears_it_ourselves_included(under_test: SideChannelUnderTest) -> None:
    async def story() -> None:
        async with under_test.open() as one, under_test.open() as two:
            heard = [Heard(), Heard(), Heard()]
            one.listen("presence", heard[0])
            one.listen("presence", heard[1])
            two.listen("presence", heard[2])
            deaf = Heard()
            two.listen("revoked", deaf)
            said = ["first", "", "with spaces and\nlines", "é\U0001f3b9", "x" * PAYLOAD_BYTES_MAX]
            for payload in said:
                await one.publish("presence", payload)
            for listener in heard:
                await listener.until(lambda payloads: len(payloads) >= len(said))
                assert listener.payloads == said
            assert deaf.payloads == []

    asyncio.run(story())


def test_what_was_said_before_is_not_heard(under_test: SideChannelUnderTest) -> None:
    async def story() -> None:
        async with under_test.open() as one:
            first, second = Heard(), Heard()
            one.listen("presence", first)
            await one.publish("presence", "before")
            await first.until(lambda payloads: payloads == ["before"])
            one.listen("presence", second)
            await one.publish("presence", "after")
            await second.until(lambda payloads: bool(payloads))
            assert second.payloads == ["after"]

    asyncio.run(story())


def test_a_listener_that_fails_does_not_silence_the_others(
    under_test: SideChannelUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(payload: str) -> None:
        raise RuntimeError(f"cannot hear {payload}")

    async def story() -> None:
        async with under_test.open() as one:
            heard = Heard()
            one.listen("presence", fails)
            one.listen("presence", heard)
            await one.publish("presence", "hello")
            await heard.until(lambda payloads: payloads == ["hello"])

    asyncio.run(story())
    assert "'listener_failed'" in caplog.text


@pytest.mark.parametrize(
    ("topic", "payload"),
    [("presence", "x" * (PAYLOAD_BYTES_MAX + 1)), ("presence", "\0"), ("two words", "x"), ("", "x"), ("Über", "x")],
)
def test_what_cannot_be_sent_is_said_at_once(under_test: SideChannelUnderTest, topic: str, payload: str) -> None:
    async def story() -> None:
        async with under_test.open() as one:
            with pytest.raises(ValueError, match="payload|topic"):
                await one.publish(topic, payload)

    asyncio.run(story())


def test_a_side_channel_that_is_down_loses_messages_and_says_so(
    postgres_dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It never raises, and it hears again by itself when the database is back."""

    async def story() -> None:
        side_channel = await PostgresSideChannel.open(postgres_dsn)
        try:
            heard = Heard()
            side_channel.listen("presence", heard)
            connection = await asyncpg.connect(postgres_dsn, server_settings={"application_name": "test"})
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and application_name like 'syncd%'"
            )
            await connection.close()
            async with asyncio.timeout(PATIENCE_S):
                while not heard.payloads:
                    await side_channel.publish("presence", "again")
                    await asyncio.sleep(0.05)
        finally:
            await side_channel.close()
        with caplog.at_level(logging.WARNING):
            await side_channel.publish("presence", "too late")
        assert "'side_message_lost'" in caplog.text

    asyncio.run(story())
