"""What a listener does to a list, as the data of an event.

Each function reads the list as this device shows it and returns what to emit; nothing changes until the event's cells
come back through `ListView.apply`. Several edits in a row are made one after another, each on the list that the one
before has changed: with more than 500 tracks to add, insert 500, apply, and go on after the last one.

Anchors are slots, never entries, so that an entry may move or vanish while an insertion travels and the insertion still
lands where the listener saw it. Source: merge.md section 3.1, "Where to insert after `left`".
"""

from __future__ import annotations

from collections.abc import Sequence

from syncd.errors import InvalidEvent, LimitExceeded, NotFound
from syncd.limits import ITEMS_MAX
from syncd.model.events import (
    JsonObject,
    ListCleared,
    ListInserted,
    ListMoved,
    ListMovedBack,
    ListRemoved,
    ListRestored,
)
from syncd.model.ids import ItemId
from syncd.model.order.place import Place
from syncd.model.views.live_list import ListView

# --- adding ---


def insert_after(view: ListView, left: ItemId | None, items: Sequence[JsonObject]) -> ListInserted:
    """Add items right after an entry; None stands for the start of the list.

    "Play next" is this after the queue entry that sounds, and after None when what sounds is not from the queue.

    Raises:
        NotFound: the list never had the entry; one that was removed or consumed is fine.
        LimitExceeded: more than 500 items, or none.
    """
    return _inserted(view, items, view.place(None if left is None else view.slot_of(left)))


def insert_at_end(view: ListView, items: Sequence[JsonObject]) -> ListInserted:
    """Add items to the end, also behind what others removed from there.

    Raises:
        LimitExceeded: more than 500 items, or none.
    """
    return _inserted(view, items, view.place_at_end())


def insert_at(view: ListView, index: int, items: Sequence[JsonObject]) -> ListInserted:
    """Add items so that the first shows at an index, 0 to the list's length, as Python's `list.insert` does.

    Raises:
        NotFound: the index is outside.
        LimitExceeded: more than 500 items, or none.
    """
    return _inserted(view, items, _place_at(view, index))


# --- moving ---


def move_after(view: ListView, ids: Sequence[ItemId], left: ItemId | None) -> ListMoved:
    """Move entries, as one block in the order given, right after another one; None stands for the start.

    After an entry of the block itself is where that entry stands now: it leaves its slot, and the block comes there.

    Raises:
        NotFound: the list never had one of them.
        InvalidEvent: an id is given twice.
        LimitExceeded: more than 500 ids, or none.
    """
    _check_ids(view, ids)
    return _moved(view, ids, view.place(None if left is None else view.slot_of(left)))


def move_to(view: ListView, ids: Sequence[ItemId], index: int) -> ListMoved:
    """Move entries, as one block in the order given, to an index of the list without them.

    The same as taking the block out of a Python list and putting it in again, its first entry at `index`.

    Raises:
        NotFound: the list never had one of them, or the index is outside 0 to the length without the block.
        InvalidEvent: an id is given twice.
        LimitExceeded: more than 500 ids, or none.
    """
    _check_ids(view, ids)
    return _moved(view, ids, _place_at(view, index, leaving=ids))


def undo_move(view: ListView, ids: Sequence[ItemId]) -> list[ListMovedBack]:
    """What takes entries back to where they sit now. Make it before the move; emit it to undo that move.

    Raises:
        NotFound: the list never had one of them.
    """
    return [ListMovedBack(list=view.name, item=item, slot=view.slot_of(item)) for item in ids]


# --- removing ---


def remove(view: ListView, ids: Sequence[ItemId]) -> ListRemoved:
    """Take entries out. They keep their slots, so that `restore` brings them back to their places.

    Raises:
        NotFound: the list never had one of them.
        InvalidEvent: an id is given twice.
        LimitExceeded: more than 500 ids, or none.
    """
    _check_ids(view, ids)
    return ListRemoved(list=view.name, ids=list(ids))


def restore(view: ListView, ids: Sequence[ItemId]) -> ListRestored:
    """Bring entries back: the undo of a removal, and of a clear.

    Raises:
        NotFound: the list never had one of them.
        InvalidEvent: an id is given twice.
        LimitExceeded: more than 500 ids, or none.
    """
    _check_ids(view, ids)
    return ListRestored(list=view.name, ids=list(ids))


def clear(view: ListView) -> ListCleared:
    """Take out all that this device knows of. What others add meanwhile stays.

    To undo it, remember the ids that show now and `restore` them, 500 at a time.
    """
    return ListCleared(list=view.name, seen=view.seen())


# --- inside ---


def _inserted(view: ListView, items: Sequence[JsonObject], place: Place) -> ListInserted:
    _check_count(len(items), "items")
    return ListInserted(list=view.name, items=list(items), side=place.side, parent=place.parent)


def _moved(view: ListView, ids: Sequence[ItemId], place: Place) -> ListMoved:
    return ListMoved(list=view.name, ids=list(ids), side=place.side, parent=place.parent)


def _place_at(view: ListView, index: int, *, leaving: Sequence[ItemId] = ()) -> Place:
    """Where to insert so that `index` entries show before, those that are leaving not counted."""
    gaps = sorted(view.index_of(item) for item in leaving if view.shows(item))
    length = len(view) - len(gaps)
    if not 0 <= index <= length:
        raise NotFound(f"index {index} is outside 0 to {length}, the length of {view.name}")
    if index == length:
        return view.place_at_end()
    if index == 0:
        return view.place(None)
    left = index - 1
    for gap in gaps:
        if gap <= left:
            left += 1
    return view.place(view.slot_of(view.slice(left, left + 1)[0].id))


def _check_ids(view: ListView, ids: Sequence[ItemId]) -> None:
    _check_count(len(ids), "ids")
    if len(set(ids)) < len(ids):
        twice = next(item for n, item in enumerate(ids) if item in ids[:n])
        raise InvalidEvent(f"{twice} is given twice")
    for item in ids:
        view.slot_of(item)


def _check_count(count: int, what: str) -> None:
    if not 1 <= count <= ITEMS_MAX:
        raise LimitExceeded(f"{count} {what} in one event; 1 to {ITEMS_MAX} are allowed")
