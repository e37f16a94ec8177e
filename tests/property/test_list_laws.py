"""Laws 7 and 8 of merge.md section 4 for lists, and three replicas whose anchors move away under them.

Law 6 is in test_one_replica.py.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.model import edits
from syncd.model.canonical import Json
from syncd.model.cells import Cell, Cells, fold
from syncd.model.events import Event, ListCleared, ListInserted, ListRemoved, Side
from syncd.model.ids import EventId, ItemId
from syncd.model.lowering import lower
from syncd.model.order.place import ListOrder
from syncd.model.order.tree import Run, Tree, run_of
from syncd.model.stamp import digits, stamp
from syncd.model.views.lists import list_view, seen
from syncd.model.views.live_list import ListView
from syncd.testing.list_replica import ListReplica, exchange

# --- what people do ---


def one_edit(replica: ListReplica, rng: random.Random) -> Event:
    """Something a listener could do to the list as this replica shows it."""
    view, shown = replica.view, replica.shown()
    items = [{"track": f"{replica.writer}{len(replica.events)}.{k}"} for k in range(rng.randint(1, 3))]
    if len(shown) < 3 or rng.random() < 0.4:
        return replica.emit(
            rng.choice(
                [
                    edits.insert_at(view, rng.randint(0, len(shown)), items),
                    edits.insert_at_end(view, items),
                    edits.insert_after(view, None, items),
                ]
            )
        )
    block = rng.sample(shown, rng.randint(1, 3))
    hidden = [id_ for event in replica.events.values() for id_ in items_of(event) if not view.shows(id_)]
    return replica.emit(
        rng.choice(
            [
                edits.move_to(view, block, rng.randint(0, len(shown) - len(block))),
                edits.move_after(view, block, rng.choice(shown)),
                edits.undo_move(view, block)[0],
                edits.remove(view, block),
                edits.restore(view, [rng.choice(hidden or shown)]),
                edits.clear(view) if rng.random() < 0.1 else edits.remove(view, block[:1]),
            ]
        )
    )


def a_day_of_three(seed: int, *, edits_made: int) -> list[ListReplica]:
    """Three replicas that edit one list and hear of each other now and then; at the end each has seen everything."""
    rng = random.Random(seed)
    replicas = [ListReplica(name) for name in ("ann", "bob", "cem")]
    for _ in range(edits_made):
        one_edit(rng.choice(replicas), rng)
        if rng.random() < 0.3:
            a, b = rng.sample(replicas, 2)
            a.sync(b)
    exchange(replicas)
    return replicas


def items_of(event: Event) -> list[ItemId]:
    if not isinstance(event.data, ListInserted):
        return []
    return [ItemId(f"{event.writer}.{event.seq}.{k}") for k in range(len(event.data.items))]


seeds = st.integers(0, 2**32)


@given(seeds)
def test_no_entry_shows_twice_and_none_is_missing_that_nobody_removed(seed: int) -> None:
    """Law 7."""
    replica = a_day_of_three(seed, edits_made=40)[0]
    events = list(replica.events.values())
    inserted = {id_ for event in events for id_ in items_of(event)}
    removed = {id_ for event in events if isinstance(event.data, ListRemoved) for id_ in event.data.ids}
    for event in events:
        if isinstance(event.data, ListCleared):
            removed |= {id_ for id_ in inserted if born(id_)[1] <= event.data.seen.get(born(id_)[0], 0)}

    shown = replica.shown()

    assert len(shown) == len(set(shown))
    assert inserted - removed <= set(shown) <= inserted


def born(item: ItemId) -> tuple[str, int]:
    writer, seq, _ = item.split(".")
    return writer, int(seq)


@given(seeds)
def test_replicas_that_saw_the_same_show_the_same(seed: int) -> None:
    ann, bob, cem = a_day_of_three(seed, edits_made=40)
    assert ann.cells == bob.cells == cem.cells
    assert ann.view.items() == bob.view.items() == cem.view.items()
    assert ann.shown() == [entry.id for entry in list_view(cem.cells, "items")]


@given(seeds)
def test_moves_whose_anchors_move_end_equal_in_sixty_orders(seed: int) -> None:
    """Implementations that anchor moves on items rather than slots diverge here (merge.md D5)."""
    rng = random.Random(seed)
    replicas = [ListReplica(name) for name in ("ann", "bob", "cem")]
    replicas[0].emit(edits.insert_at_end(replicas[0].view, [{"track": name} for name in "abcdef"]))
    exchange(replicas)
    for _ in range(3):
        for replica in replicas:  # all three unaware of this round of the others
            block = rng.sample(replica.shown(), rng.randint(1, 2))
            replica.emit(edits.move_after(replica.view, block, rng.choice(replica.shown())))
            if rng.random() < 0.5:
                replica.emit(edits.insert_after(replica.view, rng.choice(replica.shown()), [{"track": "new"}]))
        a, b = rng.sample(replicas, 2)
        a.sync(b)
    exchange(replicas)
    events = list(replicas[0].events.values())
    expected = replicas[0].shown()
    assert sorted(expected) == sorted(id_ for event in events for id_ in items_of(event)), "nothing lost or doubled"

    for _ in range(60):
        rng.shuffle(events)
        cells: Cells = {}
        for event in events:
            fold(cells, lower(event))
        assert [entry.id for entry in list_view(cells, "items")] == expected


# --- law 8: kept up to date = read anew ---

# Any cells at all, also such as only a faulty writer makes: runs in circles, under slots that do not exist, two entries
# in one slot, a run whose parent changes. A cell may go again (None), as a pending one does when it is refused.
WRITERS = ("aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc")
writers = st.sampled_from(WRITERS)
run_ids = st.builds(lambda writer, seq: EventId(f"{writer}.{seq}"), writers, st.integers(1, 12))
slots = st.builds(lambda run_id, k: ItemId(f"{run_id}.{k}"), run_ids, st.integers(0, 3))
times = st.integers(1, 5)
stamps = st.builds(stamp, times, writers)


def insertion(parent: ItemId | None, side: str, t: int, size: int) -> Json:
    return {"parent": parent, "side": side, "t": t, "writer": "", "items": [{"track": f"{t}.{k}"} for k in range(size)]}


def movement(parent: ItemId | None, side: str, t: int, size: int) -> Json:
    return {"parent": parent, "side": side, "t": t, "writer": "", "count": size}


run_values = st.builds(
    lambda make, parent, side, t, size: make(parent, side, t, size),
    st.sampled_from([insertion, insertion, movement]),
    st.none() | slots,
    st.sampled_from("LR"),
    times,
    st.integers(1, 4),
)
run_writes = st.tuples(run_ids.map("items/run/{}".format), st.none() | st.builds(Cell, stamps, run_values))
other_writes = st.one_of(
    st.tuples(slots.map("items/at/{}".format), st.none() | st.builds(Cell, stamps, slots)),
    st.tuples(slots.map("items/on/{}".format), st.none() | st.builds(Cell, stamps, st.booleans())),
    st.tuples(
        writers.map("items/cleared/{}".format),
        st.none() | st.builds(lambda seq, t: Cell(digits(seq) + stamp(t, WRITERS[0]), t), st.integers(0, 12), times),
    ),
    st.tuples(st.just("queue/on/aaaaaaaaaa.1.0"), st.builds(Cell, stamps, st.booleans())),
)
batches = st.lists(st.lists(run_writes | other_writes, min_size=1, max_size=4), max_size=40)


def naive_order(runs: Iterable[Run]) -> list[ItemId]:
    """The order as merge.md 3.1 words it, slot by slot."""
    hanging: dict[tuple[ItemId | None, str], list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.key):
        hanging.setdefault((run.parent, run.side), []).append(run)

    def in_order(run: Run) -> Iterator[ItemId]:
        for slot in run.slots:
            for child in reversed(hanging.get((slot, "L"), [])):
                yield from in_order(child)
            yield slot
            for child in hanging.get((slot, "R"), []):
                yield from in_order(child)

    return [slot for run in hanging.get((None, "R"), []) for slot in in_order(run)]


def well_kept(view: ListView, cells: Cells, consumed: frozenset[ItemId] = frozenset()) -> None:
    fresh = list_view(cells, "items", consumed=consumed)
    assert view.items() == fresh
    assert len(view) == len(fresh)
    assert [view.index_of(entry.id) for entry in fresh] == list(range(len(fresh)))
    assert view.slice(1, 3) == fresh[1:3]
    assert view.seen() == seen(cells, "items")


@given(batches, st.sets(slots, max_size=3), st.booleans())
def test_a_list_kept_up_to_date_equals_one_read_anew(
    batches: list[list[tuple[str, Cell | None]]], consumed: set[ItemId], long: bool
) -> None:
    """Beside a long list a batch of one run enters it run by run, beside a short one the tree is read again."""
    cells: Cells = {}
    if long:
        chain = [f"dddddddddd.{seq}" for seq in range(1, 41)]
        for parent, run_id in zip([None, *chain], chain, strict=False):
            slot = None if parent is None else ItemId(f"{parent}.0")
            cells[f"items/run/{run_id}"] = Cell(stamp(1, "dddddddddd"), insertion(slot, "R", 1, 1))
    view = ListView("items", cells)
    for batch in batches:
        changed: dict[str, Cell | None] = dict(batch)
        for key, cell in changed.items():
            if cell is None:
                cells.pop(key, None)
            else:
                cells[key] = cell
        view.apply(changed)
        well_kept(view, cells)
    view.consume(frozenset(consumed))
    well_kept(view, cells, frozenset(consumed))
    view.consume(frozenset())
    well_kept(view, cells)


@given(st.lists(st.tuples(run_ids, run_values), max_size=40))
def test_the_order_is_what_the_page_words(writes: list[tuple[EventId, Json]]) -> None:
    """Law 8 for the order alone, and for the walk, which neither recurses nor visits a slot twice."""
    runs = dict(writes)
    expected = naive_order(run_of(id_, value) for id_, value in runs.items())
    assert Tree(run_of(id_, value) for id_, value in runs.items()).order() == expected
    order = ListOrder()
    for id_, value in writes:
        order.apply({id_: run_of(id_, value)})
    assert list(order.slots) == expected
    assert [order.slots.at(order.slots.index(slot)) for slot in expected] == expected
    assert [order.slots.after(slot) for slot in expected] == [*expected[1:], None][: len(expected)]


@given(st.lists(st.tuples(st.integers(0, 4), st.none() | st.booleans() | st.integers(0, 4)), max_size=30))
def test_entries_that_share_a_slot_stand_by_id(writes: list[tuple[int, int | bool | None]]) -> None:
    """Five entries that a faulty writer sends to one another's slots, and that come and go there."""
    run_id = EventId("aaaaaaaaaa.1")
    cells: Cells = {f"items/run/{run_id}": Cell(stamp(1, WRITERS[0]), insertion(None, "R", 1, 5))}
    view = ListView("items", cells)
    for n, (item, write) in enumerate(writes):
        key = f"items/{'on' if isinstance(write, bool) else 'at'}/{run_id}.{item}"
        value: Json = write if isinstance(write, bool) else f"{run_id}.{item if write is None else write}"
        cells[key] = Cell(stamp(2 + n, WRITERS[0]), value)
        view.apply({key: cells[key]})
        well_kept(view, cells)


@given(st.lists(st.tuples(st.integers(0, 9), times), max_size=30))
def test_runs_admitted_again_with_other_times_stand_where_those_put_them(writes: list[tuple[int, int]]) -> None:
    """Ten runs on the two sides of one slot, some of which get another time again and again."""
    root, siblings = EventId("aaaaaaaaaa.1"), [EventId(f"bbbbbbbbbb.{seq}") for seq in range(1, 11)]
    values = {root: insertion(None, "R", 1, 1)}
    order = ListOrder()
    order.apply({root: run_of(root, values[root])})
    for n, t in writes:
        id_ = siblings[n]
        values[id_] = insertion(ItemId(f"{root}.0"), "LR"[n % 2], t, 1)
        order.apply({id_: run_of(id_, values[id_])})
        assert list(order.slots) == naive_order(run_of(id_, value) for id_, value in values.items())


@pytest.mark.parametrize("seed", range(3))
def test_a_list_of_thousands_is_kept_up_to_date_over_many_blocks(seed: int) -> None:
    """Blocks split, and cells arrive in any order: most runs before the run they hang on."""
    rng = random.Random(seed)
    ann = ListReplica("ann")
    for n in range(6):
        ann.emit(edits.insert_at(ann.view, len(ann.view) // 2, [{"track": f"{n}.{k}"} for k in range(450)]))
    for n in range(900):
        one_edit_in_the_middle(ann, rng, n)
        if n % 150 == 0:
            well_kept_in_part(ann.view, ann.cells, rng)
    writes = list(ann.cells.items())
    rng.shuffle(writes)

    cells: Cells = {}
    late = ListView("items")
    for n, (key, cell) in enumerate(writes):
        cells[key] = cell
        late.apply({key: cell})
        if n % 300 == 0:
            well_kept_in_part(late, cells, rng)

    assert late.items() == ann.view.items() == list_view(ann.cells, "items")


@pytest.mark.parametrize("side", ["L", "R"])
def test_a_chain_of_10_000_is_read_and_kept_in_any_order_without_recursion(side: Side) -> None:
    """As 10,000 "play next", or 10,000 tracks added one by one."""
    ids = [EventId(f"aaaaaaaaaa.{seq}") for seq in range(1, 10_001)]
    cells: Cells = {}
    for parent, id_ in zip([None, *ids], ids, strict=False):
        value = insertion(None, "R", 1, 1) if parent is None else insertion(ItemId(f"{parent}.0"), side, 1, 1)
        cells[f"items/run/{id_}"] = Cell(stamp(1, WRITERS[0]), value)
    expected = [f"{id_}.0" for id_ in ids]
    if side == "L":
        expected.reverse()
    assert [entry.id for entry in list_view(cells, "items")] == expected
    for keys in (list(cells), list(reversed(cells))):
        view = ListView("items")
        for key in keys:
            view.apply({key: cells[key]})
        assert [entry.id for entry in view.items()] == expected


def one_edit_in_the_middle(replica: ListReplica, rng: random.Random, n: int) -> None:
    view = replica.view
    index = rng.randrange(len(view))
    block = [entry.id for entry in view.slice(index, index + rng.randint(1, 3))]
    choice = rng.random()
    if choice < 0.5:
        replica.emit(edits.insert_after(view, block[0], [{"track": f"new {n}"}]))
    elif choice < 0.8:
        replica.emit(edits.move_to(view, block, rng.randint(0, len(view) - len(block))))
    else:
        replica.emit(edits.remove(view, block))


def well_kept_in_part(view: ListView, cells: Cells, rng: random.Random) -> None:
    fresh = list_view(cells, "items")
    assert view.items() == fresh
    for index in rng.sample(range(len(fresh)), min(len(fresh), 20)):
        assert view.index_of(fresh[index].id) == index
        assert view.slice(index, index + 1) == [fresh[index]]
