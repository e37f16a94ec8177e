"""Closing a device ends it, whatever its connection does at that moment."""

from __future__ import annotations

import asyncio

from syncd.client import Device, DeviceState
from syncd.client.link import Link, LinkClosed
from syncd.protocol.close_codes import ABNORMAL
from syncd.protocol.codec import Codec

DEADLINE_S = 30.0


class BreaksWhenCancelled:
    """A link that is found broken in the very step in which its reader is told to end."""

    def __init__(self) -> None:
        self.is_read = asyncio.Event()

    async def send(self, payload: bytes) -> None:
        return

    async def receive(self) -> bytes:
        self.is_read.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise LinkClosed(ABNORMAL.code, ABNORMAL.reason) from None
        raise AssertionError("an event that nobody sets was set")

    async def close(self) -> None:
        return


def test_a_connection_that_breaks_while_its_device_closes_is_not_made_again() -> None:
    """A task group that is cancelled and whose task fails tells of the failure alone (Python 3.11 and 3.12): the device
    went on reconnecting, and `close` never returned."""
    links: list[BreaksWhenCancelled] = []
    is_connected = asyncio.Event()

    async def connect(url: str, codec: Codec) -> Link:
        links.append(BreaksWhenCancelled())
        is_connected.set()
        return links[-1]

    async def story() -> None:
        device = Device("ws://nowhere/v1/sync", "token", connect=connect)
        async with asyncio.timeout(DEADLINE_S), device:
            await is_connected.wait()
            await links[0].is_read.wait()
            await device.close()
        assert device.state is DeviceState.CLOSED

    asyncio.run(story())
    assert len(links) == 1
