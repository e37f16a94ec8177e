"""A bare relay on picows: what frames cost when Cython reads and writes them. See `relay_websockets`.

python load/peers/relay_picows.py PORT
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

_accounts: dict[bytes, set[Relay]] = defaultdict(set)


class Relay(WSListener):
    """One connection; the path names its account."""

    transport: WSTransport

    def __init__(self, request: WSUpgradeRequest) -> None:
        super().__init__()
        self._others = _accounts[request.path]

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self._others.add(self)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._others.discard(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
            return
        payload = frame.get_payload_as_bytes()
        for other in self._others:
            if other is not self:
                other.transport.send(WSMsgType.TEXT, payload)
        transport.send(WSMsgType.TEXT, b"+" + payload[: payload.find(b" ")])


async def main(port: int) -> None:
    server = await ws_create_server(Relay, "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1])))
