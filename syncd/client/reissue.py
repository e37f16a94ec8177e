"""What becomes of own events that were refused, or whose place in a list is gone.

A refused event is dropped. What came after it on the same store may name what it would have brought, and is refused as
well, as an orphan. Edits of lists are then made again: the same items, beside the neighbour that they had on this
device's screen. Controls are dropped, since what they were to control is not there. Source: merge.md section 3.1.
"""

from __future__ import annotations

from collections.abc import Iterable

from syncd.client.change import Refusal
from syncd.client.draft import Draft
from syncd.client.lists import Lists
from syncd.client.local_state import LocalState
from syncd.client.own_event import Outcome, OwnEvent
from syncd.errors import NotFound
from syncd.model import edits
from syncd.model.events import (
    EventData,
    ListInserted,
    ListMoved,
    ListMovedBack,
    ListRemoved,
    ListRestored,
)
from syncd.model.ids import ItemId, item_id
from syncd.model.references import references
from syncd.model.views.live_list import ListView
from syncd.protocol.messages import Nack


class Reissue:
    """See the module's first lines. What it remembers lives as long as the connection: after that, list edits whose
    neighbour is not known any more go to the end."""

    def __init__(self, state: LocalState, lists: Lists) -> None:
        self._state = state
        self._lists = lists
        self._left: dict[int, ItemId | None] = {}
        """Own event (`n`) -> the entry that showed to the left of what it inserted or moved; None for the start."""

    def refused(self, nack: Nack) -> Refusal | None:
        """Drop the event that a nack refuses for good, and make it again if that is possible.

        Returns:
            What to tell the listener; None when nothing was pending.
        """
        with self._state.lock:
            event = self._state.outbox.find(nack.stream, nack.seq)
            if event is None:
                return None
            self._remember_neighbours(event)
            is_list = event.event.kind.startswith("list.") and nack.reason == "orphan"
            self._state.refused(nack, outcome=Outcome.REISSUED if is_list else Outcome.REFUSED)
            made = is_list and self._make_again(event)
            return Refusal(nack.stream, event.event.kind, nack.reason, nack.message, reissued=made)

    def misses_places(self) -> bool:
        """Whether a list edit hangs on a slot that the list does not have, or not yet.

        Own events are on the disk before confirmed cells are: who is killed, or backed up, between the two comes back
        with edits whose place is still to come, and which the server may have admitted.
        """
        with self._state.lock:
            return not all(map(self._has_place, self._state.outbox))

    def rehome(self) -> list[Refusal]:
        """Make list edits again that hang on a slot which the list does not have: they would never show.

        That happens when the server was restored from a backup, and has forgotten what this device has seen. Call it
        when every stream with pending events has caught up, before they leave: an edit whose place is still to come
        would be made twice.

        Returns:
            What to tell the listener.
        """
        told = []
        with self._state.lock:
            for event in list(self._state.outbox):
                if not self._has_place(event):
                    lost = Nack(event.pending.stream, event.pending.seq, "orphan", "its place in the list is gone")
                    refusal = self.refused(lost)
                    if refusal is not None:  # else another process of this store was quicker
                        told.append(refusal)
        return told

    def _has_place(self, event: OwnEvent) -> bool:
        data = event.event.data
        if not isinstance(data, ListInserted | ListMoved) or data.parent is None:
            return True
        try:
            self._lists.view(event.pending.stream, data.list).place(ItemId(data.parent))
        except NotFound:
            return False
        return True

    def _remember_neighbours(self, refused: OwnEvent) -> None:
        """Note where the list edits show that will be orphans, before what they hang on is gone."""
        lost = {refused.id}
        for event in self._state.outbox:
            data = event.event.data
            if event.pending.stream != refused.pending.stream or lost.isdisjoint(references(event.event.kind, data)):
                continue
            lost.add(event.id)
            if isinstance(data, ListInserted | ListMoved) and event.n not in self._left:
                first = item_id(event.id, 0) if isinstance(data, ListInserted) else ItemId(data.ids[0])
                view = self._lists.view(event.pending.stream, data.list)
                if view.shows(first):
                    self._left[event.n] = _left_of(view, first, not_of=refused)

    def _make_again(self, event: OwnEvent) -> bool:
        """Whether there was anything left of the event to be made again."""
        data = event.event.data
        view = self._lists.view(event.pending.stream, data.list)
        try:
            again = self._edit(event, data, view)
        except NotFound:
            return False  # what it was about is not there any more
        if again is None:
            return False
        made = self._state.act(lambda: Draft(event.event.kind, again, event.pending.stream))
        self._state.outbox.remember(event.id, made)
        return True

    def _edit(self, event: OwnEvent, data: EventData, view: ListView) -> EventData | None:
        stream = event.pending.stream
        match data:
            case ListInserted():
                at_end, left = self._place(event, view)
                return edits.insert_at_end(view, data.items) if at_end else edits.insert_after(view, left, data.items)
            case ListMoved():
                ids = self._known(stream, data.ids, view)
                at_end, left = self._place(event, view)
                if not ids:
                    return None
                end = len(view) - sum(map(view.shows, ids))
                return edits.move_to(view, ids, end) if at_end else edits.move_after(view, ids, left)
            case ListRemoved() | ListRestored():
                ids = self._known(stream, data.ids, view)
                edit = edits.remove if isinstance(data, ListRemoved) else edits.restore
                return edit(view, ids) if ids else None
            case ListMovedBack():
                item, slot = self._now(stream, data.item), self._now(stream, data.slot)
                view.slot_of(item)
                view.place(slot)
                return ListMovedBack(data.list, item, slot)
        return None

    def _place(self, event: OwnEvent, view: ListView) -> tuple[bool, ItemId | None]:
        """Whether the edit goes to the end; else the entry it goes after."""
        if event.n not in self._left:
            return True, None
        left = self._left.pop(event.n)
        if left is None:
            return False, None
        known = self._known(event.pending.stream, [left], view)
        return (False, known[0]) if known else (True, None)

    def _known(self, stream: str, ids: Iterable[str], view: ListView) -> list[ItemId]:
        """The entries under their present names, without those that are not in the list."""
        known: list[ItemId] = []
        for id_ in (self._now(stream, id_) for id_ in ids):
            try:
                view.slot_of(id_)
            except NotFound:
                continue
            known.append(id_)
        return known

    def _now(self, stream: str, id_: str) -> ItemId:
        return ItemId(self._state.outbox.now_called(stream, id_))


def _left_of(view: ListView, item: ItemId, *, not_of: OwnEvent) -> ItemId | None:
    """The entry that shows before another one and will still be there without an event."""
    index = view.index_of(item)
    for entry in reversed(view.slice(0, index)):
        if not entry.id.startswith(f"{not_of.id}."):
            return entry.id
    return None
