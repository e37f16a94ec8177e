"""NATS with JetStream: one Go process, events on disk, not synced one by one."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from load.generator.adapters.nats import STREAM
from load.peers.peer import Place, Running, get
from load.peers.pinned import READY_TIMEOUT_S, ServerFailed, pinned
from load.processes import ProcessGroup
from load.scenarios import OWN, Scenario
from syncd.testing.ports import free_ports

FOLDER = Path(__file__).parent
PROGRAM = FOLDER / "build" / "nats-server"

CONFIG = """\
# Devices come by websocket, as they must from a browser. Each listens to its account's subject; what is published there
# is kept by a stream of JetStream, whose ack is the ack. Default durability: written, synced every two minutes.
listen: "127.0.0.1:{tcp_port}"
websocket {{ listen: "127.0.0.1:{port}", no_tls: true, compression: false }}
jetstream {{ store_dir: "{folder}", max_memory_store: 0, max_file_store: 4GB }}
max_connections: 20000
"""


class Nats:
    """NATS 2 with a JetStream file store."""

    name = "nats"
    about = "NATS with JetStream, file store without a sync for each message; live by core subscriptions"

    def prepare(self) -> None:
        if not PROGRAM.exists():
            get(["go", "build", "-o", str(PROGRAM), "github.com/nats-io/nats-server/v2"], cwd=FOLDER)

    def lacks(self, scenario: Scenario) -> str | None:
        return "it keeps no state of accounts" if isinstance(scenario, OWN) else None

    @contextmanager
    def run(self, place: Place, scenario: Scenario) -> Iterator[Running]:
        port, tcp_port = free_ports(2)
        config, log = place.folder / "nats.conf", place.folder / "nats.log"
        config.write_text(CONFIG.format(port=port, tcp_port=tcp_port, folder=place.folder / "jetstream"))
        environment = {} if place.core is None else {"GOMAXPROCS": "1"}
        with pinned([str(PROGRAM), "-c", str(config)], log=log, core=place.core, environment=environment) as process:
            _make_stream(tcp_port, log)
            yield Running("nats", port, [ProcessGroup("nats", process.pid)])


def _make_stream(port: int, log: Path) -> None:
    """Wait until the server answers, and make the stream that keeps every account's subject."""
    request = json.dumps(
        {"name": STREAM, "subjects": ["a.*"], "storage": "file", "num_replicas": 1, "max_consumers": 20_000}
    ).encode()
    publish = b'CONNECT {"verbose":false,"echo":false}\r\nSUB made 1\r\nPUB $JS.API.STREAM.CREATE.%b made %d\r\n%b\r\n'
    end_s = time.monotonic() + READY_TIMEOUT_S
    heard = b""
    while time.monotonic() < end_s:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=READY_TIMEOUT_S) as connection:
                connection.sendall(publish % (STREAM.encode(), len(request), request))
                while b'"config"' not in heard and b'"error"' not in heard:
                    more = connection.recv(65_536)
                    if not more:
                        break
                    heard += more
        except ConnectionRefusedError:
            time.sleep(0.05)
            continue
        if b'"config"' in heard:
            return
        break
    raise ServerFailed(f"JetStream made no stream: {heard!r}; {log.read_text(errors='replace')[-500:]}")
