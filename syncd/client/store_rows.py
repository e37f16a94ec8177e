"""The rows of a local store, as the program has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from syncd.model.canonical import canonical
from syncd.model.cells import Cells
from syncd.model.restamp import Pending
from syncd.model.validate import decode_data

OutboxRows: TypeAlias = list[tuple[int, Pending]]
"""(n, own event), by n: its place among all that the store ever made, on any stream."""
OUTBOX_COLUMNS = "n, stream, seq, t, kind, data, valid_ms, seen_t, wall_ms, monotonic_ms, boot, sent"


@dataclass(slots=True)
class Header:
    """The one row of `header`.

    Attributes:
        nonce: made with the file; tells the server a copy from the original.
        writer: drawn with the file and proposed in the first hello; the server takes it, or gives another.
        device: provisional until the first welcome.
        generation: rises whenever pending events are renamed, so that another process notices.
        clock_t: the last time that was minted.
        seen_t: the largest admitted time that was received.
        sent_t: the largest time of this writer that may have left the device.
        left_epoch: the detached session that the listener has left without adopting it.
    """

    nonce: str
    writer: str
    device: str
    account: str | None = None
    generation: int = 0
    clock_t: int = 0
    seen_t: int = 0
    sent_t: int = 0
    wall_offset_ms: int = 0
    left_epoch: str | None = None


@dataclass(frozen=True, slots=True)
class StreamRow:
    """`cursor`: None when the cells are not to be relied on."""

    cursor: str | None
    last_seq: int


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything in the file."""

    header: Header
    streams: dict[str, StreamRow]
    cells: dict[str, Cells]
    outbox: OutboxRows


@dataclass(slots=True)
class Unsaved:
    """Confirmed changes on their way to the disk.

    Attributes:
        cells: joined cells, by stream.
        replaced: streams whose rows go first, because a snapshot took their place.
        cursors: where the cells lead to.
        answered: own events (`n`) that are done with.
    """

    cells: dict[str, Cells] = field(default_factory=dict)
    replaced: set[str] = field(default_factory=set)
    cursors: dict[str, str | None] = field(default_factory=dict)
    answered: list[int] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many rows it would write."""
        return sum(map(len, self.cells.values())) + len(self.cursors) + len(self.answered)


def event_of_row(row: tuple[Any, ...]) -> Pending:
    """The own event in a row of `OUTBOX_COLUMNS`."""
    _, stream, seq, t, kind, data, valid_ms, seen_t, wall_ms, monotonic_ms, boot, sent = row
    return Pending(
        stream=stream,
        seq=seq,
        t=t,
        kind=kind,
        data=decode_data(kind, data, format="json"),
        sent=bool(sent),
        seen_t=seen_t,
        wall_ms=wall_ms,
        monotonic_ms=monotonic_ms,
        boot=boot,
        valid_ms=valid_ms,
    )


def row_of_event(n: int | None, event: Pending) -> tuple[Any, ...]:
    """The row of an own event; n is None for the next free one."""
    return (
        n, event.stream, event.seq, event.t, event.kind, canonical(event.data), event.valid_ms, event.seen_t,
        event.wall_ms, event.monotonic_ms, event.boot, event.sent,
    )  # fmt: skip
