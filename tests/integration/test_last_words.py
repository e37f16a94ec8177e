"""What a device says before its goodbye counts, also when both come in one segment, as when a page is closed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from live_service import Live, on_live
from raw_device import RawDevice
from raw_socket import CLOSE, TEXT, RawSocket, masked

from syncd.model.stamp import pack
from syncd.protocol.messages import Delta

GOODBYE = masked(CLOSE, (1000).to_bytes(2, "big"))


def emit(seq: int, track: str) -> bytes:
    data = {"list": "queue", "parent": None, "side": "R", "items": [{"track": track}]}
    event = {"stream": "a:me", "seq": seq, "t": pack(1_000 + seq), "kind": "list.inserted", "data": data}
    return masked(TEXT, json.dumps({"type": "emit", "events": [event]}).encode())


@asynccontextmanager
async def leaving(live: Live) -> AsyncIterator[tuple[RawDevice, RawSocket, str]]:
    """A listener in step; a device of the same account that has said hello and been welcomed; and that one's token."""
    phone, laptop = await live.account("phone", "laptop")
    async with live.device(laptop) as listener, RawSocket(live.service.ws_url) as raw:
        await listener.arrive("a:me")
        await raw.handshake()
        await raw.hello(phone.token)
        await raw.until(b'"type":"welcome"')
        yield listener, raw, phone.token


@on_live
async def test_events_in_one_segment_with_the_goodbye_reach_the_other_devices(live: Live) -> None:
    async with leaving(live) as (listener, raw, _):
        await raw.send(emit(1, "track-1") + emit(2, "track-2") + GOODBYE)
        await raw.rest()
        await listener.expect(Delta, lambda delta: "track-1" in str(delta.cells))
        await listener.expect(Delta, lambda delta: "track-2" in str(delta.cells))


@on_live
async def test_what_a_device_says_after_nonsense_is_not_heard_also_with_a_goodbye(live: Live) -> None:
    async with leaving(live) as (listener, raw, token):
        await raw.send(emit(1, "track-1") + masked(TEXT, b"{") + emit(2, "track-2") + GOODBYE)
        await raw.rest()
        async with RawDevice(live.service.ws_url, token) as again:
            await again.arrive("a:me")
            await again.emit_acked("library.changed", {"set": "tracks", "ids": ["track-3"], "value": True})
        await listener.expect(Delta, lambda delta: "track-3" in str(delta.cells))
        assert "track-2" not in str(listener.heard)
