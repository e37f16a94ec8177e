"""How the cost of one unit of work grows with how much there is of everything else.

    python -m load.curves                                all curves; about ten minutes
    python -m load.curves --curves connections,partitions
    python -m load.curves --curves log --sizes 0,1000000 other sizes, of one curve
    python -m load.curves --list                         what there is

Each point is a server that was just started, or a list in this process. A cost is for one unit: a delivery, a resume, a
change. What is linear is flat here; what rises is told at the end, with how many times. The points are written to
load/report/curves.json, and drawn into load/report/latest.html beside what `load.bench` measured last.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from load.arguments import command, names_of, sizes
from load.bench import CURVES, REPORT, cores, measure, open_many_files
from load.bench_page import page
from load.bench_report import Absent, Cell, read_report
from load.curve_points import CurvePoint, growth, write_points
from load.generator.job import Step
from load.lists import Cost, costs_at
from load.peers.syncd import Syncd
from load.report import Progress, print_table
from load.scenarios import Deliveries, Idle, Opening, Scenario, Storm

SECONDS = 4.0
"""Measured at each point, where time is what ends it."""
ACCOUNTS = 1_000
LIST_STEPS = ("apply a move", "show 20 after a move", "open the imported list", "view the imported list")
GATEWAY, PROJECTOR = "gateway", "projector"


class Curve(NamedTuple):
    """What grows, and who measures one point of it: (step, cost of one unit) each."""

    about: str
    sizes: tuple[int, ...]
    sizes_are: str
    unit: str
    at: Callable[[int, float], Iterator[tuple[str, float]]]


class NotMeasured(Exception):
    """A point that could not be; says why."""


def _cell(server: Syncd, scenario: Scenario) -> Cell:
    measured = measure(server, server.name, scenario, 1, cores(pin=True), _quiet)
    if isinstance(measured, Absent):
        raise NotMeasured(measured.why)
    if measured.outcome.wrong:
        raise NotMeasured("; ".join(measured.outcome.remarks))
    return measured


def _quiet(_: Step) -> None:
    """A point takes seconds; the progress of points is enough."""


def _server(*, gateways: int = 1, partitions: int | None = None, records: int = 0, scattered: bool = False) -> Syncd:
    roles = (GATEWAY,) * gateways + (PROJECTOR,)
    return Syncd(f"{gateways} x {partitions}", "", roles, partitions=partitions, records=records, scattered=scattered)


def _per_delivery(server: Syncd, scenario: Deliveries, seconds: float) -> Iterator[tuple[str, float]]:
    """Microseconds of the gateways, and of everything."""
    outcome = _cell(server, replace(scenario, seconds=seconds)).outcome
    gateways_s = sum(spent_s for name, spent_s in outcome.cpu_s.items() if name.startswith(GATEWAY))
    yield "gateway", gateways_s * 1e6 / outcome.deliveries
    yield "with projector and Postgres", sum(outcome.cpu_s.values()) * 1e6 / outcome.deliveries


def _connections(size: int, seconds: float) -> Iterator[tuple[str, float]]:
    return _per_delivery(_server(), Deliveries(accounts=size // 3), seconds)


def _memory(size: int, _: float) -> Iterator[tuple[str, float]]:
    yield "idle connection", _cell(_server(), Idle(accounts=size // 2)).outcome.figures["KiB per connection"]


def _storm(size: int, _: float) -> Iterator[tuple[str, float]]:
    outcome = _cell(_server(), Storm(accounts=size // 3)).outcome
    yield "gateway", outcome.cpu_s[GATEWAY] * 1e6 / outcome.figures["resumes"]


def _devices(size: int, seconds: float) -> Iterator[tuple[str, float]]:
    return _per_delivery(_server(), Deliveries(accounts=600 // size, devices=size), seconds)


def _opening(size: int, _: float) -> Iterator[tuple[str, float]]:
    outcome = _cell(_server(), Opening(items=size, devices=6)).outcome
    yield "open on a new device", outcome.figures["open ms p50"] * 1e3 / size


def _lists(size: int, _: float) -> Iterator[tuple[str, float]]:
    costs: dict[str, Cost] = {cost.step: cost for cost in costs_at(size)}
    for step in LIST_STEPS:
        yield step, costs[step].us_each


def _log(size: int, seconds: float) -> Iterator[tuple[str, float]]:
    return _per_delivery(_server(records=size), Deliveries(accounts=ACCOUNTS), seconds)


def _partitions(size: int, seconds: float) -> Iterator[tuple[str, float]]:
    return _per_delivery(_server(partitions=size), Deliveries(accounts=ACCOUNTS), seconds)


def _gateways(size: int, seconds: float) -> Iterator[tuple[str, float]]:
    """Each gateway is as busy at every size: what few events share in a turn of the loop costs each of them more."""
    scenario = Deliveries(accounts=ACCOUNTS, in_flight=64 * size)
    return _per_delivery(_server(gateways=size, partitions=8), scenario, seconds)


def _one_port(size: int, seconds: float) -> Iterator[tuple[str, float]]:
    """What processes on one port (`SO_REUSEPORT`) would cost: the kernel deals connections, and knows no accounts."""
    scenario = Deliveries(accounts=ACCOUNTS, in_flight=64 * size)
    return _per_delivery(_server(gateways=size, partitions=8, scattered=True), scenario, seconds)


US = "us a delivery"
ALL: dict[str, Curve] = {
    "connections": Curve("work over connections", (1_000, 3_000, 10_000), "connections", US, _connections),
    "memory": Curve("memory over connections", (1_000, 3_000, 10_000), "connections", "KiB a connection", _memory),
    "storm": Curve("coming back, over how many", (300, 1_000, 3_000), "devices that come back", "us a resume", _storm),
    "devices": Curve("work over devices of an account", (2, 5, 20, 50), "devices of an account", US, _devices),
    "opening": Curve("a playlist on a new device", (1_000, 3_000, 10_000), "items", "us an item", _opening),
    "lists": Curve("lists in a device", (1_000, 5_000, 20_000), "items", "us of one", _lists),
    "log": Curve("work over records in the log", (1_000, 30_000, 200_000), "records in the log", US, _log),
    "partitions": Curve("work over partitions", (1, 4, 16, 64), "partitions of the log", US, _partitions),
    "gateways": Curve("work over gateways, 8 partitions", (1, 2, 4), "gateways", US, _gateways),
    "one-port": Curve("work over gateways that share one port", (1, 2, 4), "gateways", US, _one_port),
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command("load.curves", __doc__)
    parser.add_argument("--curves", type=names_of(ALL), default=list(ALL), metavar="NAME,…", help="all by default")
    parser.add_argument("--sizes", type=sizes(), metavar="N,…", help="instead of a curve's own")
    parser.add_argument("--seconds", type=float, default=SECONDS, metavar="S", help=f"at each point; {SECONDS:g}")
    parser.add_argument("--out", type=Path, default=REPORT.with_name(CURVES), metavar="FILE", help="where points go")
    parser.add_argument("--list", action="store_true", help="name the curves, and end")
    options = parser.parse_args(arguments)
    if options.list:
        print_table(("curve", "about", "sizes"), ((name, each.about, str(each.sizes)) for name, each in ALL.items()))
        return 0
    open_many_files()
    points, missing = _measured(options.curves, options.sizes, options.seconds)
    write_points(options.out, points)
    _report(points)
    report = options.out.with_name(REPORT.name)
    shown = report.with_suffix(".html")
    shown.write_text(page(read_report(report) if report.exists() else [], points))
    for why in missing:
        print(f"not measured: {why}")
    print(f"written: {options.out} and {shown}")
    return 1 if missing else 0


def _measured(
    names: Sequence[str], sizes: Sequence[int] | None, seconds: float
) -> tuple[list[CurvePoint], list[str]]:  # fmt: skip
    """What was measured, and what was not; Ctrl-C keeps what was done."""
    work = [(ALL[name], size) for name in names for size in sizes or ALL[name].sizes]
    progress = Progress("points", len(work))
    points, missing = [], []
    try:
        for done, (curve, size) in enumerate(work):
            progress.advance(done, f"{curve.about}: {size:,} {curve.sizes_are}")
            try:
                for step, cost in curve.at(size, seconds):
                    points.append(
                        CurvePoint(
                            curve=curve.about, step=step, size=size, sizes=curve.sizes_are, cost=round(cost, 3),
                            unit=curve.unit,
                        )
                    )  # fmt: skip
            except NotMeasured as error:
                missing.append(f"{curve.about}, {size:,} {curve.sizes_are}: {error}")
    except KeyboardInterrupt:
        missing.append("the run was stopped")
    progress.done()
    return points, missing


def _report(points: Sequence[CurvePoint]) -> None:
    lines: dict[tuple[str, str, str], list[tuple[float, float]]] = defaultdict(list)
    for point in points:
        lines[point.curve, point.step, point.unit].append((point.size, point.cost))
    rows = [
        (curve, step, " ".join(f"{size:,g}: {cost:,.1f}" for size, cost in line), unit, f"{growth(line):.2f}")
        for (curve, step, unit), line in lines.items()
    ]
    print_table(("curve", "step", "cost of one unit by size", "unit", "last to first"), rows)


if __name__ == "__main__":
    sys.exit(main())
