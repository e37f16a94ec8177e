"""A clock that wakes the event loop at fixed times, to some ten microseconds.

The loop's own timers count in whole milliseconds: at 5,000 events a second, five would leave at once. The kernel's
timerfd is readable when a time has come; Python 3.13 has it in `os`, before that libc is asked.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from collections.abc import Callable

_CLOCK_MONOTONIC = 1
_NONBLOCK = os.O_NONBLOCK
_libc = ctypes.CDLL(None, use_errno=True)


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Interval(ctypes.Structure):
    _fields_ = (("every", _Timespec), ("first", _Timespec))


class Metronome:
    """Calls `due(when_ns)` for each beat, in order; late beats are called late, never left out.

    Times are `time.perf_counter_ns`, which on Linux is the monotonic clock that timerfd knows.
    """

    def __init__(self, rate: float, due: Callable[[int], None]) -> None:
        """`rate`: beats a second. It beats from `start` to `stop`."""
        self._between_ns = 1e9 / rate
        self._due = due
        self._beats = 0
        self._fd = -1
        self._start_ns = 0

    def start(self) -> None:
        """Beat from now on."""
        self._fd = _libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        every_ns = max(1, int(self._between_ns))
        every = _Timespec(every_ns // 10**9, every_ns % 10**9)
        interval = _Interval(every, every)
        if _libc.timerfd_settime(self._fd, 0, ctypes.byref(interval), None):
            raise OSError(ctypes.get_errno(), "timerfd_settime")
        self._start_ns = time.perf_counter_ns()
        asyncio.get_running_loop().add_reader(self._fd, self._woken)

    def stop(self) -> None:
        """Twice is harmless."""
        if self._fd >= 0:
            asyncio.get_running_loop().remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _woken(self) -> None:
        os.read(self._fd, 8)
        now_ns = time.perf_counter_ns()
        while self._fd >= 0:
            when_ns = self._start_ns + int(self._beats * self._between_ns)
            if when_ns > now_ns:
                break
            self._beats += 1
            self._due(when_ns)
