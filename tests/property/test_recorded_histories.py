"""Editing histories recorded from people at work, replayed through edits, lowering and views, without any network.

Each inserted character is a track put into a playlist, each deletion a removal, so the playlist must end as the text
that was recorded. The histories lie beside the project, in `../shared/data` (CC BY 4.0, see the README there).
"""

from __future__ import annotations

import gzip
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.limits import ITEMS_MAX
from syncd.model import edits
from syncd.model.events import Event
from syncd.model.views.lists import list_view
from syncd.model.views.live_list import ListView
from syncd.testing.list_replica import ListReplica

DATA = Path(__file__).parents[3] / "shared" / "data"
HISTORIES = ("sveltecomponent", "friendsforever_flat")
PATCHES_OF_TWO = 6_000
"""With so many of their patches two replicas take a second; with all of them, four."""
Patch = tuple[int, int, str]
"""(position, characters deleted there, text inserted there), as `Array.splice` takes them."""


def history(name: str) -> tuple[list[Patch], str]:
    """All patches of a history, and the text they end with."""
    path = DATA / f"{name}.json.gz"
    if not path.exists():
        pytest.skip(f"{path.name} is not in {DATA}: the recorded histories are not part of the project")
    recorded = json.loads(gzip.decompress(path.read_bytes()))
    assert recorded["startContent"] == ""
    return [tuple(patch) for txn in recorded["txns"] for patch in txn["patches"]], recorded["endContent"]


def type_patch(replica: ListReplica, patch: Patch) -> Iterator[Event]:
    """One patch as events: the removals, then the insertions, at most 500 in one."""
    position, deleted, inserted = patch
    while deleted > 0:
        block = replica.view.slice(position, position + min(deleted, ITEMS_MAX))
        yield replica.emit(edits.remove(replica.view, [entry.id for entry in block]))
        deleted -= len(block)
    for start in range(0, len(inserted), ITEMS_MAX):
        items = [{"track": character} for character in inserted[start : start + ITEMS_MAX]]
        yield replica.emit(edits.insert_at(replica.view, position + start, items))


def text(view: ListView) -> str:
    return "".join(str(entry.item["track"]) for entry in view.items())


@pytest.mark.parametrize("name", HISTORIES)
def test_one_replica_ends_with_the_recorded_text(name: str) -> None:
    patches, expected = history(name)
    writer = ListReplica("ann")
    for patch in patches:
        for _ in type_patch(writer, patch):
            pass
    assert text(writer.view) == expected
    assert list_view(writer.cells, "items") == writer.view.items()


@pytest.mark.parametrize("name", HISTORIES)
def test_two_replicas_that_take_turns_end_with_the_recorded_text(name: str) -> None:
    """Who writes changes again and again, so that runs hang on runs of the other. A third replica hears of it all late
    and in disorder."""
    patches, expected = history(name)
    if os.environ.get("HYPOTHESIS_PROFILE") != "deep":  # all of it takes longer than the rest of the folder
        patches = patches[:PATCHES_OF_TWO]
        expected = plain_text(patches)
    rng = random.Random(0)
    writing, reading = ListReplica("ann"), ListReplica("bob")
    for patch in patches:
        for event in type_patch(writing, patch):
            reading.sees(event)
        if rng.random() < 0.3:
            writing, reading = reading, writing
    assert text(writing.view) == text(reading.view) == expected

    cells = list(writing.cells.items())
    rng.shuffle(cells)
    late = ListView("items")
    for start in range(0, len(cells), 1_000):
        late.apply(dict(cells[start : start + 1_000]))
    assert text(late) == expected


def plain_text(patches: list[Patch]) -> str:
    characters: list[str] = []
    for position, deleted, inserted in patches:
        characters[position : position + deleted] = inserted
    return "".join(characters)
