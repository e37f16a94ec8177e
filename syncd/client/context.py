"""What a session plays from, and what comes next in it.

"Next" is resolved by the device that presses it: the first entry of the queue that was not played, else the context,
else its beginning if everything repeats, else whatever the radio offers. A shuffled context is in the same order on
every device. Source: merge.md section 3.2.

A context is free JSON. Two forms are understood here, `{"playlist": id}` and `{"tracks": [track, …]}`; an app that has
others gives a `Contexts` of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

from syncd.client.json_like import JsonLike
from syncd.client.lists import Lists
from syncd.client.local_state import LocalState
from syncd.client.playlist import playlist_stream
from syncd.errors import NotFound
from syncd.model.canonical import Json
from syncd.model.events import JsonObject
from syncd.model.ids import EventId, ItemId
from syncd.model.order.tree import Tree, run_of
from syncd.model.shuffle import shuffled, upcoming
from syncd.model.views.modes import ModesView, modes_view
from syncd.model.views.plays import Play, Plays
from syncd.model.views.under import under
from syncd.protocol.client_session import OWN_STREAM

Contexts: TypeAlias = Callable[[Any], Sequence[JsonObject] | None]
"""The items of a context in order, each with `id` and `track`, perhaps `duration_ms`; None for one it does not know."""
Radio: TypeAlias = Callable[[Any], "JsonObject | None"]
"""What to play when a context is over: an item with `id` and `track`; None for silence."""


class Upcoming:
    """Resolves next and previous on what shows here."""

    def __init__(self, state: LocalState, lists: Lists, *, contexts: Contexts | None, radio: Radio | None) -> None:
        self._state = state
        self._lists = lists
        self._contexts = contexts
        self._radio = radio

    @property
    def modes(self) -> ModesView:
        """Shuffle, repeat, sleep timer."""
        return modes_view(self._state.replicas.get(OWN_STREAM).shown.of("mode"))

    def items(self, context: JsonLike) -> list[JsonObject]:
        """The items of a context in their own order; none of one that nobody here understands."""
        if self._contexts is not None:
            items = self._contexts(context)
            if items is not None:
                return list(items)
        if not isinstance(context, dict):
            return []
        playlist, tracks = context.get("playlist"), context.get("tracks")
        if isinstance(playlist, str):
            entries = self._lists.view(playlist_stream(playlist), "items").items()
            return [{**entry.item, "id": entry.id} for entry in entries]
        if isinstance(tracks, list):
            return [{"id": str(place), "track": track} for place, track in enumerate(tracks)]
        return []

    def after(self, head: Play, *, automatic: bool) -> JsonObject | None:
        """What comes after a play, as an event names it; None when there is nothing."""
        if automatic and self.modes.repeat == "one":
            return played_item(cast(JsonObject, head.item), cast(str, head.item["from"]))
        queue = self._lists.view(OWN_STREAM, "queue").slice(0, 1)
        if queue:
            return played_item({**queue[0].item, "id": queue[0].id}, "queue")
        plays = self._lists.plays()
        context = self._context_of(plays, head)
        item = self._after_in_context(plays, head, context)
        if item is None and self._radio is not None:
            item = self._radio(context)
        return None if item is None else played_item(item, "context")

    def before(self, head: Play) -> JsonObject | None:
        """What came before a play in its context; None at the beginning."""
        plays = self._lists.plays()
        items = self.items(self._context_of(plays, head))
        current = _of_context(plays, head)
        if current is None or not items:
            return None
        if head.item["from"] == "queue":
            return played_item(cast(JsonObject, current.item), "context")
        order = self._order(plays, head, items)
        place = order.index(str(current.item["id"])) if current.item["id"] in order else 0
        if place == 0 and self.modes.repeat != "all":
            return None
        return played_item(_find(items, order[place - 1]), "context")

    def _after_in_context(self, plays: Plays, head: Play, context: Json) -> JsonObject | None:
        items = self.items(context)
        if not items:
            return None
        current = _of_context(plays, head)
        if current is None:
            return items[0]
        id_ = str(current.item["id"])
        ids = [str(item["id"]) for item in items]
        modes = self.modes
        if modes.shuffle.on:
            ahead = upcoming(ids, modes.shuffle.seed, current=id_, first=self._first_of_round(plays, head, id_))
        else:
            ahead = ids[ids.index(id_) + 1 :] if id_ in ids else self._after_stranger(context, ids, id_)
        if ahead:
            return _find(items, ahead[0])
        return _find(items, self._order(plays, head, items)[0]) if modes.repeat == "all" else None

    def _after_stranger(self, context: Json, ids: list[str], id_: str) -> list[str]:
        """What comes after an item that is not in its context.

        An entry that was taken out of its playlist while it sounded has left its slot there; what never was in the
        context comes before all of it.
        """
        if not isinstance(context, dict) or not isinstance(context.get("playlist"), str):
            return ids
        stream = playlist_stream(str(context["playlist"]))
        view = self._lists.view(stream, "items")
        try:
            slot = view.slot_of(ItemId(id_))
        except NotFound:
            return ids
        runs = under(self._state.replicas.get(stream).shown.of("items"), "items/run/")
        slots = Tree(run_of(EventId(run_id), cell.value) for run_id, cell in runs).order()
        behind = set(slots[slots.index(slot) + 1 :])
        return [entry.id for entry in view.items() if view.slot_of(entry.id) in behind]

    def _order(self, plays: Plays, head: Play, items: list[JsonObject]) -> list[str]:
        """The ids of a context in the order they are played in."""
        ids = [str(item["id"]) for item in items]
        shuffle = self.modes.shuffle
        if not shuffle.on:
            return ids
        current = _of_context(plays, head)
        first = None if current is None else self._first_of_round(plays, head, str(current.item["id"]))
        return shuffled(ids, shuffle.seed, current=first)

    def _first_of_round(self, plays: Plays, head: Play, current: str) -> str:
        """The item that the shuffled order begins with: what sounded when the epoch began, or shuffle was set in it."""
        cell = self._state.replicas.get(OWN_STREAM).shown.get("mode/shuffle")
        set_at = "" if cell is None else cell.rank
        first = current
        for play in plays.chain(head):
            if play.epoch != head.epoch:
                break
            if play.item["from"] == "context":
                first = str(play.item["id"])
                if play.rank < set_at:
                    break
        return first

    def _context_of(self, plays: Plays, head: Play) -> Json:
        start = plays.start_of(head)
        return None if start is None else start.context


def _of_context(plays: Plays, head: Play) -> Play | None:
    """The last play of the context: the head, or what led to it while the queue was played."""
    return next((play for play in plays.chain(head) if play.item["from"] == "context"), None)


def _find(items: list[JsonObject], id_: str) -> JsonObject:
    return next(item for item in items if item["id"] == id_)


def played_item(item: JsonObject, from_: str) -> dict[str, Any]:
    """An item as a play names it, with whatever else it says; `from_` is "context" or "queue"."""
    return {**item, "from": from_, "id": str(item["id"])}
