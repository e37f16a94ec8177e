"""Stories of lists: where entries stand, what shows, where the next one goes."""

from __future__ import annotations

import random
from collections.abc import Callable

from syncd.model import edits
from syncd.model.events import ListName
from syncd.operations.schemas.samples.events import ACCOUNT, PLAYLIST
from syncd.operations.schemas.vectors.case import Vectors, distinct, drawn
from syncd.operations.schemas.vectors.stories.editing import Editing, items
from syncd.operations.schemas.vectors.story import item_of

_TOLD: list[tuple[Callable[[Editing], None], ListName]] = []


def told(tell: Callable[[Editing], None]) -> Callable[[Editing], None]:
    """Tell this story of a playlist's items too."""
    _TOLD.append((tell, "items"))
    return tell


def told_of_queue(tell: Callable[[Editing], None]) -> Callable[[Editing], None]:
    """Tell this story of the queue too."""
    _TOLD.append((tell, "queue"))
    return tell


# --- adding ---


@told
def nothing_yet(story: Editing) -> None:
    """an empty list"""


@told_of_queue
def play_next_twice(story: Editing) -> None:
    """two devices "play next", 5 ms apart: the later first"""
    story.base("Y", "Z", "W")
    story.add("ann", 1_000, "a1", "a2")
    story.add("bob", 1_005, "b1")


@told_of_queue
def both_add_to_the_end(story: Editing) -> None:
    """both add to the end: the first first"""
    story.base("Y", "Z", "W")
    story.append("ann", 1_000, "x")
    story.append("bob", 1_001, "y")


@told
def both_append_one_by_one(story: Editing) -> None:
    """both append three, one by one: a0 a1 a2 b0 b1 b2"""
    for n in range(3):
        story.append("ann", n, f"a{n}")
        story.append("bob", 10 + n, f"b{n}")


@told
def both_insert_in_the_middle(story: Editing) -> None:
    """both insert three tracks one by one in the middle: two blocks"""
    left, _ = story.base("first", "last")
    after = {"ann": left, "bob": left}
    for n in range(3):
        for who in after:
            after[who] = item_of(story.add(who, 1_000 + n, f"{who}{n}", left=after[who]))


@told
def each_before_the_last(story: Editing) -> None:
    """one person, always to the start: last first"""
    for n in range(5):
        story.add("ann", n, f"t{n}")


@told
def same_song_twice(story: Editing) -> None:
    """two people add the same song: two entries"""
    story.base("T")
    story.append("ann", 1_000, "S")
    story.append("bob", 1_001, "S")


@told
def inside_a_run(story: Editing) -> None:
    """between the items of one event, by two people, then inside that"""
    ids = story.base("a", "b", "c", "d")
    bob = story.add("bob", 1_000, "x", "y", left=ids[1])
    story.add("cy", 1_001, "z", left=ids[1])
    story.sees("ann", bob)
    story.add("ann", 2_000, "w", left=item_of(bob))


# --- removing, restoring, clearing ---


@told
def first_of_three(story: Editing) -> None:
    """T U T, the first T removed: U T"""
    ids = story.base("T", "U", "T")
    story.remove("bob", 1_000, ids[0])


@told_of_queue
def cleared_while_added(story: Editing) -> None:
    """one clears while another adds y: y"""
    story.base("Y", "Z", "W")
    story.clear("ann", 1_000)
    story.append("bob", 990, "y")


@told_of_queue
def clear_undone(story: Editing) -> None:
    """a clear undone: all back, in their places"""
    ids = story.base("Y", "Z", "W")
    story.clear("ann", 1_000)
    story.restore("ann", 2_000, *ids)


@told
def removed_cleared_restored(story: Editing) -> None:
    """removed by one, cleared by another, then the removal undone: it shows"""
    ids = story.base("a", "b", "c")
    story.remove("ann", 1_000, ids[1])
    story.clear("bob", 2_000)
    story.restore("ann", 3_000, ids[1])


@told
def restored_before_the_clear(story: Editing) -> None:
    """restored before an unaware clear: hidden"""
    ids = story.base("a", "b")
    story.remove("ann", 1_000, ids[0])
    story.restore("ann", 1_500, ids[0])
    story.clear("bob", 2_000)


@told
def two_clears(story: Editing) -> None:
    """a later clear that has seen less does not undo the earlier one"""
    story.base("a", "b")
    later = story.append("ann", 500, "c")
    story.clear("ann", 1_000)
    story.clear("bob", 2_000)
    story.sees("bob", later)


@told
def both_remove_one_undoes(story: Editing) -> None:
    """both remove b, one undoes it: b is back in its place"""
    ids = story.base("a", "b", "c")
    story.remove("ann", 1_000, ids[1])
    story.remove("bob", 1_010, ids[1])
    story.restore("bob", 2_000, ids[1])


@told
def after_an_item_being_removed(story: Editing) -> None:
    """inserted after an item that another removes: it stays in that place"""
    ids = story.base("a", "b", "c")
    story.remove("ann", 1_000, ids[1])
    story.add("bob", 1_001, "x", left=ids[1])


# --- moving ---


@told
def moved_to_two_places(story: Editing) -> None:
    """one item moved to two places: one copy, where the later put it"""
    ids = story.base("a", "b", "c", "d")
    story.move("ann", 1_000, [ids[0]], ids[1])
    story.move("bob", 1_001, [ids[0]], ids[3])


@told
def moved_and_removed(story: Editing) -> None:
    """moved by one, removed by another: removed"""
    ids = story.base("a", "b", "c")
    story.remove("ann", 1_000, ids[0])
    story.move("bob", 2_000, [ids[0]], ids[2])


@told
def overlapping_blocks(story: Editing) -> None:
    """two blocks moved that overlap: each item where its later mover put it"""
    ids = story.base("a", "b", "c", "d", "e")
    story.move("ann", 1_000, ids[0:3], ids[4])
    story.move("bob", 1_001, ids[1:4], None)


@told
def move_undone(story: Editing) -> None:
    """a move undone after a neighbour changed: the exact old slot"""
    ids = story.base("a", "b", "c", "d")
    undo = edits.undo_move(story.view("ann"), [ids[1]])
    story.move("ann", 1_000, [ids[1]], ids[3])
    story.add("bob", 1_500, "x", left=ids[0])
    for data in undo:
        story.edit("ann", 2_000, data)


@told
def after_a_moved_item(story: Editing) -> None:
    """inserted after an item that another moves: it stays at the slot"""
    ids = story.base("a", "b", "c")
    story.move("ann", 1_000, [ids[0]], ids[2])
    story.add("bob", 1_001, "x", left=ids[0])


@told
def move_of_an_unknown_item(story: Editing) -> None:
    """a move of an item that never came does nothing"""
    ids = story.base("a", "b")
    story.emit("bob", 1_000, "list.moved", list="items", ids=["unknown000.1.0"], parent=ids[1], side="R")


@told
def moved_to_a_place_that_has_not_arrived(story: Editing) -> None:
    """an item moved to a slot that has not arrived stands at its own"""
    ids = story.base("a", "b", "c")
    story.emit("bob", 1_000, "list.moved_back", list="items", item=ids[1], slot="unknown000.1.0")


# --- what only a part, or a faulty writer, makes ---


@told
def parent_missing(story: Editing) -> None:
    """a run whose parent has not arrived does not show, nor does what hangs on it"""
    story.base("a")
    orphan = story.emit(
        "bob", 1_000, "list.inserted", list="items", parent="unknown000.1.0", side="R", items=items(["x"])
    )
    story.emit("cy", 2_000, "list.inserted", list="items", parent=item_of(orphan), side="L", items=items(["y"]))


@told
def before_the_root(story: Editing) -> None:
    """a run under null with side L does not show"""
    story.base("a")
    story.emit("bob", 1_000, "list.inserted", list="items", side="L", items=items(["x"]))


@told
def beyond_its_run(story: Editing) -> None:
    """a run on a slot that its parent does not have does not show"""
    ids = story.base("a")
    story.emit("bob", 1_000, "list.inserted", list="items", parent=f"{ids[0][:-1]}7", side="R", items=items(["x"]))


@told
def two_in_one_slot(story: Editing) -> None:
    """two items in one slot: by item id"""
    ids = story.base("a", "b", "c")
    for who, item in (("bob", ids[2]), ("cy", ids[1])):
        story.emit(who, 1_000, "list.moved_back", list="items", item=item, slot=ids[0])


@told
def siblings(story: Editing) -> None:
    """siblings by (t, writer, seq): ascending to the right, descending to the left"""
    (a,) = story.base("a")
    for side in ("R", "L"):
        for who in ("zed", "bob"):
            story.emit(who, 1_000, "list.inserted", list="items", parent=a, side=side, items=items([f"{side}-{who}"]))
        story.emit("bob", 1_000, "list.inserted", list="items", parent=a, side=side, items=items([f"{side}-bob-2"]))


@told
def admitted_twice(story: Editing) -> None:
    """one event admitted twice with different times: one item, where its later time puts it"""
    (a,) = story.base("a")
    twice = story.add("bob", 1_000, "x", left=a)
    story.add("cy", 1_001, "y", left=a)
    story.again(twice, later_t=9 * 2048)


@told
def seq_order_is_by_number(story: Editing) -> None:
    """ids sort as text only where two share a slot: seq 10 comes after seq 9"""
    for n in range(12):
        story.append("ann", n, f"t{n}")


def _edited(seed: int) -> Editing:
    """Three people edit at random, sometimes seeing what the others did."""
    rng = random.Random(f"lists {seed}")
    story = Editing()
    story.base("a", "b", "c", "d")
    people = ("ann", "bob", "cy")
    for n in range(36):
        who = people[drawn(rng, 3)]
        at_ms = 100 * n + drawn(rng, 150)
        if rng.random() < 0.4:
            story.sees(who, *(event for event in story.events if rng.random() < 0.8))
        view = story.view(who)
        showing = [entry.id for entry in view.items()]
        some = [showing[drawn(rng, len(showing))] for _ in range(3)] if showing else []
        left = some[0] if some and rng.random() < 0.8 else None
        what = drawn(rng, 10)
        if what < 5 or not some:
            story.add(who, at_ms, *(f"{who}{n}.{k}" for k in range(1 + drawn(rng, 3))), left=left)
        elif what < 8:
            story.move(who, at_ms, list(dict.fromkeys(some[1:])), left)
        elif what < 9:
            story.remove(who, at_ms, some[1])
        else:
            story.restore(who, at_ms, some[2])
    return story


def lists() -> Vectors:
    """Every story, named by its first sentence; then drawn ones."""
    cases = []
    for tell, name in _TOLD:
        story = Editing(name, stream=ACCOUNT if name == "queue" else PLAYLIST)
        tell(story)
        cases.append(story.case(str(tell.__doc__)))
    cases += [_edited(seed).case(f"drawn from seed {seed}") for seed in range(8)]
    return Vectors(
        "Lists: events in any order -> what shows, the order of all slots, where the next run hangs.", distinct(cases)
    )
