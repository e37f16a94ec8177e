"""How far a device's wall clock is from the server's.

One exchange (hello and welcome, ping and pong) tells it up to half the round trip, if the server read its clock in the
middle; the exchange with the shortest round trip of the last few errs least. Measured at hello, every 10 minutes and on
wake. Source: merge.md section 1, "Client clock".
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

SAMPLES_MAX = 5
"""Exchanges remembered: enough to meet a quiet moment, few enough that a clock set anew is noticed within the hour."""


class _Sample(NamedTuple):
    round_trip_ms: int
    offset_ms: int


class ClockOffset:
    """The best of the last `SAMPLES_MAX` measurements."""

    __slots__ = ("_samples",)

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque(maxlen=SAMPLES_MAX)

    def measure(self, *, sent_ms: int, server_ms: int, received_ms: int) -> None:
        """Take note of one exchange.

        Args:
            sent_ms, received_ms: the device's wall clock when it asked and when it had the answer. An exchange during
                which that clock was set back says nothing, and is passed over.
            server_ms: the server's clock, as the answer told it.
        """
        round_trip_ms = received_ms - sent_ms
        if round_trip_ms >= 0:
            self._samples.append(_Sample(round_trip_ms, server_ms - (sent_ms + received_ms) // 2))

    def forget(self) -> None:
        """Drop all measurements: the wall clock was set, or the device has slept."""
        self._samples.clear()

    @property
    def measured(self) -> bool:
        """Whether there is any measurement."""
        return bool(self._samples)

    @property
    def offset_ms(self) -> int:
        """What to add to the wall clock to have the server's; 0 as long as nothing is known.

        Of measurements with equal round trips the latest counts.
        """
        if not self._samples:
            return 0
        return min(reversed(self._samples), key=lambda sample: sample.round_trip_ms).offset_ms
