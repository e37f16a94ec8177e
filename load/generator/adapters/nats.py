"""NATS' text protocol over websocket: a device listens to its account's subject and publishes there, wanting an ack.

The ack is JetStream's, to a reply subject that ends in the event's number. Who comes back makes a consumer of its own
that begins at the time it left: live deliveries by a plain subscription, the cheapest way, tell no sequence.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from load.generator.device import Seat, WebSocketDevice
from load.generator.tally import Tally
from load.generator.websocket import binary_frame
from load.scenarios import EVENT_BYTES

STREAM = "EVENTS"
_CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"echo":false,"headers":false,"lang":"load","version":"1"}\r\n'
_ACKS = b"2"
"""Name of the subscription to our inbox; 1 is to the account's subject, 3 to what was missed."""


class NatsDevice(WebSocketDevice):
    """A device on its account's subject."""

    def __init__(self, tally: Tally, seat: Seat) -> None:
        super().__init__(tally, seat, path="/")
        self._name = f"{seat.account}-{seat.index}."
        self._subject = f"a.{seat.account}"
        self._inbox = f"i.{seat.account}-{seat.index}"
        self._count = 0
        self._unread = b""
        self._left = ""

    def close(self) -> None:
        self._left = datetime.now(UTC).isoformat()
        super().close()

    def opened(self) -> None:
        self._unread = b""

    def emit(self, due_ns: int) -> None:
        self._count += 1
        event = f"{self._name}{self._count}".encode()
        self.tally.sent(event, self.account, due_ns=due_ns, owed=self.others)
        payload = (event + b" ").ljust(EVENT_BYTES, b"x")
        head = f"PUB {self._subject} {self._inbox}.{self._count} {len(payload)}\r\n".encode()
        self.transport.write(binary_frame(b"%b%b\r\n" % (head, payload)))

    def message(self, payload: bytes, now_ns: int) -> None:
        data = self._unread + payload if self._unread else payload
        at = 0
        while (line := data.find(b"\r\n", at)) >= 0:
            if data.startswith(b"MSG", at):
                words = data[at:line].split(b" ")
                stop = line + 2 + int(words[-1])
                if stop + 2 > len(data):
                    break
                self._heard(words, data[line + 2 : stop], now_ns)
                at = stop + 2
            else:
                self._line(data[at:line])
                at = line + 2
        self._unread = data[at:]

    def _heard(self, words: list[bytes], payload: bytes, now_ns: int) -> None:
        if words[2] == _ACKS:
            if b'"error"' in payload:
                self.tally.refuse(payload.decode(errors="replace"))
            elif (number := words[1][len(self._inbox) + 1 :]) != b"made":
                self.tally.acked(self._name.encode() + number, now_ns)
        else:
            self.tally.delivered(payload[: payload.find(b" ")], self.account, self.bit, now_ns)

    def _line(self, line: bytes) -> None:
        if line.startswith(b"INFO"):
            self.transport.write(binary_frame(self._greeting()))
        elif line == b"PING":
            self.transport.write(binary_frame(b"PONG\r\n"))
        elif line == b"PONG":
            if not self.ready.done():
                self.ready.set_result(None)
        elif line.startswith(b"-ERR"):
            self.tally.refuse(line.decode(errors="replace"))

    def _greeting(self) -> bytes:
        greeting = _CONNECT + f"SUB {self._subject} 1\r\nSUB {self._inbox}.* 2\r\n".encode()
        if self._left:
            greeting += self._consumer()
        return greeting + b"PING\r\n"

    def _consumer(self) -> bytes:
        """A request for an ephemeral consumer of what was missed."""
        request = msgspec.json.encode({
            "stream_name": STREAM,
            "config": {
                "deliver_subject": f"{self._inbox}.missed.x", "deliver_policy": "by_start_time",
                "opt_start_time": self._left, "filter_subject": self._subject,
                "ack_policy": "none", "replay_policy": "instant", "mem_storage": True, "num_replicas": 1,
            },
        })  # fmt: skip
        create = f"PUB $JS.API.CONSUMER.CREATE.{STREAM} {self._inbox}.made {len(request)}\r\n"
        return f"SUB {self._inbox}.missed.x 3\r\n{create}".encode() + request + b"\r\n"
