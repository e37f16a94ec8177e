"""One record as push needs it: lowered once, encoded at most once per wire format."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from syncd.log.record import Admitted, LoggedRecord
from syncd.model.cells import Cell, Cells
from syncd.model.events import VOID
from syncd.model.lowering import lower
from syncd.protocol.codec import Codec
from syncd.protocol.framing import payload_of
from syncd.protocol.messages import By, Delta, WireCell

ENTRY_OVERHEAD_BYTES = 900
"""What an entry costs beyond its body: objects, indexes and one encoding; measured with tracemalloc, rounded up."""


class VoidAnswer(NamedTuple):
    """What a void record holds: the nack that its event was answered with."""

    reason: str
    message: str


class _CellsOf(Struct):
    """The part of a delta that its cells are read from."""

    cells: list[WireCell]


_read_text = msgspec.json.Decoder(_CellsOf).decode
_read_binary = msgspec.msgpack.Decoder(_CellsOf).decode


class Entry(Struct, eq=False, gc=False):  # what it holds comes from JSON: it cannot be part of a cycle
    """A durable record, ready to be pushed.

    Attributes:
        lowered: what the event writes, empty for a void; None once a delta was sent, which alone is kept: read `cells`.
            Entries live long and few are looked at again. So a ring takes half the memory, and an event's objects come
            from memory that the processor still has at hand.
        offset: of the record; a cursor behind it points at `offset + 1`.
        size: bytes that the ring counts for it.
        void: the answer, when the record only uses up a seq.
        trace: see `Record.trace`.
        grows: the list that gets new items, if any. Two plain fields and no pair: the collector looks at every young
            pair, and those of a growing ring held up the gateway for 15 ms at a time.
        items_new: how many.
    """

    stream: str
    writer: str
    seq: int
    t: int
    kind: str
    account: str
    device: str
    lowered: Cells | None
    offset: int
    size: int
    void: VoidAnswer | None = None
    trace: str = ""
    grows: str | None = None
    items_new: int = 0
    _text: bytes | None = None
    _binary: bytes | None = None

    @property
    def cells(self) -> Cells:
        """What the event writes; empty for a void."""
        if self.lowered is not None:
            return self.lowered
        if self._text is not None:
            delta = _read_text(payload_of(self._text))
        else:
            assert self._binary is not None
            delta = _read_binary(payload_of(self._binary))
        return {key: Cell(rank, value) for key, rank, value in delta.cells}

    def framed(self, codec: Codec, cursor: str) -> bytes:
        """The live delta of this record as a websocket frame, with the cursor behind it."""
        framed = self._text if codec.text else self._binary
        if framed is None:
            lowered = self.lowered
            cells = self.cells if lowered is None else lowered
            framed = codec.framed(
                Delta(
                    self.stream,
                    [(key, cell.rank, cell.value) for key, cell in cells.items()],
                    cursor,
                    By(self.account, self.device, self.kind, f"{self.writer}.{self.seq}", self.t),
                )  # fmt: skip
            )
            if codec.text:
                self._text = framed
            else:
                self._binary = framed
        return framed


def note_growth(entry: Entry, data: Any) -> None:
    """Set `grows` and `items_new` of a `list.inserted`, whose data it is."""
    entry.grows = data.list
    entry.items_new = len(data.items)


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
    entry = Entry(
        event.stream, event.writer, event.seq, event.t, event.kind, admitted.account, admitted.device, lower(event),
        offset=record.offset, size=len(record.body) + ENTRY_OVERHEAD_BYTES,
        void=void_answer(event.data) if event.kind == VOID else None, trace=record.trace,
    )  # fmt: skip
    if event.kind == "list.inserted":
        note_growth(entry, event.data)
    return entry
