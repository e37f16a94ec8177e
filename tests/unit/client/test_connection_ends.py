"""How a device takes the end of a connection: when it comes back, with what, and when it does not."""

from __future__ import annotations

from typing import Any

import pytest
from desk import OWN, TIMEOUT_S, WRITER, ServerEnd, Wire, device_on, like, played, taken_in, tell

from syncd.client import DeviceState, NotReady
from syncd.errors import LoginExpired, ProtocolError
from syncd.protocol.messages import (
    Ack,
    Drain,
    Hello,
    Limits,
    Snapshot,
    StreamWelcome,
    Welcome,
)
from syncd.testing.device_clock import START_MS, ManualDeviceClock


@pytest.mark.parametrize(
    ("code", "cursor", "writer"),
    [
        (1006, "c1", WRITER), (1012, "c1", WRITER), (4000, "c1", WRITER), (4001, "c1", WRITER), (4002, "c1", WRITER),
        (4100, None, WRITER), (4101, None, None), (4199, None, WRITER), (4077, "c1", WRITER),
    ],
)  # fmt: skip
@played
async def test_it_comes_back_as_the_close_code_says(
    wire: Wire, code: int, cursor: str | None, writer: str | None
) -> None:
    async with taken_in(wire) as (device, server):
        await device.ready(timeout_s=TIMEOUT_S)
        server.hang_up(code)
        hello = await (await wire.accepted()).heard_hello()
        assert [claim.cursor for claim in hello.streams] == [cursor]
        assert hello.writer == writer


@pytest.mark.parametrize("code", [4200, 4201])
@played
async def test_a_login_that_does_not_stand_is_told_and_can_be_renewed(wire: Wire, code: int) -> None:
    async with device_on(wire, token="old") as device:
        like(device, "t1")
        server = await wire.accepted()
        await server.heard_hello()
        server.hang_up(code, "unknown or expired token")
        with pytest.raises(NotReady, match="login needed, unknown or expired token"):
            await device.ready(timeout_s=TIMEOUT_S)
        assert isinstance(device.error, LoginExpired)
        device.renew("new")
        server = await wire.accepted()
        hello = await server.take_in()
        assert hello.token == "new"
        assert len(await server.heard_events()) == 1


@pytest.mark.parametrize("code", [4500, 4501, 4502, 1009, 4599])
@played
async def test_where_it_is_not_understood_it_does_not_come_back(wire: Wire, code: int) -> None:
    async with device_on(wire) as device:
        server = await wire.accepted()
        await server.heard_hello()
        server.hang_up(code, "that is not a message")
        with pytest.raises(NotReady, match="stopped, that is not a message"):
            await device.ready(timeout_s=TIMEOUT_S)
        assert device.state is DeviceState.STOPPED
        assert isinstance(device.error, ProtocolError)


@played
async def test_a_token_of_another_account_is_refused_before_anything_is_sent(wire: Wire, tmp_path: Any) -> None:
    path = str(tmp_path / "s.db")
    async with device_on(wire, store=path) as device:
        await (await wire.accepted()).take_in()
        await device.ready(timeout_s=TIMEOUT_S)
    async with device_on(wire, store=path) as device:
        like(device, "t1")
        server = await wire.accepted()
        await server.heard_hello()
        server.say(
            Welcome("w" * 10, "other", "d2", START_MS, [StreamWelcome("a:other", 1, "snapshot")], Limits(1, 1, 1, 1))
        )
        with pytest.raises(NotReady, match="belongs to account 9f3c, the token to other"):
            await device.ready(timeout_s=TIMEOUT_S)
        assert await server.heard() is None
        assert device.owed == 1


@played
async def test_an_ack_of_what_was_never_asked_makes_it_come_back_for_a_snapshot(wire: Wire) -> None:
    async with taken_in(wire) as (device, server):
        await device.ready(timeout_s=TIMEOUT_S)
        server.say(Ack(OWN, WRITER, 99, 5, False, "c9"))
        hello = await (await wire.accepted()).heard_hello()
        assert hello.streams[0].cursor is None


@played
async def test_a_server_that_breaks_the_rules_is_left_and_tried_again(wire: Wire) -> None:
    async with taken_in(wire) as (device, server):
        server.say(Snapshot(OWN, [], 7, False))
        assert isinstance(await (await wire.accepted()).heard_hello(), Hello)
        assert "part 7 of the snapshot" in str(device.error)


@played
async def test_a_server_that_drains_is_left_in_time_for_the_one_it_names(wire: Wire) -> None:
    urls: list[str] = []
    clock = ManualDeviceClock()

    async def connect(url: str, codec: Any) -> ServerEnd:
        urls.append(url)
        return await Wire.connect(wire, url, codec)

    device = device_on(wire, clock=clock)
    device._connector._connect = connect
    async with device:
        server = await wire.accepted()
        await server.take_in()
        await device.ready(timeout_s=TIMEOUT_S)
        await tell(device, server, Drain(2_000, "ws://other/v1/sync"))
        clock.pass_ms(2_000)
        await (await wire.accepted()).heard_hello()
        assert urls[-1] == "ws://other/v1/sync"
