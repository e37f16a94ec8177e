"""One run of Postgres: the settings it gets, when it is ready, how it is stopped."""

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path

from syncd.store.embedded.child import POLL_S, Child
from syncd.store.embedded.cluster import DATABASE, USER, Cluster
from syncd.store.embedded.errors import EmbeddedPostgresError
from syncd.store.embedded.postgres_log import log_path, log_size, log_tail
from syncd.store.embedded.socket_folder import PORT

# Given on the command line, where they win over every file, so that an upgrade of syncd changes them for data that an
# older one made. What is not here is Postgres' own default.
SETTINGS = {
    "listen_addresses": "",  # no TCP: the private folder is the only way in
    "port": str(PORT),  # it only names the socket
    "unix_socket_permissions": "0700",
    "cluster_name": "syncd",  # shown in the process list
    # Durability is what an ack promises. These are the defaults, and no file may turn them off.
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "max_connections": "100",  # a server's pools take about 30, each command beside it a few
    "shared_buffers": "128MB",  # cells of some 100,000 accounts; the kernel caches the rest
    "wal_level": "replica",  # the least with which a copy can be taken while it runs
    "max_wal_size": "1GB",  # bounds both the disk and the time a recovery takes, some seconds
    "min_wal_size": "80MB",  # what is kept to be written over; the default goes down with the size of segments
    # Statistics and parallel queries share memory through files in /dev/shm by default. systemd deletes these when an
    # ordinary user logs out, also under a server that goes on, and a container's /dev/shm is small. So what is needed
    # usually comes with the main memory, and the rest from files in the cluster.
    "dynamic_shared_memory_type": "mmap",
    "min_dynamic_shared_memory": "16MB",
    # Our queries read a few rows by key. Compiling them costs more than running them.
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",  # the supervisor's postgres.log
    "logging_collector": "off",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}

# A start after a power cut replays up to max_wal_size; from a slow disk that takes minutes, and a start that is cut
# off begins anew. Members have their own, shorter patience, and may join again.
READY_S = 600.0
# A fast shutdown ends sessions and writes what is dirty, at most shared_buffers.
STOP_FAST_S = 30.0
# An immediate one writes nothing; the next start recovers.
STOP_IMMEDIATE_S = 5.0
# The line of postmaster.pid, counted from 0, that holds the status, and its word for "accepts connections".
_STATUS_LINE, _READY = 7, "ready"


class Server:
    """Postgres on one cluster, with its socket in one folder; started and stopped any number of times."""

    def __init__(self, cluster: Cluster, *, sockets: Path) -> None:
        self._cluster = cluster
        self._sockets = sockets
        self._child: Child | None = None

    @property
    def dsn(self) -> str:
        # TLS is turned off by name: PGSSLMODE in somebody's environment must not ask for it on a Unix socket.
        return f"postgresql://{USER}@/{DATABASE}?host={self._sockets}&port={PORT}&sslmode=disable"

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.exit_code is None

    async def start(self) -> None:
        """Start Postgres and wait until it accepts connections.

        Raises:
            EmbeddedPostgresError: it ended instead, or was not ready after `READY_S`; with what it said.
        """
        assert not self.running
        _remove_stale_pid(self._cluster.folder)
        data_dir = self._cluster.data_dir
        said_before = log_size(data_dir)
        settings = {**SETTINGS, "unix_socket_directories": str(self._sockets)}
        command: list[str | Path] = [self._cluster.binaries.program("postgres"), "-D", self._cluster.folder]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        child = self._child = Child(self._cluster.identity, command, lock=self._cluster.lock)
        end = time.monotonic() + READY_S
        while not self._is_ready(child):
            late = time.monotonic() >= end
            if late or child.exit_code is not None:
                why = f"was not ready after {READY_S:.0f} s" if late else f"ended with code {child.exit_code}"
                await self.stop()
                said = log_tail(data_dir, since=said_before)
                raise EmbeddedPostgresError(f"Postgres {why}: {said or 'without a word'} (see {log_path(data_dir)})")
            await asyncio.sleep(POLL_S)

    async def stop(self) -> None:
        """Stop Postgres cleanly, else at once, else by force; does nothing when it does not run."""
        if self._child is not None:
            await self._child.stop((signal.SIGINT, STOP_FAST_S), (signal.SIGQUIT, STOP_IMMEDIATE_S))

    def _is_ready(self, child: Child) -> bool:
        # What pg_ctl looks at as well: Postgres writes it the moment it accepts connections, so that asking costs
        # neither a driver in this process nor a line in the log for each attempt that comes too early.
        lines = _pid_lines(self._cluster.folder)
        return len(lines) > _STATUS_LINE and lines[0] == str(child.pid) and lines[_STATUS_LINE].strip() == _READY


def _pid_lines(cluster: Path) -> list[str]:
    try:
        return (cluster / "postmaster.pid").read_text("utf-8", "surrogateescape").splitlines()
    except FileNotFoundError:
        return []


def _remove_stale_pid(cluster: Path) -> None:
    """Remove the file by which Postgres keeps a second one away.

    We hold the lock, and everything we ever start holds it too while it lives, so the file is left from a crash.
    Postgres would find that out by itself, unless its old process id is somebody else's now: in a container, where
    the same few ids come again at each start, that is the rule, and it would refuse to start for ever.
    The one case to respect is a Postgres that a person started by hand. Should this overlook it, Postgres still finds
    the other's shared memory in use and ends.
    """
    lines = _pid_lines(cluster)
    if not lines:
        with contextlib.suppress(FileNotFoundError):
            (cluster / "postmaster.pid").unlink()  # empty: the machine went down as it was made
        return
    # Postgres works inside its folder. Without /proc (not on Linux) the question is left to Postgres.
    if not Path("/proc/self/cwd").exists():
        return
    with contextlib.suppress(OSError):
        if os.path.samefile(f"/proc/{int(lines[0])}/cwd", cluster):
            raise EmbeddedPostgresError(
                f"a Postgres that syncd did not start runs on {cluster} (process {lines[0]}); stop it first"
            )
    (cluster / "postmaster.pid").unlink()
