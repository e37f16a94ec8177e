"""The delta that a durable record is pushed as: encoded at most once per wire format."""

from __future__ import annotations

from syncd.model.cells import Cells
from syncd.protocol.codec import Codec
from syncd.protocol.messages import By, Delta, WireCell
from syncd.push.entry import Entry


def framed_delta(entry: Entry, codec: Codec, cursor: str) -> bytes:
    """The live delta of a record as a websocket frame, with the cursor behind it."""
    framed = entry.text if codec.text else entry.binary
    if framed is None:
        lowered = entry.lowered
        framed = codec.framed(
            Delta(
                entry.stream,
                wire_cells(entry.cells if lowered is None else lowered),
                cursor,
                By(entry.account, entry.device, entry.kind, f"{entry.writer}.{entry.seq}", entry.t),
            )
        )
        if codec.text:
            entry.text = framed
        else:
            entry.binary = framed
    return framed


def wire_cells(cells: Cells) -> list[WireCell]:
    """`[key, rank, value]` of each cell."""
    return [(key, cell.rank, cell.value) for key, cell in cells.items()]
