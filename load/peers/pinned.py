"""Starting a server on one core, and ending it whatever happened."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
POLL_S = 0.05
LOG_CHARS_SHOWN = 2_000


class ServerFailed(Exception):
    """A server did not start, or ended; the text holds the end of what it wrote."""


@contextmanager
def pinned(
    command: Sequence[str], *, log: Path, core: int | None, environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:  # fmt: skip
    """A process whose threads and children run on one core; it is stopped at the end, killed if it does not stop.

    Args:
        log: where its stderr goes. Its stdout is a pipe, for `first_line`.
        core: None leaves it to the scheduler.
        environment: added to ours.
    """
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=out, cwd=cwd,
            env={**os.environ, **(environment or {})},
            start_new_session=True,  # Ctrl-C is for whoever measures; it ends the servers in its own order
            preexec_fn=None if core is None else lambda: os.sched_setaffinity(0, {core}),
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def pin(pid: int, core: int) -> None:
    """Put all threads of a process that runs already on one core."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


def until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until something accepts on a port of this machine. Raises `ServerFailed`."""
    end_s = time.monotonic() + READY_TIMEOUT_S
    while process.poll() is None and time.monotonic() < end_s:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=READY_TIMEOUT_S):
            return
        time.sleep(POLL_S)
    told = log.read_text(errors="replace")[-LOG_CHARS_SHOWN:]
    raise ServerFailed(f"{process.args!r} does not listen on {port}: {told}")


def first_line(process: subprocess.Popen[bytes], log: Path) -> bytes:
    """What it says on stdout when it is ready. Raises `ServerFailed`; `log` is where it says why it was not."""
    assert process.stdout is not None
    heard = b""
    end_s = time.monotonic() + READY_TIMEOUT_S
    readable = select.poll()
    readable.register(process.stdout, select.POLLIN)
    while b"\n" not in heard:
        left_s = end_s - time.monotonic()
        more = os.read(process.stdout.fileno(), 65_536) if left_s > 0 and readable.poll(left_s * 1_000) else b""
        if not more:
            told = log.read_text(errors="replace")[-LOG_CHARS_SHOWN:]
            raise ServerFailed(f"{process.args!r} was not ready after {READY_TIMEOUT_S:g} s: {told}")
        heard += more
    return heard
