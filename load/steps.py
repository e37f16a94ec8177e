"""How many steps of Python one event, or one resume, takes in the gateway: executed bytecode instructions, by file.

    python -m load.steps                        64 events in flight, 30 accounts with 3 devices
    python -m load.steps --in-flight 256 --functions 20
    python -m load.steps --storm                a storm: two of each account's devices come back, 10 missed deltas each
    python -m load.steps --kafka                the log in a topic: aiokafka's steps count as well
    python -m load.steps --json

Microseconds move with whatever else the machine does; this figure does not. So it tells two versions of the hot path
apart where a clock cannot, and it stands for most of what the gateway's own code costs. What C does (msgspec, uvloop,
the kernel) is not in it, nor are the devices, which are `load.generator`'s, on real sockets, in the same process.

Of a storm also counted: the objects of ours that the garbage collector has to look at for each idle connection.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import CodeType, FrameType, MethodType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiokafka
import uvloop

from load.arguments import command
from load.generator.adapters.syncd import SyncdDevice
from load.generator.device import Seat
from load.generator.tally import Tally
from load.peers.logins import make_logins
from load.report import print_table
from syncd.config import Config
from syncd.testing.kafka import running_kafka
from syncd.testing.patience import until
from syncd.testing.service import running_service

ACCOUNTS = 30
DEVICES = 3
ROUNDS = 5
"""Counted, after as many that warm up ledgers and caches."""
MISSED = 10
"""Events that each device missed before it comes back."""
AWAY_S = 0.5
"""Until the gateway has noticed who left, or told everybody who came: longer than it gathers such news."""
ARRIVAL_TIMEOUT_S = 60.0
_HELD = (list, dict, set, deque, tuple, MethodType, partial, Counter)
_SYNCD = f"{Path(__file__).parents[1] / 'syncd'}/"
_PACKAGES = f"{Path(aiokafka.__file__).parents[1]}/"
_COUNTED = (_SYNCD, f"{_PACKAGES}aiokafka/")


class Steps:
    """Counts, while it is on, every instruction of syncd's own code in this thread."""

    def __init__(self) -> None:
        self.by_code: Counter[CodeType] = Counter()
        self.calls = 0

    def switch(self, *, on: bool) -> None:
        """Begin to count, or stop."""
        sys.settrace(self._called if on else None)

    def _called(self, frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(_COUNTED):
            return None
        self.calls += 1
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._stepped

    def _stepped(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "opcode":
            self.by_code[frame.f_code] += 1
        return self._stepped


class Counted(NamedTuple):
    """`units`: events, or resumes. `objects`: by type, of each connection."""

    steps: Steps
    units: int
    objects: Counter[str]


def main() -> int:
    parser = command("load.steps", __doc__)
    parser.add_argument("--in-flight", type=int, default=64, metavar="N", help="events sent at once; 64")
    parser.add_argument("--storm", action="store_true", help="count resumes instead of events")
    parser.add_argument("--kafka", action="store_true", help="the log in a topic of a broker of its own")
    parser.add_argument("--functions", type=int, default=0, metavar="N", help="also show the N costliest functions")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="syncd-steps-") as folder, ExitStack() as stack:
        broker = stack.enter_context(running_kafka(Path(folder) / "kafka")) if options.kafka else None
        log = "postgres" if broker is None else f"kafka://{broker.address}/events"
        config = Config(data_dir=Path(folder) / "data", port=0, ws_port=0, log=log)
        counted = uvloop.run(_storms(config) if options.storm else _events(config, options.in_flight))
    unit = "a resume" if options.storm else "an event"
    steps, units = counted.steps, counted.units
    by_file: Counter[str] = Counter()
    for code, count in steps.by_code.items():
        by_file[_name(code)] += count
    total, calls = steps.by_code.total() / units, steps.calls / units
    if options.json:
        objects = {"objects": counted.objects.total()} if options.storm else {}
        files = {name: n / units for name, n in by_file.most_common()}
        print(json.dumps({"steps": total, "calls": calls, **objects, **files}))
        return 0
    print(f"{total:,.0f} steps and {calls:.0f} calls {unit}, {units // ROUNDS} at once\n")
    print_table(("file", f"steps {unit}"), [(name, f"{n / units:.1f}") for name, n in by_file.most_common()])
    if options.functions:
        print()
        rows = [(c.co_qualname, f"{n / units:.1f}") for c, n in steps.by_code.most_common(options.functions)]
        print_table(("function", f"steps {unit}"), rows)
    if counted.objects:
        print()
        rows = [(name, str(n)) for name, n in counted.objects.most_common()]
        print_table(("collected", f"{counted.objects.total()} a connection"), rows)
    return 0


def _name(code: CodeType) -> str:
    """Of its file, short."""
    return code.co_filename.removeprefix(_SYNCD).removeprefix(_PACKAGES)


async def _events(config: Config, in_flight: int) -> Counted:
    steps, tally, drawn = Steps(), Tally(), random.Random(1)
    async with running_service(config, frozenset({"gateway"})) as service:
        devices = await _connected(config, tally, service.ws_url)
        for number in range(2 * ROUNDS):
            steps.switch(on=number >= ROUNDS)
            for _ in range(in_flight):
                drawn.choice(devices).emit(time.perf_counter_ns())
            await _arrived(tally)
            steps.switch(on=False)
        for device in devices:
            device.close()
    return Counted(steps, ROUNDS * in_flight, Counter())


async def _storms(config: Config) -> Counted:
    steps, tally = Steps(), Tally()
    async with running_service(config, frozenset({"gateway"})) as service:
        devices = await _connected(config, tally, service.ws_url)
        at_home = devices[DEVICES - 1 :: DEVICES]
        away = [device for number, device in enumerate(devices) if number % DEVICES != DEVICES - 1]
        for device in away:  # now everybody is known, and has a position
            device.emit(time.perf_counter_ns())
        await _arrived(tally)
        for number in range(2 * ROUNDS):
            for device in away:
                device.close()
            await asyncio.sleep(AWAY_S)
            before = _ours()
            owed = tally.acks + MISSED * len(at_home)
            for device in MISSED * at_home:
                device.emit(time.perf_counter_ns())
            await until(partial(_acked, tally, owed), "the missed events were not all acked")
            steps.switch(on=number >= ROUNDS)
            await _connect(away, service.ws_url)
            await _arrived(tally)
            await asyncio.sleep(AWAY_S)
            steps.switch(on=False)
            held = _ours() - before
        for device in devices:
            device.close()
    return Counted(steps, ROUNDS * len(away), Counter({name: round(n / len(away)) for name, n in held.items()}))


def _ours() -> Counter[str]:
    """The objects that the collector looks at, by type: of our own classes, and what they hold that is Python's."""
    gc.collect()
    ours = [each for each in gc.get_objects() if type(each).__module__.startswith("syncd.")]
    seen = {id(each): each for each in ours}
    for each in ours:
        for held in gc.get_referents(each):
            if type(held) in _HELD and gc.is_tracked(held):
                seen[id(held)] = held
    return Counter(type(each).__qualname__ for each in seen.values())


async def _connected(config: Config, tally: Tally, ws_url: str) -> list[SyncdDevice]:
    logins = await asyncio.to_thread(lambda: asyncio.run(make_logins(config, ACCOUNTS, DEVICES)))
    devices = [
        SyncdDevice(tally, Seat(account, index, DEVICES, login))
        for account, tokens in enumerate(logins.values())
        for index, login in enumerate(tokens)
    ]
    await _connect(devices, ws_url)
    return devices


async def _connect(devices: Sequence[SyncdDevice], ws_url: str) -> None:
    """All in one moment."""
    where = urlsplit(ws_url)
    assert where.hostname is not None
    assert where.port is not None
    async with asyncio.timeout(ARRIVAL_TIMEOUT_S), asyncio.TaskGroup() as group:
        for device in devices:
            group.create_task(device.connect(where.hostname, where.port))


def _acked(tally: Tally, owed: int) -> bool:
    return tally.acks >= owed


async def _arrived(tally: Tally) -> None:
    await until(lambda: not tally.under_way, "an event did not arrive everywhere", timeout_s=ARRIVAL_TIMEOUT_S)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
