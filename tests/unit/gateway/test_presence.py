"""Who is here, as several gateways tell each other through a side channel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from syncd.gateway import presence as boards
from syncd.gateway import presence_news
from syncd.gateway.presence import EXPIRE_S, REFRESH_S, PresenceBoard
from syncd.gateway.presence_news import TOPIC
from syncd.limits import SIDE_CHANNEL_BYTES_MAX
from syncd.protocol.messages import Presence
from syncd.store.side_channel import MemorySideChannel

STREAM = "a:alice"


class HandClock:
    """Time that tests turn."""

    def __init__(self) -> None:
        self.ms = 1_000_000

    def now_ms(self) -> int:
        return self.ms

    def monotonic_s(self) -> float:
        return self.ms / 1_000


class Board(PresenceBoard):
    """A board that keeps what it announces."""

    def __init__(self, channel: MemorySideChannel, clock: HandClock, name: str) -> None:
        self.said: list[Presence] = []
        super().__init__(channel, clock, gateway=name, announce=self.said.append)

    def devices(self) -> list[str]:
        return [presence.device for presence in self.online(STREAM)]


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """News are gathered for one turn of the loop."""
    monkeypatch.setattr(presence_news, "GATHER_S", 0)


Story = Callable[[Board, Board, HandClock], Coroutine[Any, Any, None]]


def told(story: Story) -> Callable[[], None]:
    """A test of two boards on one channel."""

    def test() -> None:
        async def tell() -> None:
            channel, clock = MemorySideChannel(), HandClock()
            await story(Board(channel, clock, "g1"), Board(channel, clock, "g2"), clock)

        asyncio.run(tell())

    test.__name__, test.__doc__ = story.__name__, story.__doc__
    return test


async def settled() -> None:
    """Let what was published be heard: two rounds of news, and some turns of the loop."""
    for _ in range(10):
        await asyncio.sleep(0)


@told
async def test_a_device_is_online_from_its_first_to_its_last_connection(
    one: Board, two: Board, clock: HandClock
) -> None:
    one.arrived(STREAM, "phone")
    clock.ms += 5
    one.arrived(STREAM, "phone")
    one.left(STREAM, "phone")
    await settled()
    assert one.said == two.said == [Presence(STREAM, "phone", True, 1_000_000)]
    one.left(STREAM, "phone")
    await settled()
    assert one.said == two.said == [Presence(STREAM, "phone", on, 1_000_000) for on in (True, False)]
    assert one.devices() == two.devices() == []


@told
async def test_a_device_on_two_gateways_is_gone_when_it_left_both(one: Board, two: Board, clock: HandClock) -> None:
    one.arrived(STREAM, "phone")
    await settled()
    two.arrived(STREAM, "phone")
    await settled()
    one.left(STREAM, "phone")
    await settled()
    assert one.devices() == two.devices() == ["phone"]
    assert [presence.online for presence in one.said] == [presence.online for presence in two.said] == [True]
    two.left(STREAM, "phone")
    await settled()
    assert one.devices() == two.devices() == []
    assert [presence.online for presence in one.said] == [presence.online for presence in two.said] == [True, False]


@told
async def test_streams_do_not_mix(one: Board, two: Board, clock: HandClock) -> None:
    one.arrived(STREAM, "phone")
    one.arrived("a:bob", "phone")
    await settled()
    assert [presence.stream for presence in two.online("a:bob")] == ["a:bob"]
    one.left("a:bob", "phone")
    await settled()
    assert two.devices() == ["phone"]
    assert two.online("a:bob") == []


@told
async def test_unreadable_news_are_passed_over(one: Board, two: Board, clock: HandClock) -> None:
    channel = MemorySideChannel()
    board = Board(channel, clock, "g3")
    for payload in ("", "{", '{"gateway": 1}', '{"gateway":"x","online":true,"devices":[["a:x"]]}'):
        await channel.publish(TOPIC, payload)
    await settled()
    assert board.said == []


def test_a_gateway_that_fell_silent_is_forgotten_and_one_that_repeats_is_not() -> None:
    async def story() -> None:
        channel, clock = MemorySideChannel(), HandClock()
        alive, dead, watching = (Board(channel, clock, name) for name in ("g1", "g2", "g3"))
        alive.arrived(STREAM, "phone")
        dead.arrived(STREAM, "tv")
        await settled()
        assert watching.devices() == ["phone", "tv"]
        for _ in range(int(EXPIRE_S / REFRESH_S) + 1):
            clock.ms += int(REFRESH_S * 1_000)
            alive.repeat()
            watching.expire()
            await settled()
        clock.ms += 1
        watching.expire()
        assert watching.devices() == ["phone"]
        assert watching.said[-1] == Presence(STREAM, "tv", False, 1_000_000)

    asyncio.run(story())


def test_many_devices_are_told_in_few_messages_that_fit() -> None:
    count = 500

    async def story() -> None:
        channel, clock = MemorySideChannel(), HandClock()
        one = Board(channel, clock, "g" * 12)
        payloads: list[str] = []
        channel.listen(TOPIC, payloads.append)
        for n in range(count):
            one.arrived("a:" + "x" * n, f"{n:012}")
        await settled()
        sizes = [len(payload.encode()) for payload in payloads]
        assert max(sizes) <= SIDE_CHANNEL_BYTES_MAX
        assert min(sizes[:-1]) > SIDE_CHANNEL_BYTES_MAX - 2 * count, "no message is sent half empty but the last"
        payloads.clear()
        two = Board(channel, clock, "g2")
        one.repeat()
        await settled()
        assert len(payloads) == len(sizes)
        assert sum(len(two.online("a:" + "x" * n)) for n in range(count)) == count

    asyncio.run(story())
    assert boards.EXPIRE_S > 2 * boards.REFRESH_S


def test_devices_that_come_and_go_in_one_moment_share_a_message() -> None:
    async def story() -> None:
        channel, clock = MemorySideChannel(), HandClock()
        one, two = Board(channel, clock, "g1"), Board(channel, clock, "g2")
        payloads: list[str] = []
        channel.listen(TOPIC, payloads.append)
        for n in range(20):
            one.arrived(STREAM, f"d{n}")
        for n in range(10):
            one.left(STREAM, f"d{n}")
        one.arrived(STREAM, "d0")
        await settled()
        assert len(payloads) == 2, "one of those who are here, one of those who are gone"
        assert sorted(two.devices()) == sorted(one.devices())
        assert len(two.devices()) == 11

    asyncio.run(story())


class LossyChannel(MemorySideChannel):
    """A side channel that can be down: it loses what it is given, as a database does that is away."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False

    async def publish(self, topic: str, payload: str) -> None:
        if not self.down:
            await super().publish(topic, payload)


def test_presence_dies_by_time_while_the_side_channel_is_down_and_comes_back_with_it() -> None:
    async def story() -> None:
        channel, clock = LossyChannel(), HandClock()
        one, two = Board(channel, clock, "g1"), Board(channel, clock, "g2")

        async def goes_on(seconds: float) -> None:
            for _ in range(int(seconds / REFRESH_S) + 1):
                clock.ms += int(REFRESH_S * 1_000)
                for board in (one, two):
                    board.repeat()
                    board.expire()
                await settled()

        one.arrived(STREAM, "phone")
        two.arrived(STREAM, "tv")
        await settled()
        channel.down = True
        two.left(STREAM, "tv")
        two.arrived(STREAM, "car")
        await goes_on(EXPIRE_S)
        assert (one.devices(), two.devices()) == (["phone"], ["car"])
        channel.down = False
        await goes_on(REFRESH_S)
        assert sorted(one.devices()) == sorted(two.devices()) == ["car", "phone"]

    asyncio.run(story())
