"""A bare relay on `websockets`' Sans-I/O protocol: what its frames cost in Python, and nothing else.

    python load/peers/relay_websockets.py PORT

An `asyncio.Protocol` under uvloop around `ServerProtocol`, the same parser that syncd's gateway uses. A message goes to
the account's other connections, framed once; its first word goes back to the sender as the ack. It keeps nothing and
knows nobody, so it is the most that a server of this build could reach.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import defaultdict
from typing import cast

import uvloop
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from syncd.protocol.framing import frame

_accounts: dict[str, set[Relay]] = defaultdict(set)
_logger = logging.getLogger("relay")
_logger.setLevel(logging.CRITICAL)


class Relay(asyncio.Protocol):
    """One connection; the path names its account."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._ws = ServerProtocol(max_size=1 << 18, logger=_logger)
        self._account: set[Relay] = set()

    @property
    def others(self) -> list[Relay]:
        """The account's other connections."""
        return [other for other in self._account if other is not self]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._account.discard(self)

    def data_received(self, data: bytes) -> None:
        self._ws.receive_data(data)
        for event in self._ws.events_received():
            if isinstance(event, Frame):
                if event.opcode is Opcode.TEXT:
                    self._message(bytes(event.data))
            else:
                request = cast(Request, event)
                self._ws.send_response(self._ws.accept(request))
                self._account = _accounts[request.path]
                self._account.add(self)
        for answer in self._ws.data_to_send():
            if answer:
                self.transport.write(answer)
            else:
                self.transport.close()

    def _message(self, payload: bytes) -> None:
        self.deliver(frame(payload, text=True), frame(b"+" + payload[: payload.find(b" ")], text=True))

    def deliver(self, framed: bytes, ack: bytes) -> None:
        """To whom it is owed, and the ack to whom it came from."""
        for other in self.others:
            other.transport.write(framed)
        self.transport.write(ack)


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Relay, "127.0.0.1", port, backlog=4096)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1])))
