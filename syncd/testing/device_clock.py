"""A device's clocks, turned by hand."""

from __future__ import annotations

START_MS = 1_763_870_000_000
"""Where both the wall clock and, in tests that have one, the server's clock begin."""


class ManualDeviceClock:
    """See `syncd.client.clocks.DeviceClock`. Stands still until told otherwise.

    Attributes:
        wall_ms: what the wall clock shows; set it to jump.
        boot: name of the life of the monotonic clock; see `reboot`.
    """

    def __init__(self, *, wall_ms: int = START_MS, monotonic_s: float = 1_000.0, boot: str = "boot-1") -> None:
        self.wall_ms = wall_ms
        self.boot = boot
        self._monotonic_s = monotonic_s

    def now_ms(self) -> int:
        return self.wall_ms

    def monotonic_s(self) -> float:
        return self._monotonic_s

    def pass_ms(self, ms: int) -> None:
        """Let time go by on both clocks."""
        self.wall_ms += ms
        self._monotonic_s += ms / 1_000

    def reboot(self, *, off_ms: int = 0) -> None:
        """Start the monotonic clock anew, after the machine was off for a while."""
        self.wall_ms += off_ms
        self._monotonic_s = 0.0
        self.boot = f"boot-{int(self.boot.rpartition('-')[2]) + 1}"
