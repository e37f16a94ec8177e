"""When to try again."""

from __future__ import annotations

import random

DELAY_S_FIRST = 0.5
"""Before the second try; the first one comes at once, since most breaks are short."""
DELAY_S_MAX = 30.0
"""However long a server is away, its devices are back half a minute after it."""
STEADY_S = 5.0
"""A connection that lived this long proves that the server takes us: trying begins anew."""


class Backoff:
    """Delays that double from try to try, each drawn from its upper half, so that devices do not come in step."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._tries = 0

    def next_s(self) -> float:
        """How long to wait before the next try."""
        self._tries += 1
        if self._tries == 1:
            return 0.0
        delay_s = min(DELAY_S_MAX, DELAY_S_FIRST * 2.0 ** min(self._tries - 2, 16))
        return delay_s * (0.5 + self._rng.random() / 2)

    def steady(self, lived_s: float) -> None:
        """A connection has ended that had been live for so long."""
        if lived_s >= STEADY_S:
            self._tries = 0
