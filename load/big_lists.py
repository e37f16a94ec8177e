"""What long lists cost on a real server with real devices: a playlist of 10,000 tracks, a queue of 2,000 "play next".

    python -m load.big_lists                       a table, some minutes
    python -m load.big_lists --sizes 1000,2000     other sizes of the playlist
    python -m load.big_lists --json                one JSON object a line

Per size of the playlist: import it in events of 500, open it on a second device (from the first packet to the whole
list on its screen), 1,000 random moves. Per size of the queue: "play next" so many times in a row, open it on a second
device. What the same costs without a server and a network shows `load.lists`.

`ms each` is per track, or per move: time on the wall until the server has answered all of it and the second device
shows it. `server` and `devices` are milliseconds of the processor for each, Postgres not counted; they do not mind what
else the machine does. `to smallest` compares their sum with the same step at the smallest size: 1 is linear for what
handles a whole list; for a single move linear would be the ratio of the sizes. A step that grows faster than that, give
or take half, is marked, and the exit code is 1.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from load.arguments import command, sizes
from load.lists import CHANGES as MOVES
from load.lists import SIZE_MIN
from load.report import print_table
from syncd.client import Device
from syncd.client.editable_list import EditableList
from syncd.client.playlist import new_playlist_id
from syncd.limits import ITEMS_MAX
from syncd.testing.server_process import ServerProcess

SIZES = (1_000, 2_000, 5_000, 10_000)
QUEUE_SIZES = (500, 1_000, 2_000)
OWED_MAX = 500
"""Events under way before a step pauses, as on a device that is used by a person or a script."""
REPEATS = 3
"""Lists that are imported, and devices that open one; the fastest counts."""
LINEAR_NOISE = 1.5
"""Beyond this factor over linear it is no accident of a busy machine any more."""
TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Cost:
    """One step at one size, in seconds on the wall and of processors.

    Attributes:
        elements: what it is divided by.
        touches_all: whether it handles the whole list, not one element at a time.
    """

    step: str
    size: int
    elements: int
    touches_all: bool
    wall_s: float
    server_s: float
    devices_s: float

    def ms_each(self, seconds: float) -> float:
        return seconds * 1e3 / self.elements

    @property
    def cpu_ms_each(self) -> float:
        return self.ms_each(self.server_s + self.devices_s)

    def to_smallest(self, smallest: Cost) -> float:
        return self.cpu_ms_each / smallest.cpu_ms_each

    def is_worse_than_linear(self, smallest: Cost) -> bool:
        linear = 1.0 if self.touches_all else self.size / smallest.size
        return self.to_smallest(smallest) > linear * LINEAR_NOISE


class Meter:
    """Time on the wall and of processors, from its making to `cost`."""

    def __init__(self, server: ServerProcess) -> None:
        gc.collect()  # what the steps before have left
        gc.freeze()
        self._server = server
        self._server_s = server.cpu_s
        self._devices_s = time.process_time()
        self._wall_s = time.monotonic()

    def cost(self, step: str, size: int, elements: int, *, touches_all: bool = True) -> Cost:
        wall_s, devices_s = time.monotonic() - self._wall_s, time.process_time() - self._devices_s
        return Cost(step, size, elements, touches_all, wall_s, self._server.cpu_s - self._server_s, devices_s)


@asynccontextmanager
async def devices(server: ServerProcess, folder: Path) -> AsyncIterator[tuple[Device, list[Device]]]:
    """A connected device of a fresh account, and others that are not connected yet."""
    name = new_playlist_id()
    logins = await server.link(name, *(f"device {n}" for n in range(1 + REPEATS)))
    first, *others = (
        Device(server.ws_url, login.token, store=str(folder / f"{name}{n}.db")) for n, login in enumerate(logins)
    )
    async with AsyncExitStack() as stack:
        for device in (first, *others):
            stack.push_async_callback(device.close)
        await first.__aenter__()
        await first.ready()
        yield first, others


async def playlist_costs(server: ServerProcess, folder: Path, size: int) -> list[Cost]:
    """Import, open, move."""
    rng = random.Random(size)
    async with devices(server, folder) as (first, others):
        imports: list[Cost] = []
        for _ in range(REPEATS):
            playlist = new_playlist_id()
            mine = first.playlist(playlist)
            meter = Meter(server)
            for start in range(0, size, ITEMS_MAX):
                mine.add(*(f"t{n}" for n in range(start, min(start + ITEMS_MAX, size))))
            await first.settled(timeout_s=TIMEOUT_S)
            imports.append(meter.cost("import in events of 500", size, size))
        costs = [fastest(imports)]

        theirs = [other.playlist(playlist) for other in others]
        costs.append(await open_cost(server, "open the playlist", mine, dict(zip(others, theirs, strict=True))))

        meter = Meter(server)
        for _ in range(MOVES):
            at = rng.randrange(size)
            mine.move(mine.slice(at, at + 1)[0].id, to=rng.randrange(size))
            await breathe(first)
        await first.settled(timeout_s=TIMEOUT_S)
        await shows(others[0], theirs[0], mine)
        costs.append(meter.cost("random moves", size, MOVES, touches_all=False))
        assert len(mine) == size, f"{len(mine)} entries after moves, of {size}"
    return costs


async def queue_costs(server: ServerProcess, folder: Path, size: int) -> list[Cost]:
    """Play next in a row, open."""
    async with devices(server, folder) as (first, others):
        meter = Meter(server)
        for n in range(size):
            first.queue.play_next(f"t{n}")
            await breathe(first)
        await first.settled(timeout_s=TIMEOUT_S)
        costs = [meter.cost("play next in a row", size, size)]
        assert first.queue.tracks == [f"t{n}" for n in reversed(range(size))], "the last one comes first"
        queues: dict[Device, EditableList] = {other: other.queue for other in others}
        costs.append(await open_cost(server, "open the queue", first.queue, queues))
    return costs


async def open_cost(
    server: ServerProcess, step: str, mine: EditableList, theirs: Mapping[Device, EditableList]
) -> Cost:
    """From a device's first packet to the whole list on its screen; of some devices, the one that was fastest.

    All but the first are closed again.
    """
    costs: list[Cost] = []
    for device, entries in theirs.items():
        meter = Meter(server)
        await device.__aenter__()
        await shows(device, entries, mine)
        costs.append(meter.cost(step, len(mine), len(mine)))
        if len(costs) > 1:
            await device.close()
    return fastest(costs)


def fastest(costs: Sequence[Cost]) -> Cost:
    return min(costs, key=lambda cost: cost.cpu_ms_each)


async def breathe(device: Device) -> None:
    """Let the connection work; wait when too much is under way."""
    if device.owed > OWED_MAX:
        await device.until(lambda: device.owed < OWED_MAX // 2, timeout_s=TIMEOUT_S)
    else:
        await asyncio.sleep(0)


async def shows(device: Device, entries: EditableList, expected: EditableList) -> None:
    """Wait until a device shows a list as another one does."""
    last = expected.items
    await device.until(
        lambda: device.connected and len(entries) == len(last) and entries.items == last, timeout_s=TIMEOUT_S
    )


# --- the report ---


async def measure(server: ServerProcess, folder: Path, playlist_sizes: Sequence[int]) -> AsyncIterator[Cost]:
    # The first pass through all code is slower than any later one: not measured.
    await playlist_costs(server, folder, 2)
    await queue_costs(server, folder, 2)
    for size in playlist_sizes:
        for cost in await playlist_costs(server, folder, size):
            yield cost
    for size in QUEUE_SIZES:
        for cost in await queue_costs(server, folder, size):
            yield cost


async def report(server: ServerProcess, folder: Path, playlist_sizes: Sequence[int], *, as_json: bool) -> bool:
    """Print what was measured; False when a step grew faster than its list."""
    smallest: dict[str, Cost] = {}
    rows: list[tuple[str, ...]] = []
    is_linear = True
    async for cost in measure(server, folder, playlist_sizes):
        first = smallest.setdefault(cost.step, cost)
        ratio, is_worse = cost.to_smallest(first), cost.is_worse_than_linear(first)
        is_linear = is_linear and not is_worse
        each = {
            "ms_each": cost.ms_each(cost.wall_s),
            "server_ms_each": cost.ms_each(cost.server_s),
            "devices_ms_each": cost.ms_each(cost.devices_s),
        }
        if as_json:
            figures = {name: round(figure, 4) for name, figure in each.items()}
            growth = {"to_smallest": round(ratio, 2), "worse_than_linear": is_worse}
            print(json.dumps({"step": cost.step, "size": cost.size, "s": round(cost.wall_s, 3), **figures, **growth}))
            continue
        print(f"{cost.step}, {cost.size:,}: {cost.wall_s:.2f} s", file=sys.stderr, flush=True)
        figures_told = [f"{figure:.3f}" for figure in each.values()]
        mark = "WORSE" if is_worse else ""
        rows.append((cost.step, f"{cost.size:,}", f"{cost.wall_s:.2f}", *figures_told, f"{ratio:.2f}", mark))
    if not as_json:
        print_table(("step", "size", "s", "ms each", "server", "devices", "to smallest", ""), rows)
        print("no step is worse than linear" if is_linear else "some step is worse than linear")
    return is_linear


def main() -> int:
    parser = command("load.big_lists", __doc__)
    parser.add_argument(
        "--sizes", type=sizes(least=SIZE_MIN), default=list(SIZES), metavar="N,N", help="entries, smallest first"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="syncd-lists-") as folder,
        ServerProcess(Path(folder) / "data", options=["--no-demo"]) as server,
    ):
        is_linear = asyncio.run(report(server, Path(folder), options.sizes, as_json=options.json))
    return 0 if is_linear else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
