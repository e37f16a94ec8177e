"""The processes of a Postgres on this machine, and the processor time that they have used."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self


class PostgresProcesses:
    """All processes that a postmaster started, itself included, also those that have ended. Linux only."""

    def __init__(self, postmaster: int) -> None:
        self._postmaster = postmaster

    @classmethod
    def of_backend(cls, pid: int) -> Self | None:
        """Those of the Postgres that a session's process belongs to; None when it is not on this machine."""
        fields = _fields(pid)
        return None if fields is None else cls(int(fields[1]))

    def seconds(self) -> float:
        """Processor seconds so far, user and system."""
        ticks = 0
        for entry in os.listdir("/proc"):
            fields = _fields(int(entry)) if entry.isdecimal() else None
            if fields is not None and self._postmaster in (int(fields[1]), int(entry)):
                ticks += int(fields[11]) + int(fields[12])
            if fields is not None and self._postmaster == int(entry):
                ticks += int(fields[13]) + int(fields[14])  # of children that ended and were waited for
        return ticks / os.sysconf("SC_CLK_TCK")


def _fields(pid: int) -> list[str] | None:
    """What /proc says of a process behind its name (`man 5 proc`): state, parent, …; None when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
