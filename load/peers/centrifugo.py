"""Centrifugo, where `CENTRIFUGO_BIN` names its program: no registry that we use has it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from load.peers.peer import Missing, Place, Running
from load.peers.pinned import pinned, until_listening
from load.processes import ProcessGroup
from load.scenarios import OWN, Scenario
from syncd.testing.ports import free_ports

VARIABLE = "CENTRIFUGO_BIN"

# Version 6. Everybody may come in and publish: tokens would only add work. History is what recovery needs; it is kept
# in memory, so nothing is stored before the ack.
CONFIG = {
    "client": {"insecure": True, "allowed_origins": ["*"]},
    "channel": {
        "without_namespace": {
            "allow_publish_for_subscriber": True,
            "history_size": 100,
            "history_ttl": "600s",
            "force_recovery": True,
        }
    },
    "websocket": {"compression": False},
    "log": {"level": "error"},
}


class Centrifugo:
    """Centrifugo 6 with its memory engine."""

    name = "centrifugo"
    about = "Centrifugo, memory engine with history and recovery; stores nothing before it acks"

    def prepare(self) -> None:
        program = os.environ.get(VARIABLE)
        if not program:
            raise Missing(f"{VARIABLE} names no program")
        if not os.access(program, os.X_OK):
            raise Missing(f"{VARIABLE} is {program!r}, which is no program that can be run")

    def lacks(self, scenario: Scenario) -> str | None:
        return "it keeps no state of accounts" if isinstance(scenario, OWN) else None

    @contextmanager
    def run(self, place: Place, scenario: Scenario) -> Iterator[Running]:
        (port,) = free_ports(1)
        config, log = place.folder / "centrifugo.json", place.folder / "centrifugo.log"
        config.write_text(json.dumps({**CONFIG, "http_server": {"address": "127.0.0.1", "port": str(port)}}))
        environment = {} if place.core is None else {"GOMAXPROCS": "1"}
        command = [str(Path(os.environ[VARIABLE]).absolute()), "-c", str(config)]
        with pinned(command, log=log, core=place.core, environment=environment) as process:
            until_listening(process, port, log)
            yield Running("centrifugo", port, [ProcessGroup("centrifugo", process.pid)])
