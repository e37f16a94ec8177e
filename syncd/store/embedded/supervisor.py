"""The supervisor: one process per data folder that starts Postgres, keeps it, and stops it with its last member.

    PREPARING --> SERVING --> STOPPING --> end
        |            ^ |           ^
        |            +-+ restart   |
        +--------------------------+

- PREPARING: it holds the lock (inherited from the member that started it), makes the cluster if there is none, starts
  Postgres. This is finished even when every member has gone: a recovery that was cut off would begin anew each time.
- SERVING: members come and go. When Postgres ends by itself, it is started again.
- STOPPING: when nobody has been there for `LINGER_S`, or by a signal, or because Postgres cannot be run. Nobody is
  admitted any more; who comes now waits for the lock and starts the next supervisor.

Signals mean what they mean to Postgres. SIGTERM: admit nobody, end with the last member; a machine that shuts down
sends it to everybody at once, and the server still has acks to make true. SIGINT: stop now.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import time
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path

from syncd.store.embedded.binaries import find_binaries
from syncd.store.embedded.cluster import Cluster, cluster_folder
from syncd.store.embedded.errors import EmbeddedPostgresError
from syncd.store.embedded.identity import RunAs, choose_identity
from syncd.store.embedded.members import Members
from syncd.store.embedded.postgres_log import log_path
from syncd.store.embedded.server import Server
from syncd.store.embedded.socket_folder import CONTROL, open_socket_folder, remove_socket_folder

# Covers the pause between two commands of a script, which then find Postgres running.
LINGER_S = 0.5
# Postgres recovers by itself when one of its sessions crashes; only the loss of its first process ends it. Five times
# a minute is no accident any more, and whoever watches the server should see it fail.
RESTARTS_MAX = 5
RESTARTS_WINDOW_S = 60.0
# The first process is dead, its sessions notice and let go of the shared memory: milliseconds, but not none.
RESTART_PAUSE_S = 0.2
# Members that come at the same moment; the kernel keeps them until we accept.
BACKLOG = 64

_log = logging.getLogger("syncd.store.embedded")


@dataclass(frozen=True)
class Order:
    """What the member that starts a supervisor hands to it; `lock` and `link` are inherited descriptors."""

    data_dir: str
    binaries: str | None
    run_as: RunAs
    lock: int
    link: int

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> "Order":
        return Order(**json.loads(text))


def supervise(order: Order) -> int:
    """Be the supervisor until nobody needs Postgres any more; returns the exit code of the process."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s [%(process)d] supervisor: %(message)s")
    return asyncio.run(Supervisor(order).run())


class Supervisor:
    """The state machine of this module's first lines; `run` walks it once."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._data_dir = Path(order.data_dir)
        self._changed = asyncio.Event()
        self._members = Members(self._changed.set)
        self._last_call = False
        self._listener: socket.socket | None = None
        self._sockets: Path | None = None
        self._server: Server | None = None

    async def run(self) -> int:
        """Prepare, serve, stop; returns 0 unless Postgres could not be run."""
        loop = asyncio.get_running_loop()
        life = asyncio.create_task(self._live())
        loop.add_signal_handler(signal.SIGINT, life.cancel)
        loop.add_signal_handler(signal.SIGTERM, self._announce_last_call)
        loop.add_signal_handler(signal.SIGCHLD, self._changed.set)
        self._members.admit(socket.socket(fileno=self._order.link))
        await asyncio.wait({life})
        # Nothing can cancel from here on.
        error = None if life.cancelled() else life.exception()
        if error is not None:
            known = isinstance(error, EmbeddedPostgresError)
            _log.error("%s", error, exc_info=None if known else error)
            sentence = str(error) if known else f"the supervisor failed: {error!r} (see {log_path(self._data_dir)})"
            self._members.answer({"error": sentence})
        if self._server is not None:
            await self._server.stop()
        if self._sockets is not None:
            remove_socket_folder(self._sockets)
        self._members.close()
        return 0 if error is None else 1

    async def _live(self) -> None:
        try:
            await self._serve(*await self._prepare())
        finally:
            # In the same step of the loop as the decision to end: whoever came between would be told to be a member
            # of a Postgres that stops. A connection that was not accepted yet is reset, and its owner tries again.
            self._stop_listening()

    async def _prepare(self) -> tuple[Server, dict[str, object]]:
        """Start Postgres; returns it with the answer for those who join."""
        binaries = find_binaries(Path(self._order.binaries) if self._order.binaries else None)
        folder = cluster_folder(self._data_dir)
        identity = choose_identity(folder, postgres=binaries.program("postgres"), run_as=self._order.run_as)
        cluster = Cluster(self._data_dir, binaries, identity, self._order.lock)
        self._sockets = open_socket_folder(self._data_dir, identity)
        self._listen(self._sockets / CONTROL, owner=(identity.uid, identity.gid))
        if cluster.exists():
            cluster.hand_over()
        else:
            self._members.report(f"creating the database in {folder}")
            await cluster.create()
        self._members.report(f"starting Postgres {binaries.version}")
        self._server = Server(cluster, sockets=self._sockets)
        await self._server.start()
        ready: dict[str, object] = {"ready": {"dsn": self._server.dsn, "version": binaries.version}}
        self._members.answer(ready)
        return self._server, ready

    async def _serve(self, server: Server, ready: dict[str, object]) -> None:
        """Return when Postgres is not needed any more."""
        restarts: deque[float] = deque(maxlen=RESTARTS_MAX)
        while True:
            self._changed.clear()
            now = time.monotonic()
            linger_s = 0.0 if self._last_call else self._members.deserted_since + LINGER_S - now
            if not self._members and linger_s <= 0:
                return
            if not server.running:
                if self._last_call:
                    return  # the signal that called us went to Postgres as well
                if len(restarts) == RESTARTS_MAX and restarts[0] > now - RESTARTS_WINDOW_S:
                    raise EmbeddedPostgresError(f"Postgres ended {RESTARTS_MAX} times (see {log_path(self._data_dir)})")
                restarts.append(now)
                await self._restart(server, ready)
                continue
            # With members there is nothing to wait for but a change, however long that takes.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), None if self._members else linger_s)

    async def _restart(self, server: Server, ready: dict[str, object]) -> None:
        _log.warning("Postgres ended by itself and is started again")
        self._members.report("starting Postgres again, it ended by itself")
        await asyncio.sleep(RESTART_PAUSE_S)
        try:
            await server.start()
        except EmbeddedPostgresError as error:
            _log.warning("it did not start: %s", error)  # counted, and tried again by the caller
        else:
            self._members.answer(ready)

    def _listen(self, path: Path, *, owner: tuple[int, int]) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.setblocking(False)
        self._listener.bind(str(path))
        # Made by root for another user's data, it must let that user in.
        os.chown(path, *owner, follow_symlinks=False)
        self._listener.listen(BACKLOG)
        asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)
        # The lock's content tells other members where to find us; its being held tells them that we are there.
        address = json.dumps({"pid": os.getpid(), "control": str(path)}).encode()
        os.ftruncate(self._order.lock, 0)
        os.pwrite(self._order.lock, address, 0)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            self._members.admit(connection)

    def _stop_listening(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def _announce_last_call(self) -> None:
        self._last_call = True
        self._stop_listening()
        self._changed.set()
