"""What a program sees of its device: clocks, waits with an end, digests, changes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from desk import ACCOUNT, OWN, TIMEOUT_S, Wire, device_on, like, played, snapshot, taken_in

from syncd.client import Change, NotReady, NotSettled
from syncd.model.cells import Cell
from syncd.model.stamp import ms
from syncd.protocol.messages import (
    By,
    Delta,
    Digest,
    DigestRequest,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)
from syncd.testing.device_clock import START_MS, ManualDeviceClock


@played
async def test_the_servers_clock_counts_from_the_middle_of_the_round_trip(wire: Wire) -> None:
    clock = ManualDeviceClock(wall_ms=START_MS - 3_600_000)
    async with device_on(wire, clock=clock) as device:
        server = await wire.accepted()
        hello = await server.heard_hello()
        clock.pass_ms(100)
        server.welcome(hello, now_ms=START_MS)
        await device.ready(timeout_s=TIMEOUT_S)
        assert ms(like(device, "t1").event.t) == START_MS + 50


@played
async def test_after_a_long_sleep_it_asks_at_once_whether_the_connection_stands(wire: Wire) -> None:
    clock = ManualDeviceClock()
    async with taken_in(wire, clock=clock) as (device, server):
        await device.ready(timeout_s=TIMEOUT_S)
        clock.pass_ms(3_600_000)
        await server.heard_ping()


@played
async def test_waiting_has_an_end_and_says_why(wire: Wire) -> None:
    wire.is_down = True
    async with device_on(wire) as device:
        like(device, "t1")
        with pytest.raises(NotReady, match=r"after 0\.05 s: .*the network is down"):
            await device.ready(timeout_s=0.05)
        with pytest.raises(NotSettled, match=r"after 0\.05 s: .*the network is down"):
            await device.settled(timeout_s=0.05)
        with pytest.raises(TimeoutError):
            await device.until(lambda: False, timeout_s=0.05)
    with pytest.raises(NotSettled, match="closed"):
        await device.settled(timeout_s=TIMEOUT_S)


@played
async def test_digests_are_compared_with_the_servers(wire: Wire) -> None:
    async with device_on(wire) as device:
        server = await wire.accepted()
        await server.take_in(cells={"settings/a": Cell("r", 1)})
        await device.ready(timeout_s=TIMEOUT_S)

        async def answer(digest: str) -> None:
            assert await server.heard() == DigestRequest("a:me")
            server.say(Digest(OWN, "c1", digest, 1))

        verifying = asyncio.create_task(device.verify(timeout_s=TIMEOUT_S))
        await answer("0" * 16)
        await answer(device.digest())
        assert (await verifying).agrees
        verifying = asyncio.create_task(device.verify(timeout_s=0.05))
        await answer("0" * 16)
        found = await verifying
        assert (found.agrees, found.theirs) == (False, "0" * 16)


@played
async def test_a_stream_can_be_taken_again_as_a_whole(wire: Wire) -> None:
    async with device_on(wire) as device:
        server = await wire.accepted()
        await server.take_in(cells={"settings/wrong": Cell("r", 1)})
        await device.ready(timeout_s=TIMEOUT_S)
        device.take_again()
        assert await server.heard() == Unsubscribe("a:me")
        assert await server.heard() == Subscribe("a:me", None, None)
        right = snapshot(OWN, {"settings/right": Cell("r", 1)})
        server.say(Unsubscribed(OWN), Subscribed(OWN, 1, "snapshot"), right)
        await device.until(lambda: device.settings.all == {"right": 1}, timeout_s=TIMEOUT_S)


@played
async def test_a_mistake_in_a_callback_does_not_end_the_connection(wire: Wire) -> None:
    told: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
    async with device_on(wire) as device:

        def mistaken(_: object) -> None:
            raise ValueError("my own mistake")

        unsubscribe = device.on_change(mistaken)
        server = await wire.accepted()
        await server.take_in()
        server.say(Delta(OWN, [("settings/a", "r", 1)], "c2"))
        await device.until(lambda: bool(told), timeout_s=TIMEOUT_S)
        unsubscribe()
        server.say(Delta(OWN, [("settings/a", "r2", 2)], "c3"))
        await device.until(lambda: device.settings.get("a") == 2, timeout_s=TIMEOUT_S)
        assert [str(error) for error in told] == ["my own mistake"]


@played
async def test_changes_tell_what_shows_now_and_who_did_it(wire: Wire) -> None:
    async with device_on(wire) as device:
        changes: list[Change] = []
        device.on_change(changes.append)
        server = await wire.accepted()
        await server.take_in()
        by = By(ACCOUNT, "d2", "settings.changed", "w.1", 7)
        server.say(Delta(OWN, [("settings/a", "r", 1)], "c2", by))
        await device.until(lambda: bool(changes), timeout_s=TIMEOUT_S)
        assert changes == [Change("a:me", {"settings/a": Cell("r", 1)}, by)]
        assert changes[0].areas == {"settings"}
