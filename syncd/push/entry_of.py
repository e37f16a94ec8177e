"""Entries of what a log holds."""

from __future__ import annotations

from typing import Any

from syncd.log.record import Admitted, LoggedRecord
from syncd.model.events import VOID
from syncd.model.lowering import lower
from syncd.push.entry import ENTRY_OVERHEAD_BYTES, Entry, VoidAnswer


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


def note_growth(entry: Entry, data: Any) -> None:
    """Set `grows` and `items_new` of a `list.inserted`, whose data it is."""
    entry.grows = data.list
    entry.items_new = len(data.items)
