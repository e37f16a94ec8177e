"""Stories: a few devices make events, some unaware of others; every order of delivery must show the same.

A story asks views of the cells that its events come to. `view` names the view; the rest are its arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from syncd.model import edits
from syncd.model.cells import Cells, digest, fold
from syncd.model.events import EVENTS, Event, ListInserted, ListMoved, ListName
from syncd.model.ids import EventId, ItemId, event_id, item_id
from syncd.model.lowering import lower
from syncd.model.order.tree import Tree, run_of
from syncd.model.stamp import HybridClock
from syncd.model.views.access import access_of
from syncd.model.views.devices import devices_view
from syncd.model.views.history import history_view
from syncd.model.views.library import library_view
from syncd.model.views.lists import list_view, seen, sidebar_view
from syncd.model.views.live_list import ListView
from syncd.model.views.modes import modes_view
from syncd.model.views.playback import playback_view
from syncd.model.views.playlist import playlist_view
from syncd.model.views.plays import Plays, consumed, shown_head
from syncd.model.views.progress import progress_view, through
from syncd.model.views.settings import settings_view
from syncd.model.views.sounding import commands
from syncd.operations.schemas.samples.events import ACCOUNT
from syncd.operations.schemas.vectors.case import Case, event_json, permutations

START_MS = 1_763_870_000_000
"""When every story begins."""


def _playback(cells: Cells, *, at_ms: int, device: str | None = None) -> object:
    return playback_view(cells, at_ms, device=device)


def _answers(cells: Cells, *, device: str | None = None) -> object:
    plays = Plays(cells)
    head = shown_head(plays, device)
    start = None if head is None else plays.start_of(head)
    return None if head is None or start is None else commands(cells, head, str(start.device)).answers


def _queue(cells: Cells, *, device: str | None = None) -> object:
    return _entries(list_view(cells, "queue", consumed=consumed(cells, device=device)))


def _entries(entries: Any) -> object:
    return [{"id": entry.id, "item": entry.item} for entry in entries]


def _library(cells: Cells) -> object:
    return {set_: [[id_, value] for id_, value in ids.items()] for set_, ids in library_view(cells).items()}


def _access(cells: Cells, *, account: str, owner: str, kind: str) -> object:
    access = access_of(cells, account, owner)
    return {"role": access.role, "may_subscribe": access.may_subscribe(), "may_write": access.may_write(kind)}


def _slots(cells: Cells, *, list: str) -> object:
    prefix = f"{list}/run/"
    runs = ((EventId(key[len(prefix) :]), cell.value) for key, cell in cells.items() if key.startswith(prefix))
    return Tree(run_of(run_id, value) for run_id, value in runs).order()


def _place_after(cells: Cells, *, list: ListName, left: ItemId | None) -> object:
    view = ListView(list, cells)
    return view.place(None if left is None else view.slot_of(left))._asdict()


def _insert_at(cells: Cells, *, list: ListName, index: int) -> object:
    return _where(edits.insert_at(ListView(list, cells), index, [{"track": "new"}]))


def _move_to(cells: Cells, *, list: ListName, ids: Sequence[ItemId], index: int) -> object:
    return _where(edits.move_to(ListView(list, cells), ids, index))


def _where(data: ListInserted | ListMoved) -> object:
    return {"parent": data.parent, "side": data.side}


VIEWS: Mapping[str, Callable[..., object]] = {
    "playback": _playback,
    "answers": _answers,
    "modes": modes_view,
    "queue": _queue,
    "items": lambda cells: _entries(list_view(cells, "items")),
    "slots": _slots,
    "place_after": _place_after,
    "place_at_end": lambda cells, list: ListView(list, cells).place_at_end()._asdict(),
    "insert_at": _insert_at,
    "move_to": _move_to,
    "seen": lambda cells, list: seen(cells, list),
    "sidebar": lambda cells, hidden: sidebar_view(cells, hidden=frozenset(hidden)),
    "playlist": playlist_view,
    "access": _access,
    "library": _library,
    "settings": settings_view,
    "progress": progress_view,
    "through": lambda cells, episode: through(cells, episode),
    "history": history_view,
    "devices": devices_view,
}
"""What may be asked of a story's cells, by name.

`answers` are what a report must answer; `slots` the full order of a list; `place_after`, `place_at_end`, `insert_at`
and `move_to` where to hang a new run; `seen` what a clear has seen; `through` the listen-through of an episode. A
library is answered as pairs, because its ids have an order.
"""


class Story:
    """Events in the order they were made, and the questions to ask in the end."""

    def __init__(self, *, stream: str = ACCOUNT) -> None:
        self.stream = stream
        self.events: list[Event] = []
        self._asked: list[dict[str, Any]] = []
        self._clocks: dict[str, HybridClock] = {}
        self._seqs: dict[str, int] = {}

    def emit(self, who: str, at_ms: int, kind: str, /, **data: Any) -> Event:
        """An event of the writer named after `who`, `at_ms` after the start; times rise within a writer."""
        writer = who.ljust(10, "0")
        t = self._clocks.setdefault(writer, HybridClock()).tick(START_MS + at_ms)
        self._seqs[writer] = seq = self._seqs.get(writer, 0) + 1
        typed = msgspec.convert(data, EVENTS[kind]) if kind in EVENTS else data
        self.events.append(Event(self.stream, writer, seq, t, kind, typed))
        return self.events[-1]

    def again(self, event: Event, *, later_t: int) -> None:
        """The same event, admitted a second time with another time."""
        self.events.append(msgspec.structs.replace(event, t=event.t + later_t))

    def ask(self, view: str, **arguments: Any) -> None:
        """Ask for a view; `at_ms` counts from the start."""
        if "at_ms" in arguments:
            arguments["at_ms"] += START_MS
        self._asked.append({"view": view, **arguments})

    def cells(self) -> Cells:
        """What the events come to."""
        cells: Cells = {}
        for event in self.events:
            fold(cells, lower(event))
        return cells

    def case(self, name: str) -> Case:
        """The story as a case: its questions are answered from its cells."""
        cells = self.cells()
        answers = []
        for asked in self._asked:
            arguments = {name: value for name, value in asked.items() if name != "view"}
            answers.append(msgspec.to_builtins(VIEWS[asked["view"]](cells, **arguments)))
        given = {
            "events": [event_json(event) for event in self.events],
            "permutations": permutations(len(self.events), seed=name),
            "views": self._asked,
        }
        return Case(name, given, {"digest": digest(cells), "views": answers})


def id_of(event: Event) -> EventId:
    """The event's id."""
    return event_id(event.writer, event.seq)


def item_of(event: Event, k: int = 0) -> ItemId:
    """The id of the k-th item of a `list.inserted`, which is its slot's id as well."""
    return item_id(id_of(event), k)
