"""A list that a listener edits: the queue, the items of a playlist, the places of the playlists.

Every edit works on the list as it shows on this device, needs no connection, and merges with what others do meanwhile.
More than 500 tracks at once become several events. Source: merge.md section 3.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Protocol

from syncd.client.done import Done
from syncd.client.draft import Draft
from syncd.client.lists import Lists
from syncd.client.local_state import LocalState
from syncd.client.own_event import OwnEvent
from syncd.limits import ITEMS_MAX
from syncd.model import edits
from syncd.model.events import EventData, JsonObject, ListMovedBack, ListName, ListRemoved, ListRestored
from syncd.model.ids import ItemId, item_id
from syncd.model.order.blocks import ItemView
from syncd.model.views.live_list import ListView


class _Place(Protocol):
    def __call__(self, view: ListView, items: Sequence[JsonObject], last: ItemId | None) -> EventData:
        """The event that inserts items; `last` is the last entry of the chunk that was inserted before them."""


class EditableList:
    """See the module's first lines. Tracks are given by id, or as objects with a `track` and whatever else."""

    def __init__(self, state: LocalState, lists: Lists, stream: str, name: ListName) -> None:
        self._state = state
        self._lists = lists
        self._stream = stream
        self._name: ListName = name

    # --- what shows ---

    @property
    def items(self) -> list[ItemView]:
        """The entries in order: `id`, and `item` as it was added."""
        with self._state.lock:
            return self._view.items()

    @property
    def tracks(self) -> list[str]:
        """The tracks in order."""
        return [str(entry.item["track"]) for entry in self.items]

    def slice(self, start: int, stop: int) -> list[ItemView]:
        """The entries from `start` up to but not including `stop`; cheap in a long list."""
        with self._state.lock:
            return self._view.slice(start, stop)

    def __len__(self) -> int:
        with self._state.lock:
            return len(self._view)

    def __iter__(self) -> Iterator[ItemView]:
        return iter(self.items)

    # --- what changes it ---

    def add(self, *tracks: str | JsonObject) -> Done:
        """Add tracks to the end."""
        return self._insert(tracks, _at_end)

    def insert(self, index: int, *tracks: str | JsonObject) -> Done:
        """Add tracks so that the first shows at an index, 0 to the length, as Python's `list.insert` does.

        Raises:
            NotFound: the index is outside.
        """

        def place(view: ListView, items: Sequence[JsonObject], last: ItemId | None) -> EventData:
            return edits.insert_at(view, index, items) if last is None else edits.insert_after(view, last, items)

        return self._insert(tracks, place)

    def insert_after(self, entry: str | None, *tracks: str | JsonObject) -> Done:
        """Add tracks right after an entry; None stands for the start.

        Raises:
            NotFound: the list never had the entry.
        """

        def place(view: ListView, items: Sequence[JsonObject], last: ItemId | None) -> EventData:
            return edits.insert_after(view, self._now(entry) if last is None else last, items)

        return self._insert(tracks, place)

    def remove(self, *entries: str) -> Done:
        """Take entries out, by id.

        Raises:
            NotFound: the list never had one of them.
        """

        def restore(event: OwnEvent, mine: AbstractSet[str]) -> Iterable[Draft]:
            return self._restored([id_ for id_ in event.event.data.ids if f"{self._name}/on/{id_}" in mine])

        ids = self._all_now(entries)
        chunks = [ids[i : i + ITEMS_MAX] for i in range(0, len(ids), ITEMS_MAX)] or [[]]
        events = [self._edit("list.removed", partial(edits.remove, ids=chunk)) for chunk in chunks]
        return Done(self._state, events, restore)

    def move(self, *entries: str, to: int) -> Done:
        """Move entries, as one block in the order given, to an index of the list without them.

        Raises:
            NotFound: the list never had one of them, or the index is outside.
            LimitExceeded: more than 500 entries.
        """
        return self._move(entries, lambda view, ids: edits.move_to(view, ids, to))

    def move_after(self, *entries: str, left: str | None) -> Done:
        """Move entries, as one block in the order given, right after another one; None stands for the start.

        Raises:
            NotFound: the list never had one of them.
            LimitExceeded: more than 500 entries.
        """
        return self._move(entries, lambda view, ids: edits.move_after(view, ids, self._now(left)))

    def clear(self) -> Done:
        """Take out all that this device knows of. What others add meanwhile stays."""
        with self._state.lock:
            showed = [entry.id for entry in self.items]
            event = self._edit("list.cleared", edits.clear)

        def restore(event: OwnEvent, mine: AbstractSet[str]) -> Iterable[Draft]:
            ids = self._all_now(showed)
            gone = [id_ for id_ in ids if not self._view.shows(id_)]
            return self._restored(gone) if mine else []

        return Done(self._state, [event], restore)

    # --- inside ---

    @property
    def _view(self) -> ListView:
        return self._lists.view(self._stream, self._name)

    def _edit(self, kind: str, edit: Callable[[ListView], EventData]) -> OwnEvent:
        return self._state.act(lambda: Draft(kind, edit(self._view), self._stream))

    def _insert(
        self,
        tracks: Sequence[str | JsonObject],
        place: _Place,
    ) -> Done:
        items: list[JsonObject] = [{"track": track} if isinstance(track, str) else track for track in tracks]
        chunks = [items[i : i + ITEMS_MAX] for i in range(0, len(items), ITEMS_MAX)] or [[]]
        events: list[OwnEvent] = []
        last: ItemId | None = None
        with self._state.lock:
            for chunk in chunks:
                event = self._edit("list.inserted", partial(place, items=chunk, last=last))
                events.append(event)
                last = item_id(event.id, len(chunk) - 1)

        def restore(event: OwnEvent, mine: AbstractSet[str]) -> Iterable[Draft]:
            ids = [item_id(event.id, k) for k in range(len(event.event.data.items))]
            there = [id_ for id_ in ids if self._view.shows(id_)]
            return [Draft("list.removed", ListRemoved(self._name, [*there]), self._stream)] if there else []

        return Done(self._state, events, restore)

    def _move(self, entries: Sequence[str], edit: Callable[[ListView, list[ItemId]], EventData]) -> Done:
        with self._state.lock:
            ids = self._all_now(entries)
            before = {id_: self._view.slot_of(id_) for id_ in ids}
            event = self._edit("list.moved", lambda view: edit(view, self._all_now(entries)))

        def restore(event: OwnEvent, mine: AbstractSet[str]) -> Iterable[Draft]:
            for id_, slot in before.items():
                item, slot_now = self._all_now([id_, slot])
                if f"{self._name}/at/{item}" in mine:
                    yield Draft("list.moved_back", ListMovedBack(self._name, item, slot_now), self._stream)

        return Done(self._state, [event], restore)

    def _restored(self, ids: Sequence[ItemId]) -> list[Draft]:
        chunks = [ids[i : i + ITEMS_MAX] for i in range(0, len(ids), ITEMS_MAX)]
        return [Draft("list.restored", ListRestored(self._name, list(chunk)), self._stream) for chunk in chunks]

    def _all_now(self, ids: Iterable[str]) -> list[ItemId]:
        """Ids as they are called now: a caller may hold one from before the server gave this store its writer."""
        return [ItemId(self._state.outbox.now_called(self._stream, id_)) for id_ in ids]

    def _now(self, id_: str | None) -> ItemId | None:
        return None if id_ is None else self._all_now([id_])[0]


def _at_end(view: ListView, items: Sequence[JsonObject], last: ItemId | None) -> EventData:
    return edits.insert_at_end(view, items)
