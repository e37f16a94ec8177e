"""From a batch of records to what one commit writes. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from syncd.errors import Poison
from syncd.log.record import LoggedRecord, check_named, decode_event, decode_record
from syncd.model.canonical import Json, canonical_lines
from syncd.model.cells import Cell, Cells, wins
from syncd.model.events import ERASED, EVENTS, SERVER_KINDS, VOID, Event, ListInserted
from syncd.model.lowering import lower
from syncd.store.cell_columns import CellColumns
from syncd.store.port import DeadLetterRow, SlotsRow, VoidRow, WriterRow

_Joined: TypeAlias = dict[tuple[str, str], tuple[str, Json, int]]
"""(stream, key) -> rank and value of the cell that has won so far, and the offset of its record. Flat, so that columns
are made of it by one call each."""
_Seen: TypeAlias = dict[tuple[str, str], WriterRow]
"""(writer, stream) -> how far it has come."""

_TEXT_CHARS_MAX = 300
"""Of a dead letter's names and reason. Those of our own records are shorter."""
_VERSION_MAX = 2**31 - 1
"""What a column of the store holds."""


@dataclass(slots=True)
class Folded:
    """Rows, each unique by its key, in an order that depends on the records alone.

    Attributes:
        admitted_ms_first: when the batch's first readable record was admitted; None when there is none.
        unknown_kinds: kind -> how many records of it lowered to nothing because this version does not know it.
    """

    cells: CellColumns = field(default_factory=CellColumns)
    writers: list[WriterRow] = field(default_factory=list)
    voids: list[VoidRow] = field(default_factory=list)
    slots: list[SlotsRow] = field(default_factory=list)
    dead_letters: list[DeadLetterRow] = field(default_factory=list)
    admitted_ms_first: int | None = None
    unknown_kinds: Counter[str] = field(default_factory=Counter)


def fold_records(records: Sequence[LoggedRecord], *, erased: Container[str] = ()) -> Folded:
    """Lower every record and join the batch in memory, so that the store sees one row a key.

    A cell's `log_offset` is that of the record whose write stayed. A record that cannot be lowered becomes a dead
    letter; its seq still counts, or its writer would be told of a gap for ever.

    Args:
        erased: streams that are gone: of them nothing may come back, not even that a writer had a seq.
    """
    folded = Folded()
    cells: _Joined = {}
    writers: _Seen = {}
    slots: Counter[tuple[str, str]] = Counter()
    for record in records:
        if record.kind == ERASED or record.stream in erased:
            continue
        offset = record.offset
        try:
            event = decode_event(record)
        except Poison as error:
            folded.dead_letters.append(_letter(record, error))
            if _is_named(record):
                _see(writers, WriterRow(record.writer, record.stream, record.seq, 0, offset))
            continue
        if folded.admitted_ms_first is None:
            folded.admitted_ms_first = decode_record(record).admitted_ms
        stream = event.stream
        _see(writers, WriterRow(event.writer, stream, event.seq, event.t, offset))
        writes = lower(event)
        _join(cells, stream, writes, offset)
        if not writes:
            _note_what_wrote_nothing(event, folded)
        elif type(event.data) is ListInserted:
            slots[stream, event.data.list] += len(event.data.items)
    folded.cells = _columns(cells)
    folded.writers = [*writers.values()]
    folded.slots = [SlotsRow(stream, name, count) for (stream, name), count in slots.items()]
    return folded


def fold_cells(records: Sequence[LoggedRecord], *, erased: Container[str] = ()) -> tuple[CellColumns, int]:
    """As `fold_records`, the cells alone, and how many records could not be lowered."""
    cells: _Joined = {}
    unreadable = 0
    for record in records:
        if record.kind == ERASED or record.stream in erased:
            continue
        try:
            event = decode_event(record)
        except Poison:
            unreadable += 1
            continue
        _join(cells, event.stream, lower(event), record.offset)
    return _columns(cells), unreadable


def _join(cells: _Joined, stream: str, writes: Cells, offset: int) -> None:
    """As `syncd.model.cells.fold`; of equal cells the first stays, with its offset."""
    for key, cell in writes.items():
        new = cell.rank, cell.value, offset
        before = cells.setdefault((stream, key), new)
        if before is not new and wins(cell, Cell(before[0], before[1])):
            cells[stream, key] = new


def _columns(cells: _Joined) -> CellColumns:
    if not cells:
        return CellColumns()
    streams, keys = zip(*cells, strict=True)
    ranks, values, offsets = zip(*cells.values(), strict=True)
    return CellColumns(streams, keys, ranks, canonical_lines(values), offsets)


def _see(writers: _Seen, row: WriterRow) -> None:
    """Note how far a writer has come on a stream; `row` is of a newer record than all before."""
    at = row.writer, row.stream
    before = writers.setdefault(at, row)
    if before is row:
        return
    if row.seq >= before.seq and row.t >= before.t:
        writers[at] = row
    else:
        furthest = row if row.seq >= before.seq else before
        writers[at] = WriterRow(*at, furthest.seq, max(row.t, before.t), furthest.log_offset)


def _note_what_wrote_nothing(event: Event, folded: Folded) -> None:
    if event.kind == VOID:
        reason = event.data.get("reason", "invalid") if isinstance(event.data, dict) else "invalid"
        folded.voids.append(VoidRow(event.writer, event.stream, event.seq, _storable(str(reason))))
    elif event.kind not in EVENTS and event.kind not in SERVER_KINDS:
        folded.unknown_kinds[event.kind] += 1


def _is_named(record: LoggedRecord) -> bool:
    try:
        check_named(record)
    except Poison:
        return False
    return True


def _letter(record: LoggedRecord, error: Poison) -> DeadLetterRow:
    """The record set aside, in texts and numbers that every store can keep: it may hold anything."""
    return DeadLetterRow(
        record.partition,
        record.offset,
        _storable(record.stream),
        _storable(record.writer),
        record.seq,
        _storable(record.kind),
        min(record.version, _VERSION_MAX),
        record.body,
        _storable(f"{error.code}: {error}"),
    )


def _storable(text: str) -> str:
    """Without control characters, and cut where nobody reads on."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text[:_TEXT_CHARS_MAX])
