"""One record as push needs it: lowered once, encoded at most once per wire format."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from syncd.log.record import Admitted, LoggedRecord
from syncd.model.cells import Cells
from syncd.model.events import VOID
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


class Entry(Struct, eq=False, gc=False):  # what it holds comes from JSON: it cannot be part of a cycle
    """A durable record, ready to be pushed.

    Attributes:
        cells: what the event writes; empty for a void.
        offset: of the record; a cursor behind it points at `offset + 1`.
        size: bytes that the ring counts for it.
        void: the answer, when the record only uses up a seq.
        trace: see `Record.trace`.
    """

    stream: str
    writer: str
    seq: int
    t: int
    kind: str
    account: str
    device: str
    cells: Cells
    offset: int
    size: int
    void: VoidAnswer | None = None
    trace: str = ""
    _text: bytes | None = None
    _binary: bytes | None = None

    def framed(self, codec: Codec, cursor: str) -> bytes:
        """The live delta of this record as a websocket frame, with the cursor behind it."""
        framed = self._text if codec.text else self._binary
        if framed is None:
            by = By(self.account, self.device, self.kind, f"{self.writer}.{self.seq}", self.t)
            delta = Delta(self.stream, wire_cells(self.cells), cursor, by)
            framed = frame(codec.encode(delta), text=codec.text)
            if codec.text:
                self._text = framed
            else:
                self._binary = framed
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
    event = admitted.event
    return Entry(
        event.stream, event.writer, event.seq, event.t, event.kind, admitted.account, admitted.device, lower(event),
        offset=record.offset, size=len(record.body) + ENTRY_OVERHEAD_BYTES,
        void=void_answer(event.data) if event.kind == VOID else None, trace=record.trace,
    )  # fmt: skip
