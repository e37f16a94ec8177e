"""Centrifuge: the Go library that Centrifugo is built on, in a program of one page; Centrifugo's stand-in where no
registry has the product itself. Same client protocol, same history and recovery, same memory engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from load.peers.peer import Place, Running, get
from load.peers.pinned import first_line, pinned
from load.processes import ProcessGroup
from load.scenarios import OWN, Scenario
from syncd.testing.ports import free_ports

FOLDER = Path(__file__).parent
PROGRAM = FOLDER / "build" / "centrifuge"


class Centrifuge:
    """Centrifuge 0.40 with its memory engine."""

    name = "centrifuge"
    about = "Centrifuge 0.40, the library of Centrifugo; memory engine, stores nothing before it acks"

    def prepare(self) -> None:
        if not PROGRAM.exists():
            get(["go", "build", "-o", str(PROGRAM), "."], cwd=FOLDER)

    def lacks(self, scenario: Scenario) -> str | None:
        return "it keeps no state of accounts" if isinstance(scenario, OWN) else None

    @contextmanager
    def run(self, place: Place, scenario: Scenario) -> Iterator[Running]:
        (port,) = free_ports(1)
        log = place.folder / "centrifuge.log"
        environment = {} if place.core is None else {"GOMAXPROCS": "1"}
        with pinned([str(PROGRAM), str(port)], log=log, core=place.core, environment=environment) as process:
            first_line(process, log)
            yield Running("centrifugo", port, [ProcessGroup("centrifuge", process.pid)])
