"""One record as push needs it: lowered once, encoded at most once per wire format."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from msgspec import Struct

from syncd.model.cells import Cell, Cells
from syncd.protocol.framing import payload_of
from syncd.protocol.messages import Delta

ENTRY_OVERHEAD_BYTES = 900
"""What an entry costs beyond its body: objects, indexes and one encoding; measured with tracemalloc, rounded up."""


class VoidAnswer(NamedTuple):
    """What a void record holds: the nack that its event was answered with."""

    reason: str
    message: str


_read_text = msgspec.json.Decoder(Delta).decode
_read_binary = msgspec.msgpack.Decoder(Delta).decode


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
        text, binary: its delta as a frame, once it was sent in that format.
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
    text: bytes | None = None
    binary: bytes | None = None

    @property
    def cells(self) -> Cells:
        """What the event writes; empty for a void."""
        if self.lowered is not None:
            return self.lowered
        if self.text is not None:
            delta = _read_text(payload_of(self.text))
        else:
            assert self.binary is not None
            delta = _read_binary(payload_of(self.binary))
        return {key: Cell(rank, value) for key, rank, value in delta.cells}
