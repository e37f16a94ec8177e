"""The bare relays: a path that names the account, text frames, and nothing else.

A message is `<event> <padding>`; its sender is answered `+<event>`, the account's other connections get it as it is.
"""

from __future__ import annotations

from load.generator.device import Seat, WebSocketDevice
from load.generator.tally import Tally
from load.generator.websocket import client_frame
from load.scenarios import EVENT_BYTES


class RelayDevice(WebSocketDevice):
    """A device of a relay; its events are named `<account>-<device>.<number>`."""

    def __init__(self, tally: Tally, seat: Seat) -> None:
        super().__init__(tally, seat, path=f"/{seat.account}")
        self._name = f"{seat.account}-{seat.index}."
        self._count = 0

    def opened(self) -> None:
        self.ready.set_result(None)

    def emit(self, due_ns: int) -> None:
        self._count += 1
        event = f"{self._name}{self._count}".encode()
        self.tally.sent(event, self.account, due_ns=due_ns, owed=self.others)
        self.transport.write(client_frame((event + b" ").ljust(EVENT_BYTES, b"x")))

    def message(self, payload: bytes, now_ns: int) -> None:
        if payload.startswith(b"+"):
            self.tally.acked(payload[1:], now_ns)
        else:
            self.tally.delivered(payload[: payload.find(b" ")], self.account, self.bit, now_ns)
