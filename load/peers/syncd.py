"""syncd itself: as one process, and with its gateway alone."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from load.peers.logins import make_logins
from load.peers.peer import Missing, Place, Running
from load.peers.pinned import first_line, pinned
from load.processes import ProcessGroup
from load.scenarios import Scenario
from syncd.config import Config
from syncd.testing.kafka import KafkaMissing, fetch_jars, running_kafka
from syncd.testing.server_process import free_ports


@dataclass(frozen=True)
class Syncd:
    """syncd on its embedded Postgres, durable as anybody's.

    Attributes:
        roles: one process for each; the first one has the gateway. `serve` is all of them in one.
        kafka: whether the log is a topic of a broker of its own, on the server's core like everything else.
    """

    name: str
    about: str
    roles: tuple[str, ...]
    kafka: bool = False

    def prepare(self) -> None:
        if self.kafka:
            try:
                fetch_jars()
            except KafkaMissing as error:
                raise Missing(str(error)) from error

    def lacks(self, scenario: Scenario) -> str | None:
        return None

    @contextmanager
    def run(self, place: Place, scenario: Scenario) -> Iterator[Running]:
        ws_port, http_port, metrics_port = free_ports(3)
        data_dir = place.folder / "data"
        # Settings of whoever runs us are for their own server.
        clean = {name: "" for name in os.environ if name.startswith("SYNCD_")}
        environment = {**clean, "SYNCD_LOG_LEVEL": "warning"}
        with ExitStack() as stack:
            processes = []
            broker = None
            if self.kafka:
                broker = stack.enter_context(running_kafka(place.folder / "kafka"))
                if place.core is not None:
                    _pin(broker.pid, place.core)
                environment["SYNCD_LOG"] = f"kafka://{broker.address}/events"
            for role in self.roles:
                ports = {
                    "serve": ("--port", http_port, "--ws-port", ws_port, "--metrics-port", metrics_port),
                    "gateway": ("--ws-port", ws_port, "--metrics-port", metrics_port),
                }
                options = ["--no-demo"] if role == "serve" else []
                command = [sys.executable, "-m", "syncd.cli", role, "--json", "--data-dir", str(data_dir), *options]
                command += [str(word) for word in ports.get(role, ())]
                log = place.folder / f"{role}.log"
                process = stack.enter_context(pinned(command, log=log, core=place.core, environment=environment))
                json.loads(first_line(process, log))
                processes.append(ProcessGroup(role, process.pid))
            processes.append(ProcessGroup("postgres", _postmaster(data_dir), children=True))
            if broker is not None:
                processes.append(ProcessGroup("kafka", broker.pid))
            logins = asyncio.run(make_logins(Config(data_dir=data_dir), scenario.accounts, scenario.devices))
            metrics_url = f"http://127.0.0.1:{metrics_port}/metrics"
            yield Running("syncd", ws_port, processes, logins=logins, metrics_url=metrics_url)


def _postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])


def _pin(pid: int, core: int) -> None:
    """All threads of a process that runs already."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


SYNCD = (
    Syncd("syncd-serve", "syncd serve: all roles in one process, acks durable in Postgres", ("serve",)),
    Syncd("syncd", "syncd gateway beside syncd projector, acks durable in Postgres", ("gateway", "projector")),
    Syncd("syncd-kafka", "the same, acks durable in Kafka (acks=all)", ("gateway", "projector"), kafka=True),
)
