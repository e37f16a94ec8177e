"""What the events of lists write: runs of items, and per item its place and whether it is there.

A run's slots are named by its event, so a moved item gets a slot of the moving event's run. Nothing here knows an
order: that is a view of the runs. Source: merge.md section 3.1.
"""

from __future__ import annotations

from syncd.model.canonical import Json
from syncd.model.cells import Cell, Cells, wins
from syncd.model.events import Event, ListCleared, ListInserted, ListMoved, ListMovedBack, ListRemoved, ListRestored
from syncd.model.ids import event_id
from syncd.model.stamp import digits


def inserted(data: ListInserted, event: Event, rank: str) -> Cells:
    """One cell holds the items and their first slots."""
    writer = event.writer
    items: Json = data.items  # type: ignore[assignment]  # lists do not vary, but nobody writes to this one
    value: Json = {"parent": data.parent, "side": data.side, "t": event.t, "writer": writer, "items": items}
    return {f"{data.list}/run/{writer}.{event.seq}": Cell(rank, value)}


def moved(data: ListMoved, event: Event, rank: str) -> Cells:
    """A run of new slots, and for each item the slot it takes: the k-th item takes the k-th slot."""
    ids = data.ids
    id_ = event_id(event.writer, event.seq)
    value: dict[str, Json] = {
        "parent": data.parent,
        "side": data.side,
        "t": event.t,
        "writer": event.writer,
        "count": len(ids),
    }
    writes = {f"{data.list}/run/{id_}": Cell(rank, value)}
    prefix = f"{data.list}/at/"
    for k, item in enumerate(ids):
        key = prefix + item
        cell = Cell(rank, f"{id_}.{k}")
        # Admission refuses an id twice. If one slips through, the two writes join like any others.
        if wins(cell, writes.get(key)):
            writes[key] = cell
    return writes


def moved_back(data: ListMovedBack, event: Event, rank: str) -> Cells:
    """The item goes to a slot that exists already."""
    return {f"{data.list}/at/{data.item}": Cell(rank, data.slot)}


def removed(data: ListRemoved, event: Event, rank: str) -> Cells:
    """The items are gone, wherever they are moved to."""
    prefix = f"{data.list}/on/"
    cell = Cell(rank, False)
    return {prefix + item: cell for item in data.ids}


def restored(data: ListRestored, event: Event, rank: str) -> Cells:
    """The items are back, also from an earlier clear."""
    prefix = f"{data.list}/on/"
    cell = Cell(rank, True)
    return {prefix + item: cell for item in data.ids}


def cleared(data: ListCleared, event: Event, rank: str) -> Cells:
    """Hides what was born at or before `seen`, per writer; later clears of less do not undo it."""
    prefix = f"{data.list}/cleared/"
    t = event.t
    return {prefix + writer: Cell(digits(seq) + rank, t) for writer, seq in data.seen.items()}
