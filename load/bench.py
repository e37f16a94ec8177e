"""syncd beside its peers and its limits: the same scenarios, alternately, in one run.

    python -m load.bench                                  everything that this machine can run; minutes
    python -m load.bench --servers syncd,relay-websockets --scenarios deliveries-64,paced-2000
    python -m load.bench --list                           what there is

Each cell is one scenario on one server that was just started, with the server on one core and the generator on
another; a round goes through all servers before the next begins, so that what else the machine does meets all of them.
The report is load/report/latest.json (JSON lines: the run, then a line for each cell), and
latest.html beside it to look at, with the curves of `load.curves` where they were measured. Ctrl-C ends the run after
stopping the servers, and keeps the cells that were done.
"""

from __future__ import annotations

import os
import platform
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from load.arguments import command, names_of
from load.bench_page import page
from load.bench_report import Absent, Cell, Header, Report, summary
from load.curve_points import read_points
from load.generator.job import Job, Step
from load.generator_process import GeneratorFailed, generate
from load.peers import PEERS
from load.peers.peer import Missing, Peer, Place
from load.peers.pinned import ServerFailed
from load.report import Progress
from load.scenarios import ALL, SCENARIOS, Deliveries, Paced, Scenario
from syncd import compiled

REPORT = Path(__file__).parent / "report" / "latest.json"
CURVES = "curves.json"
"""Beside it: what `load.curves` measured last."""


def main() -> int:
    parser = command("load.bench", __doc__)
    parser.add_argument("--servers", type=names_of(PEERS), default=list(PEERS), metavar="NAME,…", help="all by default")
    parser.add_argument("--scenarios", type=names_of(ALL), default=list(SCENARIOS), metavar="NAME,…")
    parser.add_argument("--rounds", type=int, default=1, metavar="N", help="how often each cell is measured; 1")
    parser.add_argument("--seconds", type=float, metavar="S", help="measured time of each cell, instead of its own")
    parser.add_argument("--out", type=Path, default=REPORT, metavar="FILE", help="where the report goes")
    parser.add_argument("--no-pin", action="store_true", help="leave cores to the scheduler")
    parser.add_argument("--list", action="store_true", help="name servers and scenarios, and end")
    options = parser.parse_args()
    if options.list:
        return _list()
    open_many_files()
    # As Ctrl-C does: servers are stopped, and what was measured is kept.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    place_cores = cores(pin=not options.no_pin)
    pinned = place_cores[0] is not None
    header = Header(
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        pinned=pinned, compiled=compiled.ABOUT, command=sys.argv[1:],
    )  # fmt: skip
    total = options.rounds * len(options.scenarios) * len(options.servers)
    progress = Progress("cells", total)
    missing = _prepare(options.servers)
    done = 0
    interrupted = False
    with Report(options.out, header) as report:
        try:
            for number in range(1, options.rounds + 1):
                for scenario_name in options.scenarios:
                    scenario = _shortened(ALL[scenario_name], options.seconds)
                    for name in options.servers:
                        label = f"{scenario_name} on {name}"

                        def tell(step: Step, done: int = done, label: str = label) -> None:
                            progress.advance(done, f"{label}: {step.done:g} of {step.total:g} {step.phase}")

                        why = missing.get(name) or PEERS[name].lacks(scenario)
                        if why is not None:
                            report.add(Absent(server=name, scenario=scenario_name, round=number, why=why))
                        else:
                            report.add(measure(PEERS[name], scenario_name, scenario, number, place_cores, tell))
                        done += 1
        except KeyboardInterrupt:
            interrupted = True
    progress.done()
    summary(report.lines)
    shown = options.out.with_suffix(".html")
    shown.write_text(page(report.lines, read_points(options.out.with_name(CURVES))))
    print(f"written: {options.out} and {shown}")
    return 130 if interrupted else 1 if report.has_wrong else 0


def cores(*, pin: bool) -> tuple[int | None, int | None]:
    """The server's and the generator's; none where there is only one, or nobody is to be pinned."""
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[1]) if pin and len(allowed) > 1 else (None, None)


def open_many_files() -> None:
    """As many as we may, for us and whom we start: every connection is one, and a shell's limit is often 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _prepare(names: Collection[str]) -> dict[str, str]:
    """Get what the servers need; those that this machine cannot run, and why."""
    missing = {}
    for name in names:
        try:
            PEERS[name].prepare()
        except Missing as error:
            missing[name] = str(error)
    return missing


def measure(
    peer: Peer, scenario_name: str, scenario: Scenario, number: int, cores: tuple[int | None, int | None],
    tell: Callable[[Step], None],
) -> Cell | Absent:  # fmt: skip
    """One scenario on one server, started for it. `cores`: the server's and the generator's."""
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
        try:
            with peer.run(Place(Path(folder), cores[0]), scenario) as running:
                job = Job(
                    adapter=running.adapter, host=running.host, port=running.port, scenario=scenario,
                    processes=running.processes, logins=running.logins, homes=running.homes,
                    metrics_url=running.metrics_url, data_dir=running.data_dir,
                )  # fmt: skip
                started = time.time()
                outcome = generate(job, core=cores[1], tell=tell)
        except (ServerFailed, GeneratorFailed) as error:
            return Absent(server=peer.name, scenario=scenario_name, round=number, why=str(error))
    return Cell(
        server=peer.name, about=peer.about, scenario=scenario_name, settings=scenario, round=number,
        started=datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"), outcome=outcome,
        front=running.processes[0].name,
    )  # fmt: skip


def _shortened(scenario: Scenario, seconds: float | None) -> Scenario:
    is_timed = isinstance(scenario, Deliveries | Paced)
    return replace(scenario, seconds=seconds) if is_timed and seconds is not None else scenario


def _list() -> int:
    print("servers")
    for peer in PEERS.values():
        print(f"  {peer.name:20} {peer.about}")
    print("scenarios")
    for name, scenario in ALL.items():
        print(f"  {name:20} {scenario}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
