"""What a device says before its goodbye counts, also when both come in one segment, as when a page is closed."""

from __future__ import annotations

import json

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


@on_live
async def test_events_in_one_segment_with_the_goodbye_reach_the_other_devices(live: Live) -> None:
    phone, laptop = await live.account("phone", "laptop")
    async with live.device(laptop) as listener, RawSocket(live.service.ws_url) as leaving:
        await listener.arrive("a:me")
        await leaving.handshake()
        await leaving.hello(phone.token)
        await leaving.until(b'"type":"welcome"')
        await leaving.send(emit(1, "track-1") + emit(2, "track-2") + GOODBYE)
        await leaving.rest()
        await listener.expect(Delta, lambda delta: "track-1" in str(delta.cells))
        await listener.expect(Delta, lambda delta: "track-2" in str(delta.cells))


@on_live
async def test_what_a_device_says_after_nonsense_is_not_heard_also_with_a_goodbye(live: Live) -> None:
    phone, laptop = await live.account("phone", "laptop")
    async with live.device(laptop) as listener, RawSocket(live.service.ws_url) as leaving:
        await listener.arrive("a:me")
        await leaving.handshake()
        await leaving.hello(phone.token)
        await leaving.until(b'"type":"welcome"')
        await leaving.send(emit(1, "track-1") + masked(TEXT, b"{") + emit(2, "track-2") + GOODBYE)
        await leaving.rest()
        async with RawDevice(live.service.ws_url, phone.token) as again:
            await again.arrive("a:me")
            await again.emit_acked("library.changed", {"set": "tracks", "ids": ["track-3"], "value": True})
        await listener.expect(Delta, lambda delta: "track-3" in str(delta.cells))
        assert "track-2" not in str(listener.heard)
