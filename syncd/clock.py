"""Time as a port, so that tests and the simulation can turn it by hand."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two times: one that people share, one that never jumps."""

    def now_ms(self) -> int:
        """Wall time, ms since the Unix epoch, UTC. May jump."""

    def monotonic_s(self) -> float:
        """Seconds since some moment; never falls. Only differences mean something."""


class SystemClock:
    """The machine's clocks."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        return time.monotonic()
