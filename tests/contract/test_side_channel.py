"""The exam of the side channel: in memory and through Postgres. Source: syncd/store/port.py."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest
from adapters_under_test import InMemory, OnPostgres, UnderTest
from postgres_sessions import OURS, admin

from syncd.limits import SIDE_CHANNEL_BYTES_MAX
from syncd.store.port import SideChannel
from syncd.store.side_channel import MemorySideChannel, PostgresSideChannel
from syncd.testing.patience import PATIENCE_S, eventually

SideChannelUnderTest = UnderTest[SideChannel]


@pytest.fixture
def under_test(adapter_dsn: str | None) -> SideChannelUnderTest:
    if adapter_dsn is None:
        return InMemory(MemorySideChannel())
    return OnPostgres(adapter_dsn, PostgresSideChannel.open)


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
            said = ["first", "", "with spaces and\nlines", "é\U0001f3b9", "x" * SIDE_CHANNEL_BYTES_MAX]
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
    [
        ("presence", "x" * (SIDE_CHANNEL_BYTES_MAX + 1)),
        ("presence", "\0"),
        ("two words", "x"),
        ("", "x"),
        ("Über", "x"),
    ],
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
            async with admin(postgres_dsn) as connection:
                await connection.execute(f"select pg_terminate_backend(pid) {OURS}")

            async def hears_again() -> bool:
                await side_channel.publish("presence", "again")
                return bool(heard.payloads)

            await eventually(hears_again)
        finally:
            await side_channel.close()
        with caplog.at_level(logging.WARNING):
            await side_channel.publish("presence", "too late")
        assert "'side_message_lost'" in caplog.text

    asyncio.run(story())
