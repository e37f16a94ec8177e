"""How many steps of Python one event takes in the gateway: executed bytecode instructions, by file.

    python -m load.steps                        64 events in flight, 30 accounts with 3 devices
    python -m load.steps --in-flight 256 --functions 20
    python -m load.steps --json

Microseconds move with whatever else the machine does; this figure does not. So it tells two versions of the hot path
apart where a clock cannot, and it stands for most of what the gateway's own code costs. What C does (msgspec, uvloop,
the kernel) is not in it, nor are the devices, which are `load.generator`'s, on real sockets, in the same process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Any
from urllib.parse import urlsplit

import uvloop

from load.generator.adapters.syncd import SyncdDevice
from load.generator.device import Seat
from load.generator.tally import Tally
from load.peers.logins import make_logins
from load.report import print_table
from syncd.config import Config
from syncd.testing.service import running_service

ACCOUNTS = 30
DEVICES = 3
ROUNDS = 5
"""Counted, after as many that warm up ledgers and caches."""
ARRIVAL_TIMEOUT_S = 60.0
_SYNCD = f"{Path(__file__).parents[1] / 'syncd'}/"


class Steps:
    """Counts, while it is on, every instruction of syncd's own code in this thread."""

    def __init__(self) -> None:
        self.by_code: Counter[CodeType] = Counter()
        self.calls = 0

    def switch(self, *, on: bool) -> None:
        """Begin to count, or stop."""
        sys.settrace(self._called if on else None)

    def _called(self, frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(_SYNCD):
            return None
        self.calls += 1
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._stepped

    def _stepped(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "opcode":
            self.by_code[frame.f_code] += 1
        return self._stepped


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--in-flight", type=int, default=64, metavar="N", help="events sent at once; 64")
    parser.add_argument("--functions", type=int, default=0, metavar="N", help="also show the N costliest functions")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="syncd-steps-") as folder:
        steps = uvloop.run(_count(Path(folder), options.in_flight))
    events = ROUNDS * options.in_flight
    by_file: Counter[str] = Counter()
    for code, count in steps.by_code.items():
        by_file[code.co_filename.removeprefix(_SYNCD)] += count
    total, calls = steps.by_code.total() / events, steps.calls / events
    if options.json:
        print(json.dumps({"steps": total, "calls": calls, **{name: n / events for name, n in by_file.most_common()}}))
        return 0
    print(f"{total:,.0f} steps and {calls:.0f} calls an event, {options.in_flight} in flight\n")
    print_table(("file", "steps an event"), [(name, f"{n / events:.1f}") for name, n in by_file.most_common()])
    if options.functions:
        print()
        rows = [(c.co_qualname, f"{n / events:.1f}") for c, n in steps.by_code.most_common(options.functions)]
        print_table(("function", "steps an event"), rows)
    return 0


async def _count(folder: Path, in_flight: int) -> Steps:
    steps, tally, drawn = Steps(), Tally(), random.Random(1)
    config = Config(data_dir=folder / "data", port=0, ws_port=0)
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
    return steps


async def _connected(config: Config, tally: Tally, ws_url: str) -> list[SyncdDevice]:
    where = urlsplit(ws_url)
    assert where.hostname is not None
    assert where.port is not None
    logins = await asyncio.to_thread(lambda: asyncio.run(make_logins(config, ACCOUNTS, DEVICES)))
    devices = [
        SyncdDevice(tally, Seat(account, index, DEVICES, login))
        for account, tokens in enumerate(logins.values())
        for index, login in enumerate(tokens)
    ]
    for device in devices:
        await device.connect(where.hostname, where.port)
    return devices


async def _arrived(tally: Tally) -> None:
    arrived = asyncio.Event()

    def look() -> None:
        if not tally.under_way:
            arrived.set()

    tally.on_arrived = look
    async with asyncio.timeout(ARRIVAL_TIMEOUT_S):
        await arrived.wait()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
