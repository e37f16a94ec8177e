"""A list that several people edit, each on what they have seen: the stage of the stories of lists."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from syncd.model import edits
from syncd.model.cells import Cells, fold
from syncd.model.events import (
    Event,
    EventData,
    ListCleared,
    ListInserted,
    ListMoved,
    ListMovedBack,
    ListName,
    ListRemoved,
    ListRestored,
)
from syncd.model.ids import ItemId
from syncd.model.lowering import lower
from syncd.model.views.live_list import ListView
from syncd.operations.schemas.samples.events import PLAYLIST
from syncd.operations.schemas.vectors.case import Case
from syncd.operations.schemas.vectors.story import Story, item_of

# The kind that carries the data of an edit.
_KINDS: dict[type[EventData], str] = {
    ListInserted: "list.inserted",
    ListMoved: "list.moved",
    ListMovedBack: "list.moved_back",
    ListRemoved: "list.removed",
    ListRestored: "list.restored",
    ListCleared: "list.cleared",
}


ASKED_ENTRIES = 8
"""After how many of the entries that show it is asked where a new run would hang."""


class Editing(Story):
    """One list that several people edit, each on what they have seen."""

    def __init__(self, name: ListName = "items", *, stream: str = PLAYLIST) -> None:
        super().__init__(stream=stream)
        self.name = name
        self.known: dict[str, Cells] = {}

    def edit(self, who: str, at_ms: int, data: EventData) -> Event:
        """An edit, known to its maker at once."""
        event = self.emit(who, at_ms, _KINDS[type(data)], **msgspec.to_builtins(data))
        self.sees(who, event)
        return event

    def sees(self, who: str, *events: Event) -> None:
        for event in events:
            fold(self.known.setdefault(who, {}), lower(event))

    def all_see(self, *who: str) -> None:
        for each in who:
            self.sees(each, *self.events)

    def view(self, who: str) -> ListView:
        """The list as somebody sees it."""
        return ListView(self.name, self.known.get(who, {}))

    def add(self, who: str, at_ms: int, *tracks: str, left: ItemId | None = None) -> Event:
        """Right after an entry; at the start without one."""
        return self.edit(who, at_ms, edits.insert_after(self.view(who), left, items(tracks)))

    def append(self, who: str, at_ms: int, *tracks: str) -> Event:
        return self.edit(who, at_ms, edits.insert_at_end(self.view(who), items(tracks)))

    def move(self, who: str, at_ms: int, ids: Sequence[ItemId], left: ItemId | None) -> Event:
        return self.edit(who, at_ms, edits.move_after(self.view(who), ids, left))

    def remove(self, who: str, at_ms: int, *ids: ItemId) -> Event:
        return self.edit(who, at_ms, edits.remove(self.view(who), ids))

    def restore(self, who: str, at_ms: int, *ids: ItemId) -> Event:
        return self.edit(who, at_ms, edits.restore(self.view(who), ids))

    def clear(self, who: str, at_ms: int) -> Event:
        return self.edit(who, at_ms, edits.clear(self.view(who)))

    def base(self, *tracks: str) -> list[ItemId]:
        """A beginning that `ann`, `bob` and `cy` have seen; the ids of its entries."""
        event = self.append("ann", 0, *tracks)
        self.all_see("bob", "cy")
        return [item_of(event, k) for k in range(len(tracks))]

    def case(self, name: str) -> Case:
        """Whatever else is asked: what shows, the full order, and where new runs go."""
        self.ask("queue" if self.name == "queue" else self.name)
        self.ask("slots", list=self.name)
        self.ask("place_at_end", list=self.name)
        self.ask("place_after", list=self.name, left=None)
        showing = [entry.id for entry in ListView(self.name, self.cells()).items()]
        for index, left in enumerate(showing[:ASKED_ENTRIES]):
            self.ask("place_after", list=self.name, left=left)
            self.ask("insert_at", list=self.name, index=index)
        if len(showing) > 2:
            first, second, *_ = showing
            self.ask("move_to", list=self.name, ids=[first], index=1)
            self.ask("move_to", list=self.name, ids=[second, first], index=len(showing) - 2)
        self.ask("seen", list=self.name)
        return super().case(name)


def items(tracks: Sequence[str]) -> list[dict[str, object]]:
    return [{"track": track} for track in tracks]
