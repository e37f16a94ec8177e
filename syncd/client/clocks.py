"""The clocks a device has, and the server's as far as the device knows it.

The wall clock may be wrong and may jump; the monotonic clock is steady, but means something only until the next boot.
So the server's clock is measured against the monotonic one: setting the wall clock by hand changes nothing. The wall
clock's own offset is kept beside it, for the next boot. Source: merge.md section 1, "Client clock".
"""

from __future__ import annotations

import secrets
import sys
import time
from pathlib import Path
from typing import Final, Protocol

from syncd.clock import Clock
from syncd.model.clock_offset import ClockOffset

STALE_AFTER_S = 600.0
"""How long a measurement may be trusted: quartz drifts by 50 ms in 10 minutes at worst. Then it is made again."""


class DeviceClock(Clock, Protocol):
    """A clock that also tells which life of the monotonic clock it reads."""

    @property
    def boot(self) -> str:
        """Names the life of `monotonic_s`: readings of two boots cannot be compared."""


class SystemDeviceClock:
    """The machine's clocks. The monotonic one goes on while the machine sleeps, where the system has such a clock."""

    def __init__(self) -> None:
        self._clock_id = _sleepless_clock()
        self.boot: Final = _boot_id() if self._clock_id is not None else secrets.token_hex(8)

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        return time.monotonic() if self._clock_id is None else time.clock_gettime(self._clock_id)


def _sleepless_clock() -> int | None:
    """Linux: CLOCK_BOOTTIME. macOS: CLOCK_MONOTONIC, which goes on in sleep there. Elsewhere none that we know."""
    name = "CLOCK_MONOTONIC" if sys.platform == "darwin" else "CLOCK_BOOTTIME"
    return getattr(time, name, None)


def _boot_id() -> str:
    """What the system calls this boot; where it does not say, every process counts as a boot of its own."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return secrets.token_hex(8)


class ServerTime:
    """The server's clock, as a device knows it."""

    def __init__(self, clock: DeviceClock, *, wall_offset_ms: int = 0) -> None:
        """`wall_offset_ms`: what the store remembers from an earlier run; 0 when it was never measured."""
        self._clock = clock
        self._wall_offset_ms = wall_offset_ms
        self._against_monotonic = ClockOffset()
        self._measured_s = float("-inf")

    def now_ms(self) -> int:
        """The server's clock now: measured if it ever was in this run, else the wall clock with its last offset."""
        if not self._against_monotonic.measured:
            return max(0, self._clock.now_ms() + self._wall_offset_ms)
        return self.monotonic_ms() + self._against_monotonic.offset_ms

    def measure(self, *, sent_ms: int, server_ms: int) -> None:
        """Take note of an answer that came just now to a question asked at `sent_ms` of the monotonic clock."""
        now_s = self._clock.monotonic_s()
        if now_s - self._measured_s > STALE_AFTER_S:
            self._against_monotonic.forget()
        self._measured_s = now_s
        self._against_monotonic.measure(sent_ms=sent_ms, server_ms=server_ms, received_ms=self.monotonic_ms())

    @property
    def is_stale(self) -> bool:
        """Whether it is time to measure again."""
        return self._clock.monotonic_s() - self._measured_s > STALE_AFTER_S

    @property
    def wall_offset_ms(self) -> int:
        """What to add to the wall clock to have the server's."""
        return self.now_ms() - self._clock.now_ms() if self._against_monotonic.measured else self._wall_offset_ms

    def monotonic_ms(self) -> int:
        """The monotonic clock in whole ms."""
        return round(self._clock.monotonic_s() * 1_000)

    def wall_ms(self) -> int:
        """The wall clock, uncorrected."""
        return self._clock.now_ms()

    @property
    def boot(self) -> str:
        """See `DeviceClock.boot`."""
        return self._clock.boot
