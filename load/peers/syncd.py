"""syncd itself: as one process, and with its gateway alone."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from load.peers.logins import make_logins
from load.peers.peer import Missing, Place, Running
from load.peers.pinned import first_line, pin, pinned
from load.processes import ProcessGroup
from load.scenarios import Folding, Scenario
from load.seeded_events import seeded
from syncd import compiled
from syncd.bootstrap import open_deployment
from syncd.config import Config
from syncd.limits import APPEND_RECORDS_MAX
from syncd.log.partition import partition_of
from syncd.testing.kafka import KafkaMissing, fetch_jars, running_kafka
from syncd.testing.ports import free_ports
from syncd.testing.quiet import until_projected

FOLD_TIMEOUT_S = 300.0
"""For the records that a log is filled with."""


@dataclass(frozen=True)
class Syncd:
    """syncd on its embedded Postgres, durable as anybody's.

    Attributes:
        roles: one process for each; the first one has a gateway. `serve` is all of them in one.
        kafka: whether the log is a topic of a broker of its own, on the server's core like everything else.
        partitions: of the log. Each account comes to the gateway that its partition falls to.
        scattered: its devices come to all gateways instead, as on one port that several processes share.
        records: in the log, and folded, before anything is measured.
        plain: whether its sources run as they are although there is a build of them (`make compiled`).
        even: its projector does not let the gateway go first.
        stamped: where each role writes what `load.stamped_role` noted, by its name; None runs them as they are.
    """

    name: str
    what: str
    roles: tuple[str, ...]
    kafka: bool = False
    partitions: int | None = None
    scattered: bool = False
    records: int = 0
    plain: bool = False
    stamped: Path | None = None
    even: bool = False

    @property
    def about(self) -> str:
        """What it is, and whether its hot path was compiled."""
        return f"{self.what}; {'compiled' if self.is_compiled else 'by the interpreter'}"

    @property
    def is_compiled(self) -> bool:
        """Whether its processes find the build that this one found. What stamps puts its own methods into classes."""
        return compiled.IS_COMPILED and not self.plain and self.stamped is None

    def prepare(self) -> None:
        if self.plain and not compiled.IS_COMPILED:
            raise Missing(f"without a build (`make compiled`) it is syncd itself: {compiled.ABOUT}")
        if self.kafka:
            try:
                fetch_jars()
            except KafkaMissing as error:
                raise Missing(str(error)) from error

    def lacks(self, scenario: Scenario) -> str | None:
        return "its log is no part of its data folder" if self.kafka and isinstance(scenario, Folding) else None

    @contextmanager
    def run(self, place: Place, scenario: Scenario) -> Iterator[Running]:
        data_dir = place.folder / "data"
        # Settings of whoever runs us are for their own server.
        environment = {**{name: "" for name in os.environ if name.startswith("SYNCD_")}, "SYNCD_LOG_LEVEL": "warning"}
        environment[compiled.VARIABLE] = os.environ.get(compiled.VARIABLE, "") if self.is_compiled else compiled.OFF
        if self.even:
            environment["SYNCD_PROJECTOR_NICE"] = "0"
        if self.partitions is not None:
            environment["SYNCD_LOG_PARTITIONS"] = str(self.partitions)
        with ExitStack() as stack:
            processes, ports = [], []
            broker = None
            if self.kafka:
                broker = stack.enter_context(running_kafka(place.folder / "kafka"))
                if place.core is not None:
                    pin(broker.pid, place.core)
                environment["SYNCD_LOG"] = f"kafka://{broker.address}/events"
            for number, role in enumerate(self.roles):
                ws_port, metrics_port, http_port = free_ports(3)
                program = ["syncd.cli"] if self.stamped is None else ["load.stamped_role", str(self.stamped / role)]
                command = [sys.executable, "-m", *program, role, "--json", "--data-dir", str(data_dir)]
                if role != "projector":
                    ports.append((ws_port, metrics_port))
                    command += ["--ws-port", str(ws_port), "--metrics-port", str(metrics_port)]
                if role == "serve":
                    command += ["--port", str(http_port), "--no-demo"]
                log = place.folder / f"{role}-{number}.log"
                process = stack.enter_context(pinned(command, log=log, core=place.core, environment=environment))
                json.loads(first_line(process, log))
                name = f"{role} {number + 1}" if role in self.roles[:number] else role
                processes.append(ProcessGroup(name, process.pid))
            processes.append(ProcessGroup("postgres", _postmaster(data_dir), children=True))
            if broker is not None:
                processes.append(ProcessGroup("kafka", broker.pid))
            config = Config(data_dir=data_dir)
            if self.records:
                asyncio.run(_fill(config, self.records))
            logins = asyncio.run(make_logins(config, scenario.accounts, scenario.devices))
            gateways = [ws_port for ws_port, _ in ports]
            homes = [
                gateways
                if self.scattered
                else [gateways[partition_of(f"a:{account}", self.partitions or 1) % len(ports)]]
                for account in logins
            ]
            yield Running(
                "syncd", ports[0][0], processes, logins=list(logins.values()), homes=homes if len(ports) > 1 else [],
                data_dir=str(data_dir), metrics_url=f"http://127.0.0.1:{ports[0][1]}/metrics",
            )  # fmt: skip


async def _fill(config: Config, records: int) -> None:
    """Put records of other accounts into the log, and wait until they are folded."""
    async with open_deployment(config) as work:
        waiting = seeded(records)
        while part := list(islice(waiting, APPEND_RECORDS_MAX)):
            for outcome in await work.log.append(part):
                assert outcome.outcome == "written", outcome.reason
        await until_projected(work.log, work.store, timeout_s=FOLD_TIMEOUT_S)


def _postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])


_ROLES = ("gateway", "projector")
SYNCD = (
    Syncd("syncd-serve", "syncd serve: all roles in one process, acks durable in Postgres", ("serve",)),
    Syncd("syncd", "syncd gateway beside syncd projector, acks durable in Postgres", _ROLES),
    Syncd("syncd-kafka", "the same, acks durable in Kafka (acks=all)", _ROLES, kafka=True),
    Syncd("syncd-plain", "as syncd, whether there is a build or not", _ROLES, plain=True),
    Syncd("syncd-kafka-plain", "as syncd-kafka, whether there is a build or not", _ROLES, kafka=True, plain=True),
    Syncd("syncd-even", "as syncd, with a projector that lets nobody go first", _ROLES, even=True),
    Syncd("syncd-kafka-even", "as syncd-kafka, with such a projector", _ROLES, kafka=True, even=True),
)
