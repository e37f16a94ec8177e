"""What a list shows, read from cells at once: the queue, the items of a playlist, the sidebar.

This is the rule as it is written, and the measure for `syncd.model.views.live_list`, which keeps the same answer up to
date. Source: merge.md section 3.1; the sidebar 3.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import cast

from syncd.model.cells import Cell
from syncd.model.events import ListName
from syncd.model.ids import EventId, ItemId, WriterId, from_key_part, item_id
from syncd.model.order.blocks import ItemView
from syncd.model.order.tree import RunFields, Tree, run_of
from syncd.model.views.visibility import Visibility

NOTHING: AbstractSet[ItemId] = frozenset()


def list_view(
    cells: Mapping[str, Cell], list_name: ListName, *, consumed: AbstractSet[ItemId] = NOTHING
) -> list[ItemView]:
    """The entries of a list that show, in order.

    An entry sits at the slot its `at` register names, if that slot is in the order, else at its own; if neither is,
    its run's parent has not arrived yet and it does not show. Two in one slot stand by item id.

    Args:
        cells: of the list's stream; cells of other things are passed over.
        consumed: of the queue, the entries that were played (syncd.model.views.playback).
    """
    runs: dict[EventId, Cell] = {}
    at: dict[ItemId, ItemId] = {}
    visibility = Visibility(consumed)
    for key, cell in cells.items():
        of_list, _, rest = key.partition("/")
        if of_list != list_name:
            continue
        part, _, name = rest.partition("/")
        if part == "run":
            runs[EventId(name)] = cell
        elif part == "at":
            at[ItemId(name)] = cast(ItemId, cell.value)
        elif part == "on":
            visibility.set_on(ItemId(name), cell)
        elif part == "cleared":
            visibility.set_cleared(WriterId(name), cell)
    order = Tree(run_of(run_id, cell.value) for run_id, cell in runs.items()).order()
    index_of = {slot: index for index, slot in enumerate(order)}
    seated: list[tuple[int, ItemView]] = []
    for run_id, cell in runs.items():
        for entry in inserted_items(run_id, cell):
            if visibility.shows(entry.id):
                index = index_of.get(at.get(entry.id, entry.id), index_of.get(entry.id))
                if index is not None:
                    seated.append((index, entry))
    seated.sort()  # by place, then by id; no two ids are equal, so items are never compared
    return [entry for _, entry in seated]


def seen(cells: Mapping[str, Cell], list_name: ListName) -> dict[str, int]:
    """Per writer, the largest seq of the list's runs: what a `list.cleared` made now has seen."""
    prefix = f"{list_name}/run/"
    return seen_in(EventId(key[len(prefix) :]) for key in cells if key.startswith(prefix))


def seen_in(run_ids: Iterable[EventId]) -> dict[str, int]:
    """Per writer, the largest seq of these runs."""
    largest: dict[str, int] = {}
    for run_id in run_ids:
        writer, _, seq = run_id.partition(".")
        largest[writer] = max(int(seq), largest.get(writer, 0))
    return largest


def sidebar_view(cells: Mapping[str, Cell], *, hidden: AbstractSet[str] = frozenset()) -> list[str]:
    """The ids of an account's playlists as its sidebar orders them.

    The account's playlists are its `library/playlists/<id>` cells that are true. Their places are the first entries of
    each in the `sidebar` list, whose items are `{playlist}`; those without a place come at the end, in the order in
    which they were added.

    Args:
        cells: of the account's stream.
        hidden: playlists that are deleted or that the account may no longer read; their own streams tell.
    """
    prefix = "library/playlists/"
    added = sorted((cell.rank, key) for key, cell in cells.items() if key.startswith(prefix) and cell.value is True)
    library = [from_key_part(key[len(prefix) :]) for _, key in added]
    places = (entry.item.get("playlist") for entry in list_view(cells, "sidebar"))
    placed = dict.fromkeys(playlist for playlist in places if isinstance(playlist, str))
    ours = set(library) - hidden
    return [playlist for playlist in dict.fromkeys([*placed, *library]) if playlist in ours]


def inserted_items(run_id: EventId, cell: Cell) -> list[ItemView]:
    """The items that a run brought, each under its id; none if it is the run of a move."""
    items = cast(RunFields, cell.value).get("items", [])
    return [ItemView(item_id(run_id, k), item) for k, item in enumerate(items)]
