"""Socket.IO's protocol 5 over Engine.IO's protocol 4, by websocket only.

A packet is text: `0{…}` opens, `40{…}` connects, `2` and `3` are ping and pong, `42["event",…]` is an event,
`42<n>[…]` one that wants an ack, `43<n>[…]` the ack. With connection state recovery a delivery carries its offset as
last argument.
"""

from __future__ import annotations

import msgspec

from load.generator.device import Seat, WebSocketDevice
from load.generator.tally import Tally
from load.generator.websocket import client_frame
from load.scenarios import EVENT_BYTES

_EVENT = b'42["event","'
_ACK = b"43"
_CONNECTED = b"40"
_REFUSED = b"44"
_PING = b"2"
_PONG = client_frame(b"3")


class SocketIoDevice(WebSocketDevice):
    """A device in the room of its account."""

    def __init__(self, tally: Tally, seat: Seat) -> None:
        super().__init__(tally, seat, path="/socket.io/?EIO=4&transport=websocket")
        self._name = f"{seat.account}-{seat.index}."
        self._count = 0
        self._session = ""
        """The secret by which a session is recovered."""
        self._last = b""

    def message(self, payload: bytes, now_ns: int) -> None:
        if payload.startswith(_EVENT):
            self._last = payload
            self.tally.delivered(payload[12 : payload.find(b" ", 12)], self.account, self.bit, now_ns)
        elif payload.startswith(_ACK):
            self.tally.acked(self._name.encode() + payload[2 : payload.find(b"[")], now_ns)
        elif payload == _PING:
            self.transport.write(_PONG)
        elif payload.startswith(b"0"):
            auth = {"account": str(self.account)}
            if self._session:
                auth |= {"pid": self._session, "offset": self._offset()}
            self.transport.write(client_frame(_CONNECTED + msgspec.json.encode(auth)))
        elif payload.startswith(_CONNECTED):
            session = msgspec.json.decode(payload[2:])["pid"]
            if self._session and session != self._session:
                self.tally.refuse("the session was not recovered")
            self._session = session
            self.ready.set_result(None)
        elif payload.startswith(_REFUSED):
            self.tally.refuse(payload.decode())

    def emit(self, due_ns: int) -> None:
        self._count += 1
        event = f"{self._name}{self._count}".encode()
        self.tally.sent(event, self.account, due_ns=due_ns, owed=self.others)
        text = (event + b" ").ljust(EVENT_BYTES, b"x")
        self.transport.write(client_frame(b'42%d["event","%b"]' % (self._count, text)))

    def _offset(self) -> str:
        """Of the last delivery; there is one before anybody resumes."""
        offset: str = msgspec.json.decode(self._last[2:])[2]
        return offset
