"""Socket.IO: node, one process, everything in memory."""

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


class SocketIo:
    """Socket.IO 4.8 with connection state recovery, on `ws`."""

    name = "socket-io"
    about = "Socket.IO 4.8 with connection state recovery; keeps two minutes in memory, nothing before it acks"

    def prepare(self) -> None:
        if not (FOLDER / "node_modules" / "socket.io").exists():
            get(["npm", "ci", "--no-audit", "--no-fund"], cwd=FOLDER)
        get(["node", "--version"], cwd=FOLDER)

    def lacks(self, scenario: Scenario) -> str | None:
        return "it keeps no state of accounts" if isinstance(scenario, OWN) else None

    @contextmanager
    def run(self, place: Place, scenario: Scenario) -> Iterator[Running]:
        (port,) = free_ports(1)
        log = place.folder / "socket-io.log"
        with pinned(["node", str(FOLDER / "server.mjs"), str(port)], log=log, core=place.core) as process:
            first_line(process, log)
            yield Running("socket-io", port, [ProcessGroup("socket-io", process.pid)])
