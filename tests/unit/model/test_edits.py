"""What an edit refuses, and how it says so. Where edits land is in tests/scenarios and tests/property."""

from __future__ import annotations

import pytest

from syncd.errors import InvalidEvent, LimitExceeded, NotFound
from syncd.limits import ITEMS_MAX
from syncd.model import edits
from syncd.model.events import ListMovedBack
from syncd.model.ids import ItemId
from syncd.testing.list_replica import ListReplica

UNKNOWN = ItemId("zzzzzzzzzz.1.0")


@pytest.fixture
def replica() -> ListReplica:
    """Holds a b c."""
    replica = ListReplica("ann")
    replica.emit(edits.insert_at_end(replica.view, [{"track": track} for track in "abc"]))
    return replica


def test_an_entry_that_the_list_never_had_is_named(replica: ListReplica) -> None:
    view = replica.view
    items = [{"track": "x"}]
    with pytest.raises(NotFound, match=f"{UNKNOWN} is not in items"):
        edits.insert_after(view, UNKNOWN, items)
    with pytest.raises(NotFound, match=UNKNOWN):
        edits.move_after(view, replica.shown(), UNKNOWN)
    with pytest.raises(NotFound, match=f"slot {UNKNOWN} is not in this list"):
        view.place(UNKNOWN)
    for edit in (edits.remove, edits.restore, edits.undo_move):
        with pytest.raises(NotFound, match=UNKNOWN):
            edit(view, [UNKNOWN])


def test_an_index_outside_is_told_with_the_length(replica: ListReplica) -> None:
    view, shown = replica.view, replica.shown()
    for index in (-1, 4):
        with pytest.raises(NotFound, match=f"index {index} is outside 0 to 3"):
            edits.insert_at(view, index, [{"track": "x"}])
    with pytest.raises(NotFound, match="index 2 is outside 0 to 1"):
        edits.move_to(view, shown[:2], 2)


def test_an_event_holds_1_to_500_items_or_ids(replica: ListReplica) -> None:
    view = replica.view
    assert len(edits.insert_at_end(view, [{"track": "x"}] * ITEMS_MAX).items) == ITEMS_MAX
    with pytest.raises(LimitExceeded, match="501 items in one event; 1 to 500 are allowed"):
        edits.insert_at_end(view, [{"track": "x"}] * (ITEMS_MAX + 1))
    with pytest.raises(LimitExceeded, match="0 items"):
        edits.insert_at_end(view, [])
    with pytest.raises(LimitExceeded, match="0 ids"):
        edits.remove(view, [])


def test_an_id_given_twice_is_named(replica: ListReplica) -> None:
    first = replica.shown()[0]
    with pytest.raises(InvalidEvent, match=f"{first} is given twice"):
        edits.move_to(replica.view, [first, first], 0)


def test_undo_names_the_slot_where_each_entry_sits(replica: ListReplica) -> None:
    a, b, _ = replica.shown()
    move = replica.emit(edits.move_to(replica.view, [a], 2))
    assert edits.undo_move(replica.view, [a, b]) == [
        ListMovedBack("items", a, f"{move.writer}.{move.seq}.0"),
        ListMovedBack("items", b, b),
    ]


def test_an_edit_changes_nothing_by_itself(replica: ListReplica) -> None:
    before = replica.view.items()
    edits.move_to(replica.view, replica.shown()[:1], 2)
    edits.clear(replica.view)
    assert replica.view.items() == before


def test_what_does_not_show_has_no_index(replica: ListReplica) -> None:
    first = replica.shown()[0]
    replica.emit(edits.remove(replica.view, [first]))
    with pytest.raises(NotFound, match=f"{first} does not show in items"):
        replica.view.index_of(first)
    assert not replica.view.shows(first)
    assert replica.view.slot_of(first) == first, "it keeps its slot, so that insertions after it have a place"
