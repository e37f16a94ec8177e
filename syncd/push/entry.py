"""One record as push needs it: lowered once, encoded at most once per wire format."""

from __future__ import annotations

from typing import NamedTuple

from syncd.log.record import Admitted, LoggedRecord
from syncd.model.cells import Cell, Cells
from syncd.model.events import VOID
from syncd.model.ids import event_id
from syncd.model.lowering import lower
from syncd.protocol.codec import Codec
from syncd.protocol.framing import frame
from syncd.protocol.messages import By, Delta, WireCell

ENTRY_OVERHEAD_BYTES = 900
"""What an entry costs beyond its body: objects, indexes and one encoding; measured with tracemalloc, rounded up."""


class VoidAnswer(NamedTuple):
    """What a void record holds: the nack that its event was answered with."""

    reason: str
    message: str


class Entry:
    """A durable record, ready to be pushed.

    Attributes:
        key: (writer, stream, seq), under which an append that is under way is known.
        offset: of the record; a cursor behind it points at `offset + 1`.
        cells: what the event writes; empty for a void.
        trace: see `Record.trace`.
        void: the answer, when the record only uses up a seq.
    """

    __slots__ = (
        "_framed",
        "account",
        "cells",
        "device",
        "key",
        "kind",
        "offset",
        "seq",
        "size",
        "stream",
        "t",
        "trace",
        "void",
        "writer",
    )

    def __init__(self, admitted: Admitted, *, cells: Cells, offset: int, size: int) -> None:
        event = admitted.event
        self.stream = event.stream
        self.writer = event.writer
        self.seq = event.seq
        self.key = event.writer, event.stream, event.seq
        self.t = event.t
        self.kind = event.kind
        self.account = admitted.account
        self.device = admitted.device
        self.cells = cells
        self.offset = offset
        self.size = size
        self.void = void_answer(event.data) if event.kind == VOID else None
        self.trace = ""
        self._framed: list[bytes | None] = [None, None]

    def framed(self, codec: Codec, cursor_prefix: str) -> bytes:
        """The live delta of this record as a websocket frame."""
        framed = self._framed[codec.text]
        if framed is None:
            delta = Delta(
                self.stream,
                wire_cells(self.cells),
                f"{cursor_prefix}{self.offset + 1}",
                By(self.account, self.device, self.kind, event_id(self.writer, self.seq), self.t),
            )
            framed = self._framed[codec.text] = frame(codec.encode(delta), text=codec.text)
        return framed


def wire_cells(cells: Cells) -> list[WireCell]:
    """`[key, rank, value]` of each cell."""
    return [(key, cell.rank, cell.value) for key, cell in cells.items()]


def void_answer(data: object) -> VoidAnswer:
    """The nack in a void record's data; `invalid` when an older gateway wrote less."""
    if isinstance(data, dict):
        return VoidAnswer(str(data.get("reason", "invalid")), str(data.get("message", "")))
    return VoidAnswer("invalid", "")


def entry_of(record: LoggedRecord, admitted: Admitted) -> Entry:
    """The entry of a record that was read from the log."""
    cells: dict[str, Cell] = lower(admitted.event)
    entry = Entry(admitted, cells=cells, offset=record.offset, size=len(record.body) + ENTRY_OVERHEAD_BYTES)
    entry.trace = record.trace
    return entry
