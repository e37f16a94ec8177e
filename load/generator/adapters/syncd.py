"""syncd's own protocol, `syncd.v1.json`: hello, a snapshot, then emits, acks and deltas."""

from __future__ import annotations

import secrets
import time
from typing import TypeAlias

import msgspec
from msgspec import Raw, Struct

from load.generator.device import Seat, WebSocketDevice
from load.generator.tally import Tally
from load.generator.websocket import client_frame
from load.scenarios import EVENT_BYTES
from syncd.model.stamp import pack
from syncd.protocol.messages import Hello, StreamClaim
from syncd.protocol.version import PATH, SUBPROTOCOL_JSON

_NO_CELLS = Raw(b"[]")

# Only what is counted is decoded; the other fields of a message are skipped.


class _StreamWelcome(Struct, gc=False):
    resume: str


class _Welcome(Struct, tag="welcome", gc=False):
    writer: str
    streams: list[_StreamWelcome]


class _Snapshot(Struct, tag="snapshot", gc=False):
    last: bool
    cursor: str = ""
    cells: Raw = _NO_CELLS


class _By(Struct, gc=False):
    event: str


class _Delta(Struct, tag="delta", gc=False):
    by: _By | None = None
    cursor: str = ""
    cells: Raw = _NO_CELLS


class _AckItem(Struct, gc=False):
    writer: str
    seq: int
    cursor: str = ""


class _Ack(Struct, tag="ack", gc=False):
    writer: str = ""
    seq: int = 0
    cursor: str = ""
    acks: list[_AckItem] | None = None


class _Nack(Struct, tag="nack", gc=False):
    reason: str
    message: str


class _Error(Struct, tag="error", gc=False):
    code: str
    message: str


class _Presence(Struct, tag="presence", gc=False):
    pass


class _Drain(Struct, tag="drain", gc=False):
    pass


_Heard: TypeAlias = _Welcome | _Snapshot | _Delta | _Ack | _Nack | _Error | _Presence | _Drain
_decode = msgspec.json.Decoder(_Heard).decode
_decode_cells = msgspec.json.Decoder(list[tuple[str, Raw, Raw]]).decode
_INSERTED = "queue/run/"
"""Of the cell that our event writes; the event's id follows."""

_EVENT = (
    '{"stream":"a:me","seq":%d,"t":%d,"kind":"list.inserted","data":{"list":"queue","parent":null,"side":"R",'
    '"items":[{"track":"%s"}]}}'
)
_TRACK_CHARS = EVENT_BYTES - len(_EVENT % (1, pack(int(time.time() * 1e3)), ""))
"""What is left for the track's id, with a seq of one digit."""


class SyncdDevice(WebSocketDevice):
    """A device that puts a track into the queue again and again."""

    def __init__(self, tally: Tally, seat: Seat) -> None:
        super().__init__(tally, seat, path=PATH, subprotocol=SUBPROTOCOL_JSON)
        self._writer = ""
        self._seq = 0
        self._nonce = secrets.token_hex(8)
        self._cursor = ""
        self._is_back = False

    def opened(self) -> None:
        claim = StreamClaim("a:me", self._cursor or None, self._seq)
        now_ms = int(time.time() * 1e3)
        hello = Hello(self.seat.login, self._nonce, "load/1", now_ms, [claim], self._writer or None)
        self.transport.write(client_frame(msgspec.json.encode(hello)))

    def emit(self, due_ns: int) -> None:
        self._seq += 1
        digits = str(self._seq)
        event = _EVENT % (self._seq, int(time.time() * 1e3) << 11, digits.zfill(_TRACK_CHARS + 1 - len(digits)))
        self.tally.sent(f"{self._writer}.{digits}", self.account, due_ns=due_ns, owed=self.others)
        self.transport.write(client_frame(b'{"type":"emit","events":[%b]}' % event.encode()))

    def message(self, payload: bytes, now_ns: int) -> None:
        heard = _decode(payload)
        kind = type(heard)
        if kind is _Delta:
            if heard.by is not None:
                self.tally.delivered(heard.by.event, self.account, self.bit, now_ns)
            else:
                self._cells(heard.cells, now_ns)
            if heard.cursor:
                self._cursor = heard.cursor
        elif kind is _Ack:
            if heard.acks is None:
                self.tally.acked(f"{heard.writer}.{heard.seq}", now_ns)
                self._cursor = heard.cursor or self._cursor
            else:
                self._cursor = heard.acks[-1].cursor or self._cursor
                for ack in heard.acks:
                    self.tally.acked(f"{ack.writer}.{ack.seq}", now_ns)
        elif kind is _Welcome:
            if self._writer and heard.writer != self._writer:
                self.tally.refuse("a store that came back was given a fresh writer")
            self._writer = heard.writer
            self._is_back = bool(self._cursor)
            if heard.streams[0].resume != "snapshot":
                self.ready.set_result(None)
        elif kind is _Snapshot:
            if self._is_back:
                self._cells(heard.cells, now_ns)
            self._cursor = heard.cursor or self._cursor
            if heard.last and not self.ready.done():
                self.ready.set_result(None)
        elif kind is _Nack:
            self.tally.refuse(f"nack {heard.reason}: {heard.message}")
        elif kind is _Error:
            self.tally.refuse(f"error {heard.code}: {heard.message}")

    def _cells(self, cells: Raw, now_ns: int) -> None:
        """Deliveries that came as state, not as events: of a resume from the store."""
        for key, _, _ in _decode_cells(cells):
            if key.startswith(_INSERTED):
                self.tally.delivered(key.removeprefix(_INSERTED), self.account, self.bit, now_ns)
