"""What lists cost: reading them at once, and keeping them up to date, from 1,000 to 20,000 entries.

    python -m load.lists                        a table
    python -m load.lists --json                 one JSON object a line
    python -m load.lists --sizes 1000,100000    other sizes

Every row is one step at one size. `us each` is its cost per element: per entry where a whole list is made or read, per
change where one is kept up to date. `to smallest` compares that with the same step at the smallest size. Linear is 1,
give or take what caches do; a change may cost more in a longer list, but by less than the list is longer. Times are of
the processor, not of the clock on the wall, so that other programs count little.
"""

from __future__ import annotations

import gc
import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

from load.arguments import command, sizes
from syncd.limits import ITEMS_MAX, LIST_ITEMS_MAX
from syncd.model import edits
from syncd.model.cells import Cells
from syncd.model.ids import EventId
from syncd.model.lowering import lower
from syncd.model.order.tree import Tree, run_of
from syncd.model.views.lists import list_view
from syncd.model.views.live_list import ListView
from syncd.testing.list_replica import ListReplica

SIZE_MIN = 2
"""The smallest list in which something can move."""
SIZES = (1_000, 2_000, 5_000, 10_000, LIST_ITEMS_MAX)
CHANGES = 1_000
REPEATS = 3
"""Reads are repeated and the fastest counts; what changes a list is done once."""
SHOWN = 20
"""Entries on a small device's screen, as `view: "now"` sends them."""


class Cost(NamedTuple):
    """One step at one size; `elements` are what it is divided by."""

    step: str
    size: int
    elements: int
    seconds: float

    @property
    def us_each(self) -> float:
        return self.seconds * 1e6 / self.elements


def costs_at(size: int) -> Iterator[Cost]:
    """All steps at one size."""
    imported = ListReplica("import")
    yield Cost("import in events of 500", size, size, seconds(lambda: import_tracks(imported, size)))
    appended = ListReplica("append")
    yield Cost("append one by one", size, size, seconds(lambda: append_tracks(appended, size)))
    queue = ListReplica("queue", list_name="queue")
    yield Cost("play next in a row", size, size, seconds(lambda: play_next(queue, size)))
    yield from costs_of_reading("the imported list", imported, size)
    yield from costs_of_reading("the appended list", appended, size)
    yield from costs_of_reading("the play-next queue", queue, size)
    yield from costs_of_moving(imported, size)
    yield from costs_of_a_clear(imported, size)


def import_tracks(replica: ListReplica, count: int) -> None:
    for start in range(0, count, ITEMS_MAX):
        tracks = [{"track": f"t{n}"} for n in range(start, min(start + ITEMS_MAX, count))]
        replica.emit(edits.insert_at_end(replica.view, tracks))


def append_tracks(replica: ListReplica, count: int) -> None:
    for n in range(count):
        replica.emit(edits.insert_at_end(replica.view, [{"track": f"t{n}"}]))


def play_next(replica: ListReplica, count: int) -> None:
    for n in range(count):
        replica.emit(edits.insert_after(replica.view, None, [{"track": f"t{n}"}]))


def costs_of_reading(which: str, replica: ListReplica, size: int) -> Iterator[Cost]:
    """What one pays who has the cells: for the order alone, for the view, for a view that can be kept up to date."""
    cells, name = replica.cells, replica.view.name
    yield Cost(f"order {which}", size, size, fastest(lambda: order_of(cells, f"{name}/run/")))
    yield Cost(f"view {which}", size, size, fastest(lambda: list_view(cells, name)))
    yield Cost(f"open {which}", size, size, fastest(lambda: ListView(name, cells).items()))


def order_of(cells: Cells, prefix: str) -> None:
    Tree(
        run_of(EventId(key[len(prefix) :]), cell.value) for key, cell in cells.items() if key.startswith(prefix)
    ).order()


def costs_of_moving(replica: ListReplica, size: int) -> Iterator[Cost]:
    """Random moves of one entry: as the device pays that makes them, and as one does that shows them."""
    rng = random.Random(size)
    receiver = ListView("items", replica.cells)
    receiver.items()
    spent: dict[str, float] = defaultdict(float)
    for _ in range(CHANGES):
        at = time.process_time()
        index = rng.randrange(size)
        move = edits.move_to(replica.view, [replica.view.slice(index, index + 1)[0].id], rng.randrange(size))
        spent["make a move"] += time.process_time() - at
        changed = lower(replica.emit(move))
        at = time.process_time()
        receiver.apply(changed)
        spent["apply a move"] += time.process_time() - at
        at = time.process_time()
        receiver.slice(0, SHOWN)
        spent[f"show {SHOWN} after a move"] += time.process_time() - at
        at = time.process_time()
        receiver.items()
        spent["show all after a move"] += time.process_time() - at
    for part, total in spent.items():
        yield Cost(part, size, CHANGES, total)


def costs_of_a_clear(replica: ListReplica, size: int) -> Iterator[Cost]:
    entries = [entry.id for entry in replica.view.items()]

    def undo() -> None:
        for start in range(0, len(entries), ITEMS_MAX):
            replica.emit(edits.restore(replica.view, entries[start : start + ITEMS_MAX]))

    yield Cost("clear", size, size, seconds(lambda: replica.emit(edits.clear(replica.view))))
    yield Cost("undo the clear", size, size, seconds(undo))
    assert [entry.id for entry in replica.view.items()] == entries, "an undone clear brings all back in their places"


def seconds(work: Callable[[], object]) -> float:
    """Without what the collector would spend on the lists that are there already."""
    gc.collect()
    gc.freeze()
    start = time.process_time()
    work()
    spent = time.process_time() - start
    gc.unfreeze()
    return spent


def fastest(work: Callable[[], object]) -> float:
    return min(seconds(work) for _ in range(REPEATS))


# --- the report ---


def report(costs: Iterator[Cost], *, as_json: bool) -> None:
    """Print each cost as it comes, beside that of the same step at the smallest size."""
    smallest: dict[str, float] = {}
    if not as_json:
        print(f"{'step':<32} {'size':>8} {'ms':>10} {'us each':>9} {'to smallest':>12}")
    for cost in costs:
        ratio = cost.us_each / smallest.setdefault(cost.step, cost.us_each)
        ms = cost.seconds * 1e3
        if as_json:
            row = {"step": cost.step, "size": cost.size, "ms": round(ms, 3), "us_each": round(cost.us_each, 3)}
            print(json.dumps({**row, "to_smallest": round(ratio, 2)}), flush=True)
        else:
            print(f"{cost.step:<32} {cost.size:>8,} {ms:>10.1f} {cost.us_each:>9.2f} {ratio:>12.2f}", flush=True)


def main() -> int:
    parser = command("load.lists", __doc__)
    parser.add_argument(
        "--sizes", type=sizes(least=SIZE_MIN), default=list(SIZES), metavar="N,N", help="entries, smallest first"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    report((cost for size in options.sizes for cost in costs_at(size)), as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
