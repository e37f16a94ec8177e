"""The two bare relays: limits, not competitors."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from load.peers.peer import Missing, Place, Running
from load.peers.pinned import first_line, pinned
from load.processes import ProcessGroup
from load.scenarios import OWN, Scenario, Storm
from syncd import compiled
from syncd.testing.ports import free_ports


@dataclass(frozen=True)
class BareRelay:
    """A program of this folder that takes a port and says when it is ready."""

    name: str
    about: str
    module: str
    needs: str

    def prepare(self) -> None:
        if importlib.util.find_spec(self.needs) is None:
            raise Missing(f"the Python package {self.needs} is not installed; `make setup` installs it")

    def lacks(self, scenario: Scenario) -> str | None:
        return "it keeps nothing to come back to" if isinstance(scenario, Storm | OWN) else None

    @contextmanager
    def run(self, place: Place, scenario: Scenario) -> Iterator[Running]:
        (port,) = free_ports(1)
        log = place.folder / f"{self.name}.log"
        command = [sys.executable, "-m", self.module, str(port)]
        # It borrows our framing: as an interpreter runs it, or the limit would move with what is measured beside it.
        with pinned(command, log=log, core=place.core, environment={compiled.VARIABLE: compiled.OFF}) as process:
            first_line(process, log)
            yield Running("relay", port, [ProcessGroup("relay", process.pid)])


RELAYS = (
    BareRelay(
        "relay-websockets", "bare relay on websockets' Sans-I/O protocol; keeps nothing, knows nobody",
        "load.peers.relay_websockets", "websockets",
    ),
    BareRelay(
        "relay-picows", "bare relay on picows; keeps nothing, knows nobody", "load.peers.relay_picows", "picows",
    ),
)  # fmt: skip
