"""Centrifugo's client protocol, JSON: commands with ids, replies, and pushes, several of them in a message by lines.

A publisher that is subscribed gets its own publication as well; that is Centrifugo's work, and counted as nobody's.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from load.generator.device import Seat, WebSocketDevice
from load.generator.tally import Tally
from load.generator.websocket import client_frame
from load.scenarios import EVENT_BYTES

_CONNECT, _SUBSCRIBE = 1, 2
_FIRST_EVENT = 3
"""Ids of commands; events count on from here."""


class _Publication(Struct, gc=False):
    data: str
    offset: int = 0


class _Push(Struct, gc=False):
    pub: _Publication | None = None


class _Subscribed(Struct, gc=False):
    epoch: str = ""
    offset: int = 0
    recovered: bool = False
    publications: list[_Publication] = []


class _Error(Struct, gc=False):
    code: int
    message: str = ""


class _Reply(Struct, gc=False):
    id: int = 0
    push: _Push | None = None
    subscribe: _Subscribed | None = None
    error: _Error | None = None


_decode = msgspec.json.Decoder(_Reply).decode


class CentrifugoDevice(WebSocketDevice):
    """A device on the channel of its account."""

    def __init__(self, tally: Tally, seat: Seat) -> None:
        super().__init__(tally, seat, path="/connection/websocket")
        self._name = f"{seat.account}-{seat.index}."
        self._channel = f"a{seat.account}"
        self._count = 0
        self._epoch = ""
        self._offset = 0

    def opened(self) -> None:
        subscribe: dict[str, object] = {"channel": self._channel}
        if self._epoch:
            subscribe |= {"recover": True, "epoch": self._epoch, "offset": self._offset}
        commands = ({"id": _CONNECT, "connect": {}}, {"id": _SUBSCRIBE, "subscribe": subscribe})
        self.transport.write(client_frame(b"\n".join(map(msgspec.json.encode, commands))))

    def emit(self, due_ns: int) -> None:
        self._count += 1
        event = f"{self._name}{self._count}".encode()
        self.tally.sent(event, self.account, due_ns=due_ns, owed=self.others)
        text = (event + b" ").ljust(EVENT_BYTES, b"x").decode()
        number = _FIRST_EVENT + self._count
        command = f'{{"id":{number},"publish":{{"channel":"{self._channel}","data":"{text}"}}}}'
        self.transport.write(client_frame(command.encode()))

    def message(self, payload: bytes, now_ns: int) -> None:
        for line in payload.split(b"\n"):
            if line == b"{}":
                self.transport.write(client_frame(b"{}"))
            elif line:
                self._heard(_decode(line), now_ns)

    def _heard(self, reply: _Reply, now_ns: int) -> None:
        if reply.push is not None:
            if reply.push.pub is not None:
                self._published(reply.push.pub, now_ns)
        elif reply.error is not None:
            self.tally.refuse(f"error {reply.error.code}: {reply.error.message}")
        elif reply.id > _FIRST_EVENT:
            self.tally.acked(f"{self._name}{reply.id - _FIRST_EVENT}".encode(), now_ns)
        elif reply.subscribe is not None:
            if self._epoch and not reply.subscribe.recovered:
                self.tally.refuse("what was missed was not recovered")
            self._epoch, self._offset = reply.subscribe.epoch, max(self._offset, reply.subscribe.offset)
            for publication in reply.subscribe.publications:
                self._published(publication, now_ns)
            self.ready.set_result(None)

    def _published(self, publication: _Publication, now_ns: int) -> None:
        self._offset = max(self._offset, publication.offset)
        event = publication.data[: publication.data.find(" ")]
        if not event.startswith(self._name):
            self.tally.delivered(event.encode(), self.account, self.bit, now_ns)
