"""Who is here, as several gateways tell each other through a side channel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from syncd.gateway import presence as boards
from syncd.gateway.presence import DEVICES_PER_MESSAGE, EXPIRE_S, REFRESH_S, TOPIC, PresenceBoard
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
    """Let what was published be heard: a task, and a turn of the loop."""
    for _ in range(3):
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


def test_many_devices_are_told_in_messages_that_fit() -> None:
    async def story() -> None:
        channel, clock = MemorySideChannel(), HandClock()
        one = Board(channel, clock, "g" * 12)
        payloads: list[str] = []
        channel.listen(TOPIC, payloads.append)
        for n in range(DEVICES_PER_MESSAGE * 2 + 1):
            one.arrived("a:" + "x" * 12, f"{n:012}")
        await settled()
        payloads.clear()
        two = Board(channel, clock, "g2")
        one.repeat()
        await settled()
        assert len(payloads) == 3
        assert max(len(payload) for payload in payloads) <= 4_000
        assert len(two.online("a:" + "x" * 12)) == DEVICES_PER_MESSAGE * 2 + 1

    asyncio.run(story())
    assert boards.EXPIRE_S > 2 * boards.REFRESH_S
