"""Kill the server with SIGKILL, again and again, while devices work; then see whether anything was lost or doubled.

    python -m load.kill_cycles                  300 cycles, about 8 minutes on two cores
    python -m load.kill_cycles --cycles 20      a short one
    python -m load.kill_cycles --json           the figures as one JSON object

`syncd serve` runs as a process of its own on its embedded Postgres. Real devices of the Python SDK, each with its store
on the disk, go on editing lists, library, settings and progress all the time, connected or not. One cycle: the server
starts, somebody gets an ack, and up to half a second later it is killed. In one of four cycles Postgres has time to
stop; in one of ten the server is killed while it starts.

At the end everybody settles, and what the devices were told is compared with the log, the cells and each other. Exit
code 0 when all of it holds, 1 when not, 130 when stopped by Ctrl-C (what was done until then is checked; a second
Ctrl-C ends at once).
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

from load.arguments import command
from load.report import Progress, print_table
from syncd.bootstrap import Deployment, open_deployment
from syncd.client import Device, DeviceState
from syncd.client.link import Link
from syncd.client.playlist import new_playlist_id
from syncd.client.websocket_link import connect_websocket
from syncd.model.cells import Cells
from syncd.protocol.client_session import Heard
from syncd.protocol.codec import Codec
from syncd.protocol.messages import Ack
from syncd.testing.listener import ACTIONS, CONTROLS, Listener
from syncd.testing.quiet import state_of_store, until_projected
from syncd.testing.recorded_acks import AckBook, doubles, read_log
from syncd.testing.server_process import ServerProcess
from syncd.testing.tally import tally

CYCLES = 300
DEVICES = 4
PLAYLISTS = 4
PAUSE_S_MEAN = 0.08
"""Between two bursts of a device."""
BURST_MAX = 6
"""Actions in a row, which travel as one emit."""
LIFE_S_MAX = 0.5
"""From the first ack to the kill."""
STOPPED_PAUSE_S = 0.8
"""After this long alone, the embedded Postgres has stopped."""
RECOVER_TIMEOUT_S = 30.0
SETTLE_TIMEOUT_S = 60.0
POLL_S = 0.01
KINDS = sorted(ACTIONS.keys() - CONTROLS - {"shuffles"})
"""Nothing that may be refused: every event has to arrive."""


@dataclass
class Figures:
    """What a run came to.

    Attributes:
        recovered_ms_p50, recovered_ms_p99, recovered_ms_max: from the kill of a server to the first ack of the next
            one; its start is in it and, where Postgres was given time to stop, that as well.
        events_found: admitted, and told by the state that a device was sent, since their ack was lost.
        admitted_twice: records of an event that was in the log already, as happens when an append outlived its server;
            they change nothing.
    """

    cycles: int = 0
    killed_while_starting: int = 0
    postgres_stopped: int = 0
    devices: int = 0
    seconds: float = 0.0
    events_emitted: int = 0
    events_acked: int = 0
    events_found: int = 0
    acked_as_seen: int = 0
    records: int = 0
    admitted_twice: int = 0
    cells: int = 0
    recovered_ms_p50: float = 0.0
    recovered_ms_p99: float = 0.0
    recovered_ms_max: float = 0.0
    problems: list[str] = field(default_factory=list)


class Worker:
    """A device that works without a break, and the listener at it.

    Attributes:
        linked_at_s, acked_at_s: when the present connection was made, and when its first ack came.
    """

    def __init__(self, name: str, url: str, token: str, *, folder: Path, rng: random.Random, book: AckBook) -> None:
        self.linked_at_s = 0.0
        self.acked_at_s: float | None = None
        self.device = Device(
            url, token, store=str(folder / f"{name}.db"), format=rng.choice(("json", "msgpack")), connect=self._connect
        )
        self.listener = Listener(self.device, rng=rng, name=name)
        self._rng = rng
        book.watch(name, self.device)
        self.device.on_message(self._heard)

    async def work(self) -> None:
        """Until cancelled: bursts of actions, and never patience with a lost connection."""
        while True:
            for _ in range(self._rng.randint(1, BURST_MAX)):
                self.listener.does_something(KINDS)
            self.hurry()
            await asyncio.sleep(self._rng.uniform(0, 2 * PAUSE_S_MEAN))

    def hurry(self) -> None:
        if self.device.state is DeviceState.OFFLINE:
            self.device.hurry()

    async def _connect(self, url: str, codec: Codec) -> Link:
        link = await connect_websocket(url, codec)
        self.linked_at_s, self.acked_at_s = time.monotonic(), None
        return link

    def _heard(self, heard: Heard) -> None:
        if isinstance(heard, Ack) and self.acked_at_s is None:
            self.acked_at_s = time.monotonic()


class Run:
    """One run: its server, its devices, what they were told."""

    def __init__(self, server: ServerProcess, folder: Path, *, seed: int, stop: asyncio.Event) -> None:
        self.figures = Figures()
        self.book = AckBook()
        self.recovered_s: list[float] = []
        self._server = server
        self._folder = folder
        self._rng = random.Random(seed)
        self._stop = stop
        self._workers: list[Worker] = []

    async def go(self, *, cycles: int, devices: int, progress: Progress) -> None:
        """Cycles of kills, then quiet, then the checks."""
        started_s = time.monotonic()
        self.figures.devices = devices
        linked = await self._server.link("listener", *(f"device {n}" for n in range(devices)))
        async with AsyncExitStack() as stack:
            for n, login in enumerate(linked):
                rng = random.Random(self._rng.random())
                worker = Worker(f"d{n}", self._server.ws_url, login.token, folder=self._folder, rng=rng, book=self.book)
                self._workers.append(worker)
                await stack.enter_async_context(worker.device)
            await self._workers[0].device.ready()
            playlists = [new_playlist_id() for _ in range(PLAYLISTS)]
            first = self._workers[0]
            first.listener.events += first.device.library.add("playlists", *playlists).events
            working = []
            for worker in self._workers:
                worker.listener.playlists = playlists
                working.append(asyncio.create_task(worker.work()))
            try:
                while self.figures.cycles < cycles and not self._stop.is_set():
                    await self._cycle()
                    for task in working:
                        if task.done():
                            task.result()
                    progress.advance(
                        self.figures.cycles, f"{len(self.book.acks)} acks, back after {self.recovered_s[-1]:.2f} s"
                    )
            finally:
                for task in working:
                    task.cancel()
                await asyncio.gather(*working, return_exceptions=True)
            await self._settle()
            await self._check(playlists)
        self._note_times(started_s)

    async def _cycle(self) -> None:
        await asyncio.sleep(self._rng.uniform(0, LIFE_S_MAX))
        await asyncio.to_thread(self._server.kill)
        killed_at_s = time.monotonic()
        if self._rng.random() < 0.1:
            self._server.launch()
            await asyncio.sleep(self._rng.uniform(0.1, 1.0))
            await asyncio.to_thread(self._server.kill)
            killed_at_s = time.monotonic()
            self.figures.killed_while_starting += 1
        if self._rng.random() < 0.25:
            await asyncio.sleep(STOPPED_PAUSE_S)
            self.figures.postgres_stopped += 1
        await asyncio.to_thread(self._server.start)
        self.recovered_s.append(await self._first_ack_after(killed_at_s) - killed_at_s)
        self.figures.cycles += 1

    async def _first_ack_after(self, killed_at_s: float) -> float:
        """When the first ack came over a connection that was made after the kill."""
        async with asyncio.timeout(RECOVER_TIMEOUT_S):
            while True:
                acked = [worker.acked_at_s for worker in self._workers if worker.linked_at_s > killed_at_s]
                first_s = min((at_s for at_s in acked if at_s is not None), default=None)
                if first_s is not None:
                    return first_s
                await asyncio.sleep(POLL_S)

    async def _settle(self) -> None:
        async with asyncio.timeout(SETTLE_TIMEOUT_S):
            while any(worker.device.owed or not worker.device.connected for worker in self._workers):
                for worker in self._workers:
                    worker.hurry()
                await asyncio.sleep(POLL_S)

    async def _check(self, playlists: list[str]) -> None:
        """Compare what the devices were told with the log, the cells and each other."""
        streams = ["a:me", *(f"p:{playlist}" for playlist in playlists)]
        async with open_deployment(self._server.config) as deployment:
            await until_projected(deployment.log, deployment.store, timeout_s=SETTLE_TIMEOUT_S)
            await self._check_acks(deployment)
            await self._check_cells(deployment, streams)
        self._check_lists(streams)

    async def _check_acks(self, deployment: Deployment) -> None:
        figures = self.figures
        in_log = await read_log(deployment.log)
        made = {self._account: [event for worker in self._workers for event in worker.listener.events]}
        counted = tally(made, self.book.acks, in_log)
        figures.events_emitted = counted.events
        figures.events_acked = counted.acked
        figures.events_found = counted.found
        figures.acked_as_seen = sum(ack.seen for ack in self.book.acks)
        figures.records = len(in_log.events)
        figures.admitted_twice = len(in_log.events) - len(in_log.times)
        figures.problems += [*counted.problems, *await self.book.problems(deployment.log, deployment.store)]

    async def _check_cells(self, deployment: Deployment, streams: list[str]) -> None:
        everything: Cells = {}
        for stream in streams:
            stored = await state_of_store(deployment.log, deployment.store, self._real(stream))
            everything.update({f"{stream} {key}": cell for key, cell in stored.cells.items()})
            digests = {"store": stored.digest}
            for worker in self._workers:
                verified = await worker.device.verify(stream)
                digests |= {worker.listener.name: verified.ours, "gateway": verified.theirs}
            if len(set(digests.values())) > 1:
                self.figures.problems.append(f"{stream} differs: {digests}")
        self.figures.cells = len(everything)
        added = [track for worker in self._workers for track in worker.listener.added]
        self.figures.problems += doubles(everything, added)

    def _check_lists(self, streams: list[str]) -> None:
        for stream in streams:
            shown = [worker.listener.tracks(stream) for worker in self._workers]
            if any(tracks != shown[0] for tracks in shown):
                self.figures.problems.append(f"the lists of {stream} differ between devices")
            if len(set(shown[0])) < len(shown[0]):
                self.figures.problems.append(f"the list of {stream} shows a track twice")

    def _note_times(self, started_s: float) -> None:
        self.figures.seconds = round(time.monotonic() - started_s, 1)
        ordered = sorted(self.recovered_s)
        if ordered:
            self.figures.recovered_ms_p50 = round(1e3 * ordered[len(ordered) // 2])
            self.figures.recovered_ms_p99 = round(1e3 * ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)])
            self.figures.recovered_ms_max = round(1e3 * ordered[-1])

    @property
    def _account(self) -> str:
        return self._workers[0].device.account or ""

    def _real(self, stream: str) -> str:
        return f"a:{self._account}" if stream == "a:me" else stream


async def run_cycles(*, cycles: int, devices: int, seed: int, folder: Path, progress: Progress) -> Figures:
    """A whole run in a folder of its own; Ctrl-C ends it after the cycle under way."""
    stop = asyncio.Event()
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    loop.add_signal_handler(signal.SIGINT, lambda: task.cancel() if stop.is_set() else stop.set())
    try:
        server = ServerProcess(folder / "data", options=["--no-demo"])
        await asyncio.to_thread(server.start)
        try:
            run = Run(server, folder, seed=seed, stop=stop)
            await run.go(cycles=cycles, devices=devices, progress=progress)
        finally:
            await asyncio.to_thread(server.close)
    finally:
        loop.remove_signal_handler(signal.SIGINT)
    return run.figures


def main() -> int:
    parser = command("load.kill_cycles", __doc__)
    parser.add_argument("--cycles", type=int, default=CYCLES, metavar="N", help=f"kills; {CYCLES} by default")
    parser.add_argument("--devices", type=int, default=DEVICES, metavar="N", help=f"of one account; {DEVICES}")
    parser.add_argument("--seed", type=int, default=None, help="repeats what an earlier run drew; times differ")
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    options = parser.parse_args()
    if options.cycles < 1 or options.devices < 1:
        parser.error(f"{options.cycles} cycles with {options.devices} devices: at least 1 of each")
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    progress = Progress("cycles", options.cycles)
    progress.note(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="syncd-kill-") as folder:
        try:
            figures = asyncio.run(
                run_cycles(
                    cycles=options.cycles, devices=options.devices, seed=seed, folder=Path(folder), progress=progress
                )
            )
        except (KeyboardInterrupt, asyncio.CancelledError):
            progress.note("interrupted before the checks")
            return 130
    progress.done()
    if options.json:
        print(json.dumps({"seed": seed, **asdict(figures)}))
    else:
        report(figures)
    if figures.problems:
        return 1
    return 130 if figures.cycles < options.cycles else 0


def report(figures: Figures) -> None:
    rows = {name.replace("_", " "): value for name, value in asdict(figures).items() if name != "problems"}
    print_table(("figure", "value"), [(name, f"{value:,.0f}") for name, value in rows.items()])
    for problem in figures.problems:
        print(f"WRONG: {problem}")
    if not figures.problems:
        print("no acked event lost, no double effect; all devices and the store are equal by digest")


if __name__ == "__main__":
    sys.exit(main())
