"""Who runs for a data folder, and the end of all of them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from collections.abc import Iterable
from pathlib import Path

from syncd.testing.patience import until
from syncd.testing.server_process import processes_of


def supervisors_of(data_dir: Path) -> list[int]:
    return [pid for pid, command in processes_of(data_dir).items() if "-m syncd.store.embedded" in command]


def postmaster_of(data_dir: Path) -> int | None:
    """The first process of Postgres; None while there is none."""
    for pid, command in processes_of(data_dir).items():
        if command.split()[0].endswith("/postgres") and "--single" not in command:
            return pid
    return None


def kill(pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def until_nobody_is_left(data_dir: Path) -> None:
    """Wait until no process of ours is left, and the lock says the same (a dying process lets go of it last)."""
    await until(lambda: not processes_of(data_dir) and lock_is_free(data_dir), "processes were left behind")


def lock_is_free(data_dir: Path) -> bool:
    with contextlib.suppress(FileNotFoundError), (data_dir / "postgres.lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
