"""The report of a run: JSON lines, written as the run goes, and a summary for the terminal."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

import msgspec
from msgspec import Struct

from load.generator.job import Outcome
from load.report import print_table
from load.scenarios import Scenario


class Header(Struct, frozen=True, tag="run", kw_only=True):
    """Where and how.

    Attributes:
        pinned: whether server and generator had a core each.
        compiled: which build of the hot path syncd ran; or why its sources.
    """

    started: str
    machine: str
    pinned: bool
    compiled: str = ""
    command: list[str]


class Cell(Struct, frozen=True, tag="cell", kw_only=True):
    """One scenario on one server, once. `front`: which of the server's processes holds the connections."""

    server: str
    about: str
    scenario: str
    settings: Scenario
    round: int
    started: str
    front: str
    outcome: Outcome

    @property
    def per_cpu_s(self) -> float | None:
        """Deliveries per processor second of the front process; None when it used too little to tell."""
        return _per_s(self.outcome.deliveries, self.outcome.cpu_s[self.front])

    @property
    def per_cpu_s_in_all(self) -> float | None:
        """The same, counting all processes of the server."""
        return _per_s(self.outcome.deliveries, sum(self.outcome.cpu_s.values()))


class Absent(Struct, frozen=True, tag="absent", kw_only=True):
    """A cell that was not measured, and why."""

    server: str
    scenario: str
    round: int
    why: str


SYNCD = "syncd"
"""Whom the others are compared with."""

HEAD = (
    "server", "deliveries/s", "per CPU s", "syncd/it", "with all", "ms p50", "p95", "p99", "generator", "runs",
)  # fmt: skip

Line: TypeAlias = Header | Cell | Absent


class Report:
    """A file that grows by a line with each cell, so that a run that is cut short keeps what it has."""

    def __init__(self, path: Path, header: Header) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.lines: list[Line] = []
        self._file = path.open("wb")
        self.add(header)

    @property
    def has_wrong(self) -> bool:
        """Whether something was lost, doubled or refused in any cell."""
        return any(isinstance(line, Cell) and bool(line.outcome.wrong) for line in self.lines)

    def add(self, line: Line) -> None:
        self.lines.append(line)
        self._file.write(msgspec.json.encode(line) + b"\n")
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()


def read_report(path: Path) -> list[Line]:
    """The lines of a report. Raises `msgspec.DecodeError` when it is none."""
    return [msgspec.json.decode(line, type=Line) for line in path.read_bytes().splitlines()]


def summary(lines: Sequence[Line]) -> None:
    """A table for each scenario: medians over the rounds, and what every server is to the others."""
    scenarios: dict[str, dict[str, list[Cell]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        if isinstance(line, Cell):
            scenarios[line.scenario][line.server].append(line)
    for scenario, servers in scenarios.items():
        print(f"\n{scenario}")
        ours = _median(cell.per_cpu_s for cell in servers.get(SYNCD, ()))
        figures = dict.fromkeys(name for cells in servers.values() for cell in cells for name in cell.outcome.figures)
        if figures:
            names = list(figures)
            print_table(("server", *names), [(server, *_figures(cells, names)) for server, cells in servers.items()])
        else:
            print_table(HEAD, [(server, *_rates(cells, ours)) for server, cells in servers.items()])
        for server, cells in servers.items():
            for remark in dict.fromkeys(remark for cell in cells for remark in cell.outcome.remarks):
                print(f"  {server}: {remark}")
    for absent in (line for line in lines if isinstance(line, Absent)):
        print(f"not measured: {absent.scenario} on {absent.server}, round {absent.round}: {absent.why}")


def _figures(cells: Sequence[Cell], names: Sequence[str]) -> list[str]:
    """Medians over the rounds of what a scenario is about."""
    found = ((name, _median(cell.outcome.figures.get(name) for cell in cells)) for name in names)
    return [_shown(value, 2 if "ms" in name or "KiB" in name or name.startswith("s") else 0) for name, value in found]


def _rates(cells: Sequence[Cell], ours: float | None) -> list[str]:
    """Medians over the rounds of what came how fast, at which cost."""
    own = _median(cell.per_cpu_s for cell in cells)
    latencies = [cell.outcome.latency for cell in cells if cell.outcome.latency is not None]
    return [
        _shown(_median(cell.outcome.deliveries / cell.outcome.window_s for cell in cells)),
        _shown(own),
        _shown(ours / own if own and ours else None, 2),
        _shown(_median(cell.per_cpu_s_in_all for cell in cells)),
        *(_shown(_median(each.at(share) for each in latencies), 2) for share in (0.5, 0.95, 0.99)),
        f"{max(cell.outcome.generator_cpu_s / cell.outcome.window_s for cell in cells):.0%}",
        str(len(cells)),
    ]


def _per_s(count: int, seconds: float) -> float | None:
    return count / seconds if seconds >= 0.1 else None


def _median(values: Iterable[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return statistics.median(found) if found else None


def _shown(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
