"""Processor time and memory of processes on this machine, from /proc. Linux only."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class ProcessGroup(Struct, frozen=True):
    """A process, or a process with those it started.

    Attributes:
        name: its part in the report, as "gateway".
        pid: the process, or the one whose children count as well.
        children: whether they do; those that ended and were waited for stay counted.
    """

    name: str
    pid: int
    children: bool = False

    def cpu_s(self) -> float:
        """Processor seconds so far, user and system; in steps of 1/100 s.

        Raises:
            ProcessLookupError: the process has ended; its figure would be too small.
        """
        own = _fields(self.pid)
        if own is None:
            raise ProcessLookupError(f"{self.name}, process {self.pid}, has ended")
        ticks = int(own[11]) + int(own[12])
        if self.children:
            ticks += int(own[13]) + int(own[14])
            for child in _children(self.pid):
                fields = _fields(child)
                ticks += 0 if fields is None else int(fields[11]) + int(fields[12])
        return ticks / _TICKS_PER_S

    def memory_kib(self) -> int:
        """Proportional set size: what it holds, shared pages divided among those who share them. KiB."""
        pids = [self.pid, *(_children(self.pid) if self.children else ())]
        return sum(_pss_kib(pid) for pid in pids)


def cpu_s_of(groups: Iterable[ProcessGroup]) -> dict[str, float]:
    """Processor seconds by name."""
    return {group.name: group.cpu_s() for group in groups}


def own_cpu_s() -> float:
    """Of the calling process, all its threads."""
    times = os.times()
    return times.user + times.system


def _children(pid: int) -> list[int]:
    found = []
    for entry in os.listdir("/proc"):
        fields = _fields(int(entry)) if entry.isdecimal() else None
        if fields is not None and int(fields[1]) == pid:
            found.append(int(entry))
    return found


def _pss_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise ProcessLookupError(f"/proc tells no memory of process {pid}")


def _fields(pid: int) -> list[str] | None:
    """What /proc says of a process behind its name (`man 5 proc`): state, parent, …; None when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
