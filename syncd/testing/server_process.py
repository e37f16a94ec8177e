"""A real `syncd serve` in a process of its own, on its embedded Postgres, that can be killed and started again.

    with ServerProcess(folder / "data") as server:
        tokens = asyncio.run(server.link("ann", "phone", "laptop"))
        …
        server.kill()
        server.start()

Its ports stay the same over restarts, so devices find it again. All methods but `link` block: call them by
`asyncio.to_thread` where an event loop runs.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from syncd.accounts import LinkedDevice
from syncd.bootstrap import open_deployment
from syncd.config import Config
from syncd.operations.devices import link_device
from syncd.testing.ports import free_ports

READY_TIMEOUT_S: Final = 120.0
"""From the start of the process to its word. The first start makes the database; the machine may be busy."""
STOP_TIMEOUT_S: Final = 60.0
"""From SIGTERM to the end: sockets drain, the projector commits, Postgres stops."""
POLL_S: Final = 0.02
LOG_CHARS_SHOWN: Final = 4_000


class Ready(msgspec.Struct, frozen=True):
    """What `syncd serve --json` prints when it is ready."""

    http_url: str
    ws_url: str
    link: str | None
    account: str | None
    device: str | None
    token: str | None


class ServerFailed(Exception):
    """The process did not do what it should; the text holds the end of its log."""


class ServerProcess:
    """See the module's first lines.

    Attributes:
        data_dir: where its Postgres lives.
        log: what it writes on stderr, over all its lives; beside the data folder.
        http_port, ws_port: of all its lives.
        ready: what it said last.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        options: Sequence[str] = (),
        interpreter: str = sys.executable,
        environment: Mapping[str, str] | None = None,
        uid: int | None = None,
    ) -> None:
        """Nothing is started yet.

        Args:
            options: more of the command line, as `--no-demo`.
            environment: added to ours.
            uid: the user it runs as; ours when None.
        """
        self.data_dir = data_dir
        self.log = data_dir.with_name(f"{data_dir.name}.log")
        self.http_port, self.ws_port = free_ports(2)
        self.ready: Ready | None = None
        ports = ("--port", str(self.http_port), "--ws-port", str(self.ws_port))
        self._command = [
            interpreter, "-m", "syncd.cli", "serve", "--json", *ports, "--data-dir", str(data_dir), *options,
        ]  # fmt: skip
        # Settings of whoever runs us are for their own server.
        ours = {name: value for name, value in os.environ.items() if not name.startswith("SYNCD_")}
        self._environment = {**ours, **(environment or {})}
        self._uid = uid
        self._process: subprocess.Popen[bytes] | None = None
        self._cpu_s_before = 0.0

    # --- its life ---

    def start(self) -> Ready:
        """Start it, and wait for its word that it is ready.

        Raises:
            ServerFailed: it ended instead, or was not ready after `READY_TIMEOUT_S`.
        """
        self.launch()
        try:
            return self.until_ready()
        except BaseException:
            self.kill()
            raise

    def launch(self) -> None:
        """Start it, without waiting."""
        assert self._process is None, "it runs already"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command, no shell
                self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, cwd="/",
                env=self._environment, start_new_session=True,
                user=self._uid, group=self._uid, extra_groups=None if self._uid is None else [],
            )  # fmt: skip

    def until_ready(self) -> Ready:
        """Wait for its word that it is ready. Raises as `start`; it may still run then."""
        self.ready = msgspec.json.decode(self._first_line(), type=Ready)
        return self.ready

    def kill(self) -> None:
        """End the process by SIGKILL: it can do nothing about it. Postgres is left to its supervisor."""
        if self._process is not None:
            self._cpu_s_before += _cpu_s(self._process.pid)
            self._process.kill()
            self._ended()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask the process to end, and wait; its exit code.

        Raises:
            ServerFailed: it did not end within `STOP_TIMEOUT_S`; it is killed.
        """
        assert self._process is not None, "it does not run"
        self._cpu_s_before += _cpu_s(self._process.pid)
        self._process.send_signal(number)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise ServerFailed(f"it did not end {STOP_TIMEOUT_S:g} s after {number.name}: {self.said()}") from error
        return self._ended()

    def until_nobody_is_left(self, *, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Wait until no process works on the data folder.

        Raises:
            ServerFailed: some still do after `timeout_s`; the text names them.
        """
        end = time.monotonic() + timeout_s
        while left := processes_of(self.data_dir):
            if time.monotonic() >= end:
                raise ServerFailed(f"left behind after {timeout_s:g} s: {left}")
            time.sleep(POLL_S)

    def close(self) -> None:
        """Stop it if it runs, and wait until nobody is left. Raises as `stop` and `until_nobody_is_left`."""
        if self._process is not None:
            self.stop()
        self.until_nobody_is_left()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # --- what it is to others ---

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        assert self._process is not None, "it does not run"
        return self._process.pid

    @property
    def ws_url(self) -> str:
        """Where devices connect."""
        assert self.ready is not None, "it was never ready"
        return self.ready.ws_url

    @property
    def http_url(self) -> str:
        """Where browsers connect."""
        assert self.ready is not None, "it was never ready"
        return self.ready.http_url

    @property
    def config(self) -> Config:
        """The settings with which another process works on the same data."""
        return Config(data_dir=self.data_dir, port=self.http_port, ws_port=self.ws_port)

    @property
    def cpu_s(self) -> float:
        """Processor seconds of this process over all its lives; those of Postgres are not among them."""
        return self._cpu_s_before + (0.0 if self._process is None else _cpu_s(self._process.pid))

    @property
    def postgres_cpu_s(self) -> float:
        """Processor seconds of the Postgres that runs now, as far as its sessions still live."""
        return sum(_cpu_s(pid) for pid, command in processes_of(self.data_dir).items() if "postgres" in command[:200])

    def said(self) -> str:
        """The end of what it wrote on stderr."""
        return self.log.read_text(errors="replace")[-LOG_CHARS_SHOWN:] if self.log.exists() else ""

    async def link(self, account: str, *names: str) -> list[LinkedDevice]:
        """A new account with linked devices, through a second door to the same database."""
        async with open_deployment(self.config) as deployment:
            made = await deployment.accounts.create(account)
            return [
                await link_device(deployment.accounts, deployment.log, deployment.clock, made.account, name=name)
                for name in names
            ]

    # --- inside ---

    def _first_line(self) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        readable = select.poll()
        readable.register(self._process.stdout, select.POLLIN)
        end = time.monotonic() + READY_TIMEOUT_S
        heard = b""
        while b"\n" not in heard:
            left_s = end - time.monotonic()
            if left_s <= 0 or not readable.poll(left_s * 1_000):
                raise ServerFailed(f"it was not ready after {READY_TIMEOUT_S:g} s: {self.said()}")
            more = os.read(self._process.stdout.fileno(), 65_536)
            if not more:
                raise ServerFailed(f"it ended with code {self._process.wait(STOP_TIMEOUT_S)}: {self.said()}")
            heard += more
        return heard

    def _ended(self) -> int:
        assert self._process is not None
        code = self._process.wait(STOP_TIMEOUT_S)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None
        return code


def processes_of(data_dir: Path) -> dict[int, str]:
    """Process id -> command, of all that work on a data folder: servers, supervisors, Postgres' sessions."""
    found: dict[int, str] = {}
    names = (os.fsencode(f"{data_dir}/"), os.fsencode(f"{data_dir}\0"), json.dumps(str(data_dir)).encode())
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended, or is not ours to see
            command = (process / "cmdline").read_bytes()
            is_named = int(process.name) != os.getpid() and any(name in command for name in names)
            # A session of Postgres does not name the folder, but works in it.
            if command and (is_named or Path(os.readlink(process / "cwd")).is_relative_to(data_dir)):
                found[int(process.name)] = command.replace(b"\0", b" ").decode(errors="replace").strip()
    return found


def _cpu_s(pid: int) -> float:
    """Processor seconds of a process, all its living threads; 0 when it is gone.

    From the scheduler's own books, in ns: `/proc/<pid>/stat` counts in hundredths of a second.
    """
    spent_ns = 0
    for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):
            spent_ns += int(thread.read_text().split()[0])
    return spent_ns / 1e9
